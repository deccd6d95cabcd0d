import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../engine/user_error.ts';
import { MODEL_NAMES, buildModel, type BuiltModel } from '../../models/build_network.ts';
import { describedBy } from '../../models/formats/model_file.ts';
import { readWeightsFile } from '../../models/formats/read_weights.node.ts';
import { isOnnxFile, readOnnxFile } from '../../models/onnx/onnx_file.node.ts';
import { ONNX, buildOnnx, type OnnxFile } from '../../models/onnx/onnx_model.ts';
import type { TrainOptions } from './options.ts';
import { readOrigin } from './origin_file.node.ts';
import { RUN_FILES } from './run_files.ts';

/** The ONNX file of a training. */
export interface NetworkFile extends OnnxFile {
  /** SHA-256 of the file as it was given, or of the run's copy where that is gone. */
  readonly given: string;
  /** SHA-256 of the bytes that the network is read from. */
  readonly used: string;
}

/**
 * The ONNX file that a training's network is read from; undefined where the network has a name. A run keeps a copy from
 * its beginning and goes on with that, so that nobody need keep the file.
 * @throws UserError where there is none, or the copy was changed
 */
export function networkFile({ model }: Pick<TrainOptions, 'model'>, folder: string): NetworkFile | undefined {
  if (MODEL_NAMES.includes(model) || !isOnnxFile(model)) return undefined;
  const [config, copyPath, originPath] = [RUN_FILES.config, RUN_FILES.network, RUN_FILES.origin].map((name) =>
    join(folder, name),
  );
  // What a run that never began has left behind is no copy of its.
  const copy = existsSync(config) && existsSync(copyPath) ? readOnnxFile(copyPath) : undefined;
  const given = copy && !existsSync(model) ? copy : readOnnxFile(model);
  const used = copy ?? given;
  const begun = existsSync(originPath) ? readOrigin(originPath).network : undefined;
  if (copy && begun !== undefined && hashOf(copy) !== begun)
    throw new UserError(
      `${copyPath}, the run's copy of ${model}, was changed since the run began; take another copy of the run, or begin anew in another --out`,
    );
  return { bytes: used.bytes, source: model, given: hashOf(given), used: hashOf(used) };
}

const hashOf = ({ bytes }: OnnxFile): string => createHash('sha256').update(bytes).digest('hex');

/** The network of a training, by its name with weights from a file or none, or from an ONNX file. */
export async function networkOf(
  options: TrainOptions,
  outputs: number,
  network: NetworkFile | undefined,
): Promise<BuiltModel> {
  const { model, weights, width, size, layout, preprocessing } = options;
  if (!network) {
    const file = weights === null ? undefined : await readWeightsFile(weights);
    if (file && describedBy(file.metadata ?? {}, file.source)?.architecture.name === ONNX)
      throw new UserError(
        `${file.source} holds a network that came as an ONNX file, and not the weights of ${model}; write it as one by \`tuningfork export\`, and give that as --model`,
      );
    return buildModel(model, outputs, file, { width });
  }
  return buildOnnx(network, { classes: outputs, size, layout }, preprocessing);
}
