import { LEAST_SCALE, MOST_SCALE } from '../../kernels/loss_scale/loss_scale.ts';
import { checkNumber, checkOptions, show, type Known } from '../check.ts';
import { grad } from '../autodiff.ts';
import { requireDevice, type Device } from '../device/device.ts';
import { Parameter } from '../device/parameter.ts';
import { adamHyper } from '../ops/adam.ts';
import { assign, guarded } from '../ops/assign.ts';
import { guard } from '../ops/guard.ts';
import { constant, input, reshape } from '../ops/leaves.ts';
import { LOSS_SCALE_STATE, lossScale } from '../ops/loss_scale.ts';
import { add, div, maximum, mul, sqrt } from '../ops/pointwise.ts';
import { sum } from '../ops/reduce.ts';
import { row } from '../ops/row.ts';
import { compile, type Feed, type Program, type ProgramSpec } from '../program/program.ts';
import { checkTensors, type Tensor } from '../tensor.ts';
import { UserError } from '../user_error.ts';
import { checkOptimizing, updatesOf, type Optimizing } from './optimizer.ts';

export { DEFAULT_ADAM, DEFAULT_SGD, type AdamOptions, type ParameterGroup, type SgdOptions } from './optimizer.ts';

/** How the scale of the loss is found where gradients are stored as f16. */
export interface LossScaleOptions {
  /** A power of two, from 2^-24 to 2^24. */
  readonly initial: number;
  /** Steps without an overflow after which it is doubled. */
  readonly growAfter: number;
}

/** Begins high and lets overflows bring it down. */
export const DEFAULT_LOSS_SCALE: LossScaleOptions = { initial: 2 ** 16, growAfter: 2000 };

/**
 * A step in which the loss or a gradient is not finite changes nothing: no weight, no moment, none of `updates`. With
 * precision f16 the loss is scaled while gradients are made, and such a step lowers that scale.
 */
export interface TrainStepSpec extends Optimizing, Pick<ProgramSpec, 'recompute' | 'onMemory' | 'precision'> {
  /** What is minimised: a scalar. */
  readonly loss: Tensor;
  readonly trainable: readonly Parameter[];
  /** Read after a step beside the loss. */
  readonly outputs?: readonly Tensor[];
  /** Further state changed by a step: running statistics. Only what `assign`, `ema` and `updateRunningStats` make. */
  readonly updates?: readonly Tensor[];
  readonly lossScale?: LossScaleOptions;
}

const LOSS_SCALE: Known<LossScaleOptions> = { initial: true, growAfter: true };
const SPEC: Known<TrainStepSpec> = {
  loss: true,
  trainable: true,
  outputs: true,
  updates: true,
  adam: true,
  sgd: true,
  groups: true,
  lossScale: true,
  recompute: true,
  onMemory: true,
  precision: true,
};

/** The name of the count of steps that changed something, among what `state` gives: one number. */
export const STEPS_TAKEN = 'steps_taken';
const SCALE = 'loss_scale';
const HYPER = 'step_hyper';

/**
 * Forward, backward and the optimizer (Adam or SGD) as one program; owns the moments, the count of steps taken and the
 * scale of the loss.
 */
export class TrainStep implements Disposable {
  /** Steps made, with those that changed nothing. */
  step = 0;

  private constructor(
    readonly program: Program,
    private readonly moments: readonly Parameter[],
    private readonly finite: Tensor,
    private readonly rates: ReadonlyMap<string, number>,
  ) {}

  /**
   * Compiles a training step.
   * @throws UserError where the spec is at fault or the adapter cannot hold it
   */
  static async create(device: Device, spec: TrainStepSpec): Promise<TrainStep> {
    const { program, moments, finite, rates } = trainingProgram(device, spec);
    try {
      return new TrainStep(await compile(device, program), moments, finite, rates);
    } catch (error) {
      for (const moment of moments) moment[Symbol.dispose]();
      throw error;
    }
  }

  /** Takes one step; returns at once. */
  run(feeds: Readonly<Record<string, Feed>>, learningRate: number): void {
    checkNumber('TrainStep: run', 'the learning rate', learningRate);
    const hypers = [...this.rates].map(([name, rate]) => [name, Float32Array.of(learningRate * rate, 1)]);
    this.program.run({ ...feeds, ...Object.fromEntries(hypers) });
    this.step++;
  }

  /** The value that a tensor had in the last step. */
  read(tensor: Tensor): Promise<Float32Array> {
    return this.program.read(tensor);
  }

  /**
   * Whether the last step changed anything: false where its loss or one of its gradients was not finite, and everything
   * is as it was before.
   */
  async changed(): Promise<boolean> {
    return (await this.program.read(this.finite))[0] === 0;
  }

  /** What the loss is multiplied by while gradients are made, from 2^-24 to 2^24; undefined with precision f32. */
  async lossScale(): Promise<number | undefined> {
    return (await this.moments.find(({ name }) => name === SCALE)?.read())?.[0];
  }

  /** The moments, the count and the scale of the loss by name, for a checkpoint; `step` belongs to it too. */
  async state(): Promise<Map<string, { shape: readonly number[]; data: Float32Array }>> {
    const state = new Map<string, { shape: readonly number[]; data: Float32Array }>();
    for (const moment of this.moments) state.set(moment.name, { shape: moment.shape, data: await moment.read() });
    return state;
  }

