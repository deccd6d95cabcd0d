import { constant, input } from '../../engine/ops/leaves.ts';
import { mul } from '../../engine/ops/pointwise.ts';
import { sum } from '../../engine/ops/reduce.ts';
import { resize } from '../../engine/ops/resize.ts';
import { UserError } from '../../engine/user_error.ts';
import { UNUSED_ARITHMETIC, checkWeights, type BuiltModel } from '../build_network.ts';
import type { JsonObject, Model } from '../formats/model_file.ts';
import { applySegments, type Segment } from '../network.ts';
import { IMAGENET, type Normalisation } from '../normalisation.ts';
import { readInfo } from './graph.ts';
import { imageAxes, loadOnnx, type LoadOnnxOptions, type LoadedOnnx } from './load_onnx.ts';
import { decodeModel } from './proto.ts';
import { saidIn } from './said.ts';
import { endingAt, weightsApart, withoutWeights } from './stored_graph.ts';

/** What model files call a network whose graph they hold. */
export const ONNX = 'onnx';

/** In the config of a network whose last layer is the file's own: what that gives (`Answers`). */
export const ANSWERS = 'answers';

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
  preprocessing?: Normalisation,
): BuiltModel {
  const said = saidIn(bytes, source);
  const read = said.logits === undefined ? bytes : endingAt(bytes, said.logits, source);
  const { network, weights, notes, constantNames } = load(read, source, choices);
  const known = preprocessing ?? said.preprocessing;
  return {
    network,
    weights,
    pretrained: true,
    arithmetic: UNUSED_ARITHMETIC,
    preprocessing: known ?? IMAGENET,
    notes: known ? notes : [...notes, assumed(source)],
    graph: withoutWeights(read, constantNames, source),
  };
}

function assumed(source: string): string {
  const { mean, std } = IMAGENET;
  return `${source} does not say how pixels are normalised, and ImageNet's numbers are assumed: mean ${mean.join(', ')}, std ${std.join(', ')} of pixels in 0..1; --mean, --std, --scale and --channels of a command say it otherwise`;
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
  const loaded = loadOnnx(bytes, { source, size, twoClasses: true, ...choices });
  const { network, notes, answers } = loaded;
  const { height, width, channels } = loaded.input;
  if (channels !== 3 && channels !== 1)
    throw new UserError(
      `${source} takes images of ${channels} channels, and those here have 3: red, green and blue${choices.layout ? '; leave --layout out' : ''}`,
    );
  if (height === width && height !== size)
    throw new UserError(
      `${source} takes images of ${height} x ${width} pixels; give --size ${height}, or export it with the size left open`,
    );
  const config: JsonObject = {
    ...network.config,
    ...(choices.layout && { layout: choices.layout }),
    ...(choices.classes === undefined && { [ANSWERS]: answers }),
  };
  const told = [
    ...(height === width ? [] : [`${source} takes images of ${height} x ${width} pixels: square ones are stretched`]),
    ...(channels === 3 ? [] : [`${source} takes grey images: colours are summed as brightness`]),
  ];
  const segments = [...(told.length > 0 ? [fitted(loaded.input)] : []), ...network.segments];
  requireAnyBatch(loaded, source);
  return { ...loaded, network: { ...network, name: ONNX, config, segments }, notes: [...notes, ...told] };
}

/** Throws where a graph is made for batches of one length: images come here in batches of several. */
function requireAnyBatch({ network, input: { height, width, channels } }: LoadedOnnx, source: string): void {
  const specs = new Map(network.specs.map(({ name, shape }) => [name, shape]));
  const tensor = (name: string) => input(name, specs.get(name) ?? [2, ...specs.get(name.replace(/stats$/, 'mean'))!]);
  for (const batch of [1, 2]) {
    let rows: number;
    try {
      const x = input('images', [batch, height, width, channels]);
      rows = applySegments(network.segments, x, { batchNorm: 'running', parameters: { tensor } }).shape[0];
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      rows = -1;
    }
    if (rows !== batch)
      throw new UserError(
        `${source} cannot be computed for batches of ${batch} images: a shape in it is made for another length; export it with a batch that is left open`,
      );
  }
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
  const isKept = architecture.config[ANSWERS] !== undefined;
  const bytes = [...stored.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
  const { network } = load(graph, source, {
    ...(!isKept && { classes: model.classes.length }),
    size: preprocessing.size,
    external: weightsApart(bytes, source),
    ...(layout !== undefined && { layout: layout as OnnxChoices['layout'] }),
  });
  const weights = checkWeights(model, network, source);
  return { network, weights, pretrained: true, arithmetic: UNUSED_ARITHMETIC, preprocessing, notes: [], graph };
}
