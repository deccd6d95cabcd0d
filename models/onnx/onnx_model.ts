import { constant } from '../../engine/ops/leaves.ts';
import { mul } from '../../engine/ops/pointwise.ts';
import { sum } from '../../engine/ops/reduce.ts';
import { resize } from '../../engine/ops/resize.ts';
import { UserError } from '../../engine/user_error.ts';
import { UNUSED_ARITHMETIC, checkWeights, type BuiltModel } from '../build_network.ts';
import type { JsonObject, Model } from '../formats/model_file.ts';
import type { Segment } from '../network.ts';
import { IMAGENET, type Normalisation } from '../normalisation.ts';
import { readInfo } from './graph.ts';
import { imageAxes, loadOnnx, type LoadOnnxOptions, type LoadedOnnx } from './load_onnx.ts';
import { decodeModel } from './proto.ts';
import { saidIn } from './said.ts';
import { weightsApart, withoutWeights } from './stored_graph.ts';

/** What model files call a network whose graph they hold. */
export const ONNX = 'onnx';

/** An ONNX file that holds its own data, and how it is read. */
export interface OnnxFile {
  readonly bytes: Uint8Array;
  /** What it is called in sentences. */
  readonly source: string;
}

/** How a graph is read as a network for the square pictures that there are here. */
export interface OnnxChoices {
  /** Outputs of a new last layer; the graph's own stays when absent. */
  readonly classes?: number;
  /** Side of the pictures, where the graph leaves it open. */
  readonly size: number;
  readonly layout?: LoadOnnxOptions['layout'];
}

/**
 * A network from an ONNX file, as those that have a name.
 * @param preprocessing what the file's metadata say when absent, or else ImageNet's, which is told
 * @throws UserError as loadOnnx does, and where it takes no square pictures of three colours and this size
 */
export function buildOnnx(
  { bytes, source }: OnnxFile,
  choices: OnnxChoices,
  preprocessing: Normalisation | undefined = saidIn(bytes, source).preprocessing,
): BuiltModel {
  const { network, weights, notes, constantNames } = load(bytes, source, choices);
  const { mean, std } = IMAGENET;
  const assumed = `${source} does not say how pixels are normalised, and ImageNet's numbers are assumed: mean ${mean.join(', ')}, std ${std.join(', ')} of pixels in 0..1; --mean, --std, --scale and --channels say it otherwise`;
  return {
    network,
    weights,
    pretrained: true,
    arithmetic: UNUSED_ARITHMETIC,
    preprocessing: preprocessing ?? IMAGENET,
    notes: preprocessing ? notes : [...notes, assumed],
    graph: withoutWeights(bytes, constantNames, source),
  };
}

/** The side of the images that a file says its network takes, the longer one; undefined where it leaves one open. */
export function declaredSide({ bytes, source }: OnnxFile, layout?: OnnxChoices['layout']): number | undefined {
  const { graph } = decodeModel(bytes, source);
  const weights = new Set(graph?.initializer.map(({ name }) => name));
  const info = graph?.input.find(({ name }) => !weights.has(name));
  const { shape } = info ? readInfo(info, source) : {};
  if (shape?.length !== 4) return undefined;
  const [, height, width] = imageAxes(shape, layout).map((axis) => shape[axis]);
  return typeof height === 'number' && typeof width === 'number' ? Math.max(height, width) : undefined;
}

function load(
  bytes: Uint8Array,
  source: string,
  { size, ...choices }: OnnxChoices & Pick<LoadOnnxOptions, 'external'>,
): LoadedOnnx {
  const loaded = loadOnnx(bytes, { source, size, ...choices });
  const { input, network, notes } = loaded;
  const { height, width, channels } = input;
  if (channels !== 3 && channels !== 1)
    throw new UserError(
      `${source} takes images of ${channels} channels, and those here have 3: red, green and blue${choices.layout ? '; leave --layout out' : ''}`,
    );
  if (height === width && height !== size)
    throw new UserError(
      `${source} takes images of ${height} x ${width} pixels; give --size ${height}, or export it with the size left open`,
    );
  const config: JsonObject = { ...network.config, ...(choices.layout && { layout: choices.layout }) };
  const told = [
    ...(height === width ? [] : [`${source} takes images of ${height} x ${width} pixels: square ones are stretched`]),
    ...(channels === 3 ? [] : [`${source} takes grey images: colours are summed as brightness`]),
  ];
  const segments = [...(told.length > 0 ? [fitted(input)] : []), ...network.segments];
  return { ...loaded, network: { ...network, name: ONNX, config, segments }, notes: [...notes, ...told] };
}

/** What red, green and blue make of brightness (ITU-R BT.601, section 2.5.1). */
const BRIGHTNESS = [0.299, 0.587, 0.114] as const;

/** Square pictures of three colours as the images that a graph takes. */
const fitted = ({ height, width, channels }: LoadedOnnx['input']): Segment => ({
  name: 'fitted images',
  prefixes: [],
  apply(x) {
    const y = channels === 3 ? x : sum(mul(x, constant(Float32Array.from(BRIGHTNESS), [3])), [3]);
    if (height === width) return y;
    return resize(y, { size: [height, width], method: 'linear', coordinates: 'half_pixel', antialias: true });
  },
});

/** The network of a model file that holds its graph, with its weights. */
export function restoreOnnx(model: Model, source: string): BuiltModel {
  const { weights: stored, graph, preprocessing, architecture } = model;
  if (!graph) throw new UserError(`${source}: the graph of its network is missing; the file is damaged`);
  const { layout } = architecture.config;
  const bytes = [...stored.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
  const { network } = load(graph, source, {
    classes: model.classes.length,
    size: preprocessing.size,
    external: weightsApart(bytes, source),
    ...(layout !== undefined && { layout: layout as OnnxChoices['layout'] }),
  });
  const weights = checkWeights(model, network, source);
  return { network, weights, pretrained: true, arithmetic: UNUSED_ARITHMETIC, preprocessing, notes: [], graph };
}
