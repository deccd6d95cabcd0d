import { checkNumber, checkOptions, type Known } from '../check.ts';
import type { Device } from '../device/device.ts';
import { Parameter } from '../device/parameter.ts';
import { ParameterPool } from '../device/parameter_pool.ts';
import { adam } from '../ops/adam.ts';
import { sgd } from '../ops/sgd.ts';
import type { Tensor } from '../tensor.ts';
import { UserError } from '../user_error.ts';

/** What all optimizers have. */
interface Descent {
  /**
   * Applied to filters and dense weights, not to biases, scales and shifts, but where a group says otherwise. Adam's is
   * decoupled (Loshchilov & Hutter 2019), that of SGD is added to the gradient (L2).
   */
  readonly weightDecay: number;
  /**
   * Gradients are scaled down together where their global L2 norm is larger (Pascanu et al. 2013); undefined: never.
   */
  readonly clipNorm?: number;
}

/** Adam's constants: decay of the two moments, what keeps the divisor from 0, weight decay, clipping. */
export interface AdamOptions extends Descent {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
}

/** Adam as in its paper, without decay or clipping. */
export const DEFAULT_ADAM: AdamOptions = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 };

/** Stochastic gradient descent with momentum, as PyTorch writes it. */
export interface SgdOptions extends Descent {
  readonly momentum: number;
  readonly nesterov: boolean;
}

/** With momentum, without decay or clipping. */
export const DEFAULT_SGD: SgdOptions = { momentum: 0.9, nesterov: false, weightDecay: 0 };

/** Parameters that learn otherwise than the rest. Of several groups that a parameter is in, the first one counts. */
export interface ParameterGroup {
  readonly parameters: readonly Parameter[];
  /** What the learning rate of a step is multiplied by; 1 when absent. */
  readonly rate?: number;
  /** Weight decay of all of them, whatever their rank; as for all others when absent. */
  readonly weightDecay?: number;
}

/** Which optimizer a step uses. */
export interface Optimizing {
  readonly adam?: AdamOptions;
  readonly sgd?: SgdOptions;
  readonly groups?: readonly ParameterGroup[];
}

const ADAM: Known<AdamOptions> = { beta1: true, beta2: true, epsilon: true, weightDecay: true, clipNorm: true };
const SGD: Known<SgdOptions> = { momentum: true, nesterov: true, weightDecay: true, clipNorm: true };
const GROUP: Known<ParameterGroup> = { parameters: true, rate: true, weightDecay: true };

/** Throws a UserError unless exactly one optimizer is given, and groups are of what is trained. */
export function checkOptimizing({ adam, sgd, groups = [] }: Optimizing, trainable: readonly Parameter[]): void {
  if ((adam === undefined) === (sgd === undefined))
    throw new UserError('TrainStep: give the constants of one optimizer, either adam or sgd');
  if (adam) checkOptions('TrainStep: adam', adam, ADAM);
  if (sgd) checkOptions('TrainStep: sgd', sgd, SGD);
  for (const group of groups) {
    checkOptions('TrainStep: a group', group, GROUP);
    const { parameters, rate = 1, weightDecay = 0 } = group;
    checkNumber('TrainStep: a group', 'rate', rate);
    checkNumber('TrainStep: a group', 'weightDecay', weightDecay);
    if (!(rate >= 0 && weightDecay >= 0))
      throw new UserError('TrainStep: rate and weightDecay of a group must not be negative');
    const stranger = parameters.find((parameter) => !trainable.includes(parameter));
    if (stranger) throw new UserError(`TrainStep: a group has the parameter ${stranger.name}, which is not trained`);
  }
}

/** What the updates of a step are made from. */
interface StepInputs {
  /** The hyperparameters of the optimizer where the learning rate is multiplied so. */
  hyperOf(rate: number): Tensor;
  /** One number, not finite where the step must change nothing. */
  readonly finite: Tensor;
}

/** The updates of these parameters from their gradients, and the state that they need. */
export function updatesOf(
  device: Device,
  { adam: adamOptions, sgd: sgdOptions, groups = [] }: Optimizing,
  weights: readonly { readonly parameter: Parameter; readonly gradient: Tensor }[],
  { hyperOf, finite }: StepInputs,
): { readonly updates: readonly Tensor[]; readonly moments: readonly Parameter[] } {
  const names = adamOptions ? ['m', 'v'] : ['m'];
  // Moments lie as the parameters do, whose neighbours then change together: engine/program/update_groups.ts.
  const pools = names.map((name) => ['vectors', 'filters'].map((kind) => new ParameterPool(device, `${kind}/${name}`)));
  const moments: Parameter[] = [];
  const updates = weights.map(({ parameter: w, gradient }) => {
    const own = names.map(
      (name, k) => new Parameter(device, `${w.name}/${name}`, w.shape, undefined, pools[k][w.shape.length > 1 ? 1 : 0]),
    );
    moments.push(...own);
    const [m, v] = own.map(({ tensor }) => tensor);
    const { rate = 1, weightDecay } = groups.find(({ parameters }) => parameters.includes(w)) ?? {};
    const decayOf = (all: number) => weightDecay ?? (w.shape.length > 1 ? all : 0);
    if (sgdOptions) {
      const { momentum, nesterov } = sgdOptions;
      const settings = { momentum, nesterov, weightDecay: decayOf(sgdOptions.weightDecay) };
      return sgd({ w: w.tensor, m }, gradient, hyperOf(rate), settings, finite);
    }
    const { beta1, beta2, epsilon } = adamOptions!;
    const settings = { beta1, beta2, epsilon, weightDecay: decayOf(adamOptions!.weightDecay) };
    return adam({ w: w.tensor, m, v }, gradient, hyperOf(rate), finite, settings);
  });
  return { updates, moments };
}