  /**
   * Goes on from a checkpoint: the step that was reached, and what `state` gave there.
   * @throws UserError where a moment is missing
   */
  restore(step: number, state: ReadonlyMap<string, Float32Array>): void {
    for (const moment of this.moments) {
      const values = state.get(moment.name);
      if (!values) throw new UserError(`the checkpoint lacks ${moment.name}: it is of another run`);
      moment.write(values);
    }
    this.step = step;
  }

  /** Gives back the program and the moments; the parameters are the caller's. */
  [Symbol.dispose](): void {
    this.program[Symbol.dispose]();
    for (const moment of this.moments) moment[Symbol.dispose]();
  }
}

/** What a training step runs, and the state that is its own. */
export interface TrainingProgram {
  readonly program: ProgramSpec;
  /** The moments, the count of steps and the scale of the loss. None is allocated yet; the caller disposes them. */
  readonly moments: readonly Parameter[];
  /** One number, 0 where the step changes anything, else NaN. */
  readonly finite: Tensor;
  /** The inputs that are fed the learning rate, and what it is multiplied by for each. */
  readonly rates: ReadonlyMap<string, number>;
}

/** The program of a step, and what it changes besides the caller's parameters. */
export function trainingProgram(device: Device, spec: TrainStepSpec): TrainingProgram {
  requireDevice('TrainStep', device);
  checkOptions('TrainStep', spec, SPEC);
  checkTensors('TrainStep', { loss: spec.loss });
  if (!Array.isArray(spec.trainable) || !spec.trainable.every((each) => each instanceof Parameter))
    throw new UserError(`TrainStep: trainable must be a list of parameters, not ${show(spec.trainable)}`);
  if (spec.trainable.length === 0) throw new UserError('TrainStep: trainable is empty: there is nothing to train');
  if (spec.lossScale) checkOptions('TrainStep: lossScale', spec.lossScale, LOSS_SCALE);
  const { trainable, loss, recompute, onMemory, precision } = spec;
  checkOptimizing(spec, trainable);
  const scaling = precision === 'f16' ? lossScaling(device, spec) : undefined;
  const scale = scaling && row(scaling.state.tensor, 0);
  const made = grad(
    loss,
    trainable.map((p) => p.tensor),
    scale && reshape(scale, loss.shape),
  );
  const finite = guard([loss, ...made]);
  const taken = new Parameter(device, STEPS_TAKEN, [1]);
  const { hyperOf, rates } = hypers(spec, taken.tensor, scale);
  const gradients = spec.adam
    ? clip(made, spec.adam.clipNorm, scale && row(hyperOf(1), 3))
    : clip(scale ? made.map((g) => div(g, scale)) : made, spec.sgd!.clipNorm);
  const weights = trainable.map((parameter, i) => ({ parameter, gradient: gradients[i] }));
  const { updates, moments: own } = updatesOf(device, spec, weights, { hyperOf, finite });
  const moments: Parameter[] = [taken, ...(scaling ? [scaling.state] : []), ...own];
  const further = [...(spec.updates ?? []), assign(taken.tensor, add(taken.tensor, 1))];
  const rescale = scaling ? [lossScale(scaling.state.tensor, finite, scaling.growAfter)] : [];
  return {
    program: {
      outputs: [loss, finite, ...(spec.outputs ?? [])],
      updates: [...further.map((update) => guarded(update, finite)), ...rescale, ...updates],
      recompute,
      onMemory,
      precision,
    },
    moments,
    finite,
    rates,
  };
}

/** The hyperparameters of the optimizer by what the learning rate is multiplied with, and the inputs that they need. */
function hypers({ adam }: TrainStepSpec, taken: Tensor, scale?: Tensor) {
  const rates = new Map<string, number>();
  const made = new Map<number, Tensor>();
  const make = (rate: number): Tensor => {
    const name = rate === 1 ? HYPER : `${HYPER}/${rate}`;
    rates.set(name, rate);
    const fed = input(name, [2]);
    return adam ? adamHyper(taken, fed, { beta1: adam.beta1, beta2: adam.beta2 }, scale) : fed;
  };
  const hyperOf = (rate: number): Tensor => {
    const hyper = made.get(rate) ?? make(rate);
    made.set(rate, hyper);
    return hyper;
  };
  return { hyperOf, rates };
}

/** The scale of the loss (Micikevicius et al. 2018), and after how many good steps it is doubled. */
function lossScaling(device: Device, { lossScale: { initial, growAfter } = DEFAULT_LOSS_SCALE }: TrainStepSpec) {
  if (!Number.isInteger(Math.log2(initial)) || initial < LEAST_SCALE || initial > MOST_SCALE)
    throw new UserError(`the loss scale must begin with a power of two from 2^-24 to 2^24, not with ${initial}`);
  return { state: new Parameter(device, SCALE, [LOSS_SCALE_STATE.length], Float32Array.of(initial, 0)), growAfter };
}

/** Gradients times min(1, limit / ‖all gradients‖), where the norm is that of the gradients times `factor`. */
function clip(gradients: readonly Tensor[], limit: number | undefined, factor?: Tensor): readonly Tensor[] {
  if (limit === undefined) return gradients;
  const made = sqrt(gradients.map((g) => reshape(sum(mul(g, g)), [1])).reduce(add));
  const norm = factor ? mul(made, factor) : made;
  const scale = div(constant(limit, [1]), maximum(norm, limit));
  return gradients.map((g) => mul(g, scale));
}
