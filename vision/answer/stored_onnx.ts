import type { Model } from '../../models/formats/model_file.ts';
import { buildOnnx, declaredSide } from '../../models/onnx/onnx_model.ts';
import { saidIn } from '../../models/onnx/said.ts';
import type { BuiltModel } from '../../models/build_network.ts';
import type { Normalisation } from '../../models/normalisation.ts';

/** How an ONNX file is read; a model file says it itself. */
export interface ReadOptions {
  /** Side of the pictures, where the file leaves it open: 224 when absent. */
  readonly size?: number;
  /** ImageNet's, which is told, when absent. */
  readonly preprocessing?: Normalisation;
}

/** Side to which the shorter one of an image is scaled, as a multiple of what is seen, as for photographs. */
const SHORT_SIDE = 8 / 7;

/**
 * The classifier of an ONNX file as it is, and what a model file of it would say: what the file's metadata do where
 * `tuningfork export` wrote them, and else classes by number, of the whole picture's middle.
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
  const outputs = Number(network.config.classes);
  const isWhole = said.task !== undefined && said.classes?.length === outputs;
  const { task, classes } = isWhole
    ? { task: said.task, classes: said.classes! }
    : { task: { name: 'classes' }, classes: Array.from({ length: outputs }, (_, k) => String(k)) };
  const crop = said.crop ?? side;
  // Without a scale of its own an image is as large as it is, which only our own files say.
  const shortSide = said.crop === undefined ? Math.round(SHORT_SIDE * side) : said.shortSide;
  const file: Model = {
    architecture: { name: network.name, config: network.config },
    task: { name: String(task.name), head: typeof task.head === 'string' ? task.head : 'softmax' },
    classes,
    preprocessing: { size: side, crop, ...built.preprocessing },
    ...arithmetic,
    config: {
      task,
      ...(shortSide !== undefined && { shortSide }),
      ...(said.stretch && { stretch: said.stretch }),
    },
    weights: new Map(),
    graph,
  };
  return { built, file };
}
