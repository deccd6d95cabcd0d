import { batchNorm, batchNormInference } from '../../engine/ops/batch_norm.ts';
import { conv2d } from '../../engine/ops/conv2d.ts';
import { convGeometry, windowGeometry, type ConvGeometry } from '../../engine/ops/conv_geometry.ts';
import { input, reshape } from '../../engine/ops/leaves.ts';
import { matmul } from '../../engine/ops/matmul.ts';
import { add, relu, sigmoid, silu, tanh } from '../../engine/ops/pointwise.ts';
import { avgPool2d, maxPool2d } from '../../engine/ops/pool.ts';
import { dropout } from '../../engine/ops/random.ts';
import { mean } from '../../engine/ops/reduce.ts';
import { softmaxCrossEntropy } from '../../engine/ops/softmax_cross_entropy.ts';
import { sizeOf, type Shape, type Tensor } from '../../engine/tensor.ts';
import { CLASSES } from '../../galaxies/labels.ts';
import { initialValues } from '../../models/initialise.ts';
import type { Settings } from './settings.ts';
import { COLOURS, SIDE } from './sky.ts';

/** Filters of the two convolutions. */
const FILTERS = [6, 8] as const;
export const CLASS_COUNT = CLASSES.length;
const EPSILON = 1e-5;

/**
 * w: filters or dense weights; b: biases; gamma, beta: of batch norm; running: its statistics [2, C], which are no
 * weights and have no gradient.
 */
export type Role = 'w' | 'b' | 'gamma' | 'beta' | 'running';
export type LayerKind = 'input' | 'conv' | 'norm' | 'activation' | 'pool' | 'dense' | 'loss';

/** A layer, in numbers and names only; the input of a layer is the output of the one before it. */
export interface LayerPlan {
  readonly name: string;
  readonly kind: LayerKind;
  /** [1, H, W, C], [1, K] or [1]: of one image. */
  readonly shape: Shape;
  readonly parameters: Readonly<Partial<Record<Role, Shape>>>;
  /** Of a convolution or a pooling, for one image. */
  readonly geometry?: ConvGeometry;
}

const ACTIVATIONS = { relu, silu, tanh, sigmoid };

/** Where the layers get their parameters from. */
export type Parameters = (name: string) => Tensor;

/** The kernels are the naive ones, so that what one reads in the page is what ran. */
const NAIVE = { version: 1 } as const;

/** The network's layers from the image to the loss. */
export function planLayers(settings: Settings): LayerPlan[] {
  const plans: LayerPlan[] = [{ name: 'input', kind: 'input', shape: [1, SIDE, SIDE, COLOURS], parameters: {} }];
  const { filterSize, stride, padding, batchNorm: hasNorm } = settings;
  // Tensors are descriptions: these serve to have the engine work out the shapes.
  let shape: Shape = plans[0].shape;
  FILTERS.forEach((k, i) => {
    const number = i + 1;
    const w = [filterSize, filterSize, shape[3], k];
    const geometry = convGeometry('conv2d', described(shape), described(w), { stride, padding });
    shape = [1, geometry.outH, geometry.outW, k];
    plans.push({ name: `conv${number}`, kind: 'conv', shape, parameters: hasNorm ? { w } : { w, b: [k] }, geometry });
    if (hasNorm)
      plans.push({
        name: `norm${number}`,
        kind: 'norm',
        shape,
        parameters: { gamma: [k], beta: [k], running: [2, k] },
      });
    plans.push({ name: `act${number}`, kind: 'activation', shape, parameters: {} });
    const window = windowGeometry(
      'pool',
      [described(shape)],
      { filterH: 2, filterW: 2, outChannels: k, groups: k },
      { stride: 2 },
    );
    shape = [1, window.outH, window.outW, k];
    plans.push({ name: `pool${number}`, kind: 'pool', shape, parameters: {}, geometry: window });
  });
  plans.push({
    name: 'dense',
    kind: 'dense',
    shape: [1, CLASS_COUNT],
    parameters: { w: [sizeOf(shape), CLASS_COUNT], b: [CLASS_COUNT] },
  });
  plans.push({ name: 'loss', kind: 'loss', shape: [1], parameters: {} });
  return plans;
}

const described = (shape: Shape): Tensor => input('described', shape);

export const parameterName = (layer: string, role: Role): string => `${layer}/${role}`;

