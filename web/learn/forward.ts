import { batchNorm, batchNormInference } from '../../engine/ops/batch_norm.ts';
import { conv2d } from '../../engine/ops/conv2d.ts';
import type { ConvGeometry, WindowAttributes } from '../../engine/ops/conv_geometry.ts';
import { depthwiseConv2d } from '../../engine/ops/depthwise_conv2d.ts';
import { input, reshape } from '../../engine/ops/leaves.ts';
import { matmul } from '../../engine/ops/matmul.ts';
import { add, mul, relu, sigmoid, silu, tanh } from '../../engine/ops/pointwise.ts';
import { avgPool2d, globalAvgPool, maxPool2d } from '../../engine/ops/pool.ts';
import { dropout } from '../../engine/ops/random.ts';
import { mean } from '../../engine/ops/reduce.ts';
import { softmaxCrossEntropy } from '../../engine/ops/softmax_cross_entropy.ts';
import { sizeOf, type Tensor } from '../../engine/tensor.ts';
import { NORM_EPSILON, parameterName, type LayerPlan, type Role } from './network.ts';
import { COLOURS, SIDE } from './sky.ts';

const ACTIVATIONS = { relu, silu, tanh, sigmoid };

/** Where the layers get their parameters from. */
export type Parameters = (name: string) => Tensor;

/** The kernels are the naive ones, so that what one reads in the page is what ran. */
const NAIVE = { version: 1 } as const;

export interface Forward {
  /** The output of each layer by its index, where it was given or made; that of the loss is one number. */
  readonly outputs: readonly (Tensor | undefined)[];
  readonly logits: Tensor;
  readonly loss: Tensor;
  /** Statistics of the batch by the name of the running ones that they move; empty where those were used. */
  readonly statistics: ReadonlyMap<string, Tensor>;
  /** What each dense layer multiplies, [N, I], by the layer's index: in training, what dropout has left. */
  readonly denseInputs: ReadonlyMap<number, Tensor>;
}

export const imagesInput = (n: number): Tensor => input('x', [n, SIDE, SIDE, COLOURS]);
/** One-hot targets of so many images, for the classes that the network tells apart. */
export const targetsInput = (n: number, plans: readonly LayerPlan[]): Tensor =>
  input('targets', [n, plans[plans.length - 2].shape[1]]);

/** What dropout is drawn from, u32 [2]: the seed of the run and the step. Fed where dropout is on. */
export const randomSeed = (): Tensor => input('seed', [2], 'u32');

/** How a batch goes through the network. */
export interface Passage {
  /** Outputs of layers by their index, not to be made: that of 0 is the image. */
  readonly given: ReadonlyMap<number, Tensor>;
  /** One-hot, [N, classes]; the loss is the mean over the batch. */
  readonly targets: Tensor;
  /** Whether batch norm takes the batch's statistics, as in training, or the running ones, as in prediction. */
  readonly norm: 'batch' | 'running';
  /** Share of the last dense layer's inputs that are left out in training: none where not said. */
  readonly dropout?: number;
}

/** The network as graph, or its tail: every layer is made whose inputs are there. */
export function forward(plans: readonly LayerPlan[], parameters: Parameters, passage: Passage): Forward {
  const outputs: (Tensor | undefined)[] = [];
  const made: Making = { parameters, passage, statistics: new Map(), denseInputs: new Map() };
  plans.forEach((plan, i) => {
    const inputs = plan.inputs.map((k) => outputs[k]);
    if (passage.given.has(i)) outputs.push(passage.given.get(i));
    else if (i === 0 || inputs.includes(undefined)) outputs.push(undefined);
    else outputs.push(outputOf(plan, i, inputs as Tensor[], made).named(plan.name));
  });
  const { statistics, denseInputs } = made;
  return { outputs, logits: outputs[plans.length - 2]!, loss: outputs[plans.length - 1]!, statistics, denseInputs };
}

/** What is made on the way, besides outputs. */
interface Making {
  readonly parameters: Parameters;
  readonly passage: Passage;
  readonly statistics: Map<string, Tensor>;
  readonly denseInputs: Map<number, Tensor>;
}

function outputOf(
  { name, kind, geometry: g, parameters: own, activation, pooling }: LayerPlan,
  i: number,
  [x, other]: readonly Tensor[],
  { parameters, passage, statistics, denseInputs }: Making,
): Tensor {
  const p = (role: Role) => parameters(parameterName(name, role));
  const biased = (products: Tensor) => (own.b ? add(products, p('b')) : products);
  const n = x.shape[0];
  switch (kind) {
    case 'conv':
      return biased(conv2d(x, p('w'), { ...windowOf(g!), ...NAIVE }));
    case 'depthwise':
      return biased(depthwiseConv2d(x, p('w'), { ...windowOf(g!), ...NAIVE }));
    case 'norm': {
      const [gamma, beta, attrs] = [p('gamma'), p('beta'), { epsilon: NORM_EPSILON }];
      if (passage.norm === 'running') return batchNormInference(x, p('running'), gamma, beta, attrs);
      const { y, stats } = batchNorm(x, gamma, beta, attrs);
      statistics.set(parameterName(name, 'running'), stats);
      return y;
    }
    case 'activation':
      return ACTIVATIONS[activation!](x);
    case 'pool': {
      const window = { size: g!.filterH, stride: g!.strideH };
      return pooling === 'max' ? maxPool2d(x, { ...window, ...NAIVE }) : avgPool2d(x, window);
    }
    case 'mean':
      return globalAvgPool(x);
    case 'scale':
      return mul(x, reshape(other, [n, 1, 1, other.shape[1]]));
    case 'add':
      return add(x, other);
    case 'dense': {
      const flat = reshape(x, [n, sizeOf(x.shape.slice(1))]);
      const rate = name === 'dense' && passage.norm === 'batch' ? (passage.dropout ?? 0) : 0;
      const taken = rate > 0 ? dropout(flat, randomSeed(), { rate, stream: i }) : flat;
      denseInputs.set(i, taken);
      return biased(matmul(taken, p('w'), NAIVE));
    }
    case 'loss':
      return reshape(mean(softmaxCrossEntropy(x, passage.targets)), [1]);
    case 'input':
      throw new Error('the image is given');
  }
}

const windowOf = ({ strideH, padTop, padBottom, padLeft, padRight }: ConvGeometry): WindowAttributes => ({
  stride: strideH,
  padding: [
    [padTop, padBottom],
    [padLeft, padRight],
  ],
});
