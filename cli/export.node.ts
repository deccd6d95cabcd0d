import { existsSync, realpathSync } from 'node:fs';
import { extname } from 'node:path';
import { UserError } from '../engine/user_error.ts';
import type { ConventionName } from '../models/efficientnet_conventions.ts';
import { conventionalArithmetic } from '../models/efficientnet_preprocessing.ts';
import type { ExportName } from '../models/export_names.ts';
import { exportWeights } from '../models/export_weights.ts';
import { writeSafetensorsFile } from '../models/formats/safetensors.node.ts';
import type { StoredModel } from '../vision/answer/stored_model.ts';
import { jsonText } from '../vision/json_text.ts';
import { exportOnnxModel, type OnnxFlags } from './export_onnx.node.ts';
import { requireNoRunFile } from './kept_results.node.ts';
import { modelFile, readStored } from './load_model.node.ts';

export interface ExportFlags extends OnnxFlags {
  readonly names?: ExportName;
}

/** Writes a model for another program: the ending of the file says as what. */
export async function exportModel(path: string, flags: ExportFlags): Promise<void> {
  const { to } = flags;
  requireNoRunFile(to, '--to');
  const kind = extname(to);
  if (kind !== '.safetensors' && kind !== '.onnx')
    throw new UserError(`--to ${to}: it must end with .safetensors or .onnx`);
  const foreign = kind === '.onnx' ? (['names'] as const) : (['probabilities', 'preprocess', 'layout'] as const);
  const refused = foreign.find((flag) => flags[flag] !== undefined);
  if (refused)
    throw new UserError(
      `--${refused} is for ${kind === '.onnx' ? '.safetensors' : '.onnx'}, and --to is ${to}; leave it out`,
    );
  requireApart(to, modelFile(path));
  await (kind === '.onnx' ? exportOnnxModel : exportWeightsFile)(path, flags);
}

/** Throws where the file to write is the one that is read: what was in it beside the weights would be gone. */
function requireApart(to: string, read: string): void {
  if (existsSync(to) && existsSync(read) && realpathSync.native(to) === realpathSync.native(read))
    throw new UserError(`--to ${to} is the file that is read; give another name`);
}

/** Writes a model's weights under the names, and in the layouts, of another program. */
async function exportWeightsFile(path: string, flags: ExportFlags): Promise<void> {
  const { to, names = 'torchvision', json } = flags;
  const model = await readStored(path, flags);
  const { network, weights, arithmetic, preprocessing } = model.built;
  const { tensors, layout, notes } = exportWeights(network, weights, names);
  const { mean, std } = preprocessing;
  const said = {
    // What libraries of safetensors call the layouts of PyTorch and of TensorFlow.
    format: layout === 'torch' ? 'pt' : 'tf',
    architecture: network.name,
    names,
    classes: JSON.stringify(model.classes),
    preprocessing: JSON.stringify({ size: model.size, crop: model.crop, mean, std }),
    arithmetic: JSON.stringify(arithmetic),
  };
  await writeSafetensorsFile(to, tensors, said);
  for (const note of [...notes, ...arithmeticNotes(model, names)]) console.error(note);
  if (json) console.log(jsonText({ file: to, architecture: network.name, names, tensors: tensors.size, mean, std }, 0));
  else
    console.log(
      `${to}: ${tensors.size} tensors of ${network.name} as ${names} names them, for images with the mean ${mean.join(', ')} and the deviation ${std.join(', ')}`,
    );
}

/** What EfficientNets of each program pad and add under the root of batch norm; timm has both kinds. */
function arithmeticNotes({ built: { network, arithmetic } }: StoredModel, names: ExportName): string[] {
  if (!network.name.startsWith('efficientnet_')) return [];
  const variant = network.name.slice('efficientnet_'.length);
  const isThatOf = (convention: ConventionName): boolean => {
    const { padding, bnEpsilon } = conventionalArithmetic(convention, variant);
    return arithmetic.padding === padding && arithmetic.bnEpsilon === bnEpsilon;
  };
  const tensorflow = isThatOf('keras');
  const torch = isThatOf('timm');
  if (names === 'timm' && (tensorflow || torch))
    return [`timm calls this network ${tensorflow ? `tf_${network.name}` : network.name}.`];
  if (isThatOf(names)) return [];
  const { padding, bnEpsilon } = arithmetic;
  const other = tensorflow
    ? `; timm's tf_${network.name} has: --names timm`
    : torch
      ? `; timm's ${network.name} has: --names timm`
      : '';
  return [
    `The model pads by ${padding === 'same' ? 'SAME' : 'half the filter on each side'}, with a batch-norm epsilon of ${bnEpsilon}, which the ${network.name} of ${names} does not${other}.`,
  ];
}