/** Names, roles and shapes of all parameters in their order. */
export const parametersOf = (plans: readonly LayerPlan[]): { name: string; role: Role; shape: Shape }[] =>
  plans.flatMap((plan) =>
    (Object.entries(plan.parameters) as [Role, Shape][]).map(([role, shape]) => ({
      name: parameterName(plan.name, role),
      role,
      shape,
    })),
  );

export interface Forward {
  /** The output of each layer from `from` on, by its index; that of the loss is one number. */
  readonly outputs: readonly (Tensor | undefined)[];
  readonly logits: Tensor;
  readonly loss: Tensor;
  /** Statistics of the batch by the name of the running ones that they move; empty where those were used. */
  readonly statistics: ReadonlyMap<string, Tensor>;
  /** What each dense layer multiplies, [N, I], by the layer's index: in training, what dropout has left. */
  readonly denseInputs: ReadonlyMap<number, Tensor>;
}

export const imagesInput = (n: number): Tensor => input('x', [n, SIDE, SIDE, COLOURS]);
export const targetsInput = (n: number): Tensor => input('targets', [n, CLASS_COUNT]);

/** What dropout is drawn from, u32 [2]: the seed of the run and the step. Fed where dropout is on. */
export const randomSeed = (): Tensor => input('seed', [2], 'u32');

/**
 * The network as graph, or its tail.
 * @param from index of the layer whose output `x` is: 0 is the image
 * @param targets one-hot, [N, 2]; the loss is the mean over the batch
 * @param norm whether batch norm takes the batch's statistics, as in training, or the running ones, as in prediction;
 * dropout acts in training only
 */
export function forward(
  settings: Settings,
  plans: readonly LayerPlan[],
  parameters: Parameters,
  x: Tensor,
  targets: Tensor,
  from: number,
  norm: 'batch' | 'running',
): Forward {
  const { stride, padding, activation, pooling } = settings;
  const outputs: (Tensor | undefined)[] = plans.map(() => undefined);
  const statistics = new Map<string, Tensor>();
  const denseInputs = new Map<number, Tensor>();
  outputs[from] = x;
  let y = x;
  let logits = x;
  for (let i = from + 1; i < plans.length; i++) {
    const { name, kind } = plans[i];
    const p = (role: Role) => parameters(parameterName(name, role));
    if (kind === 'conv') {
      const products = conv2d(y, p('w'), { stride, padding, ...NAIVE });
      y = plans[i].parameters.b ? add(products, p('b')) : products;
    } else if (kind === 'norm') {
      const [gamma, beta, attrs] = [p('gamma'), p('beta'), { epsilon: EPSILON }];
      if (norm === 'batch') {
        const normalised = batchNorm(y, gamma, beta, attrs);
        statistics.set(parameterName(name, 'running'), normalised.stats);
        y = normalised.y;
      } else y = batchNormInference(y, p('running'), gamma, beta, attrs);
    } else if (kind === 'activation') y = ACTIVATIONS[activation](y);
    else if (kind === 'pool') y = pooling === 'max' ? maxPool2d(y, { size: 2, ...NAIVE }) : avgPool2d(y, { size: 2 });
    else if (kind === 'dense') {
      const flat = reshape(y, [y.shape[0], sizeOf(y.shape.slice(1))]);
      const drops = norm === 'batch' && settings.dropout > 0;
      const taken = drops ? dropout(flat, randomSeed(), { rate: settings.dropout, stream: i }) : flat;
      denseInputs.set(i, taken);
      logits = y = add(matmul(taken, p('w'), NAIVE), p('b'));
    } else if (kind === 'loss') y = reshape(mean(softmaxCrossEntropy(y, targets)), [1]);
    outputs[i] = y.named(name);
  }
  return { outputs, logits, loss: y, statistics, denseInputs };
}

/** What batch norm adds to the variance, for those who explain it. */
export const NORM_EPSILON = EPSILON;

/**
 * First values, drawn per parameter from (seed, name): see models/initialise.ts. Running means are 0 and variances 1.
 */
export function firstValues(name: string, role: Role, shape: Shape, seed: number): Float32Array {
  if (role === 'running') return new Float32Array(sizeOf(shape)).fill(1, shape[1]);
  const kind = role === 'gamma' ? 'gamma' : role !== 'w' ? 'bias' : shape.length === 4 ? 'filter' : 'dense';
  return initialValues({ name, shape, kind, trainable: true }, seed);
}
