import { UserError } from '../../engine/user_error.ts';
import type { JsonObject, Model } from '../../models/formats/model_file.ts';
import type { Network } from '../../models/network.ts';
import { ANSWERS, buildOnnx, declaredSide } from '../../models/onnx/onnx_model.ts';
import { saidIn, type Said } from '../../models/onnx/said.ts';
import type { BuiltModel } from '../../models/build_network.ts';
import type { Normalisation } from '../../models/normalisation.ts';
import { SHORT_SIDE } from '../view/views.ts';

/** How an ONNX file is read; a model file says it itself. */
export interface ReadOptions {
  /** Side of the pictures, where the file leaves it open: 224 when absent. */
  readonly size?: number;
  /** ImageNet's, which is told, when absent. */
  readonly preprocessing?: Normalisation;
}

/**
 * The network of an ONNX file as it is, and what a model file of it would say: what the file's metadata do where
 * `tuningfork export` wrote them, and else classes by number, of the whole picture's middle. What sigmoids make are
 * numbers each by itself. Without a task where it answers nothing that is known: with maps, or one number of any size.
 * @throws UserError where the file gives vote fractions, and what they are made of is gone
 */
export function onnxModelFile(
  bytes: Uint8Array,
  source: string,
  { size, preprocessing }: ReadOptions,
): { readonly built: BuiltModel; readonly file: Model } {
  const said = saidIn(bytes, source);
  const side = size ?? declaredSide({ bytes, source }) ?? 224;
  const built = buildOnnx({ bytes, source }, { size: side }, preprocessing);
  const { network, arithmetic, graph } = built;
  const { task, classes, note } = answered(said, network, source);
  const crop = said.crop ?? side;
  // Without a scale of its own an image is as large as it is, which only our own files say.
  const shortSide = said.crop === undefined ? Math.round(SHORT_SIDE * side) : said.shortSide;
  const file: Model = {
    architecture: { name: network.name, config: network.config },
    ...(task && {
      task: { name: String(task.name), head: typeof task.head === 'string' ? task.head : 'softmax' },
    }),
    classes,
    preprocessing: { size: side, crop, ...built.preprocessing },
    ...arithmetic,
    config: {
      ...(task && { task }),
      ...(shortSide !== undefined && { shortSide }),
      ...(said.stretch && { stretch: said.stretch }),
    },
    weights: new Map(),
    graph,
  };
  return { built: note === undefined ? built : { ...built, notes: [...built.notes, note] }, file };
}

/** What the outputs are taken for, and a sentence where that is not classes. */
interface Answered {
  readonly task?: JsonObject;
  readonly classes: readonly string[];
  readonly note?: string;
}

function answered(said: Said, { config }: Network, source: string): Answered {
  const outputs = Number(config.classes);
  const names = Array.from({ length: outputs }, (_, k) => String(k));
  if (said.task && said.classes?.length === outputs) {
    if (said.output === 'fractions' && said.logits === undefined)
      throw new UserError(
        `${source} gives vote fractions, and does not say which value of it holds what they are made of; export the model again, or without --probabilities`,
      );
    return { task: said.task, classes: said.classes };
  }
  const answers = config[ANSWERS];
  if (answers === 'maps' || (answers === 'logits' && outputs === 1)) {
    const what = answers === 'maps' ? 'maps' : 'one number, and no probability';
    return { classes: [], note: `${source} gives for an image ${what}: it tells no classes apart` };
  }
  if (answers === 'logits') return { task: { name: 'classes' }, classes: names };
  const [mean, deviation] = [names.map(() => 0), names.map(() => 1)];
  return {
    task: { name: 'targets', head: 'linear', columns: names, mean, deviation },
    classes: names,
    note: `${source} ends in sigmoids: its outputs are shares from 0 to 1, each by itself, and none is the likeliest`,
  };
}
