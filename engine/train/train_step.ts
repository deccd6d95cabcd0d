import { LEAST_SCALE, MOST_SCALE } from '../../kernels/loss_scale/loss_scale.ts';
import { checkOptions, type Known } from '../check.ts';
import { grad } from '../autodiff.ts';
import type { Device } from '../device/device.ts';
import { Parameter } from '../device/parameter.ts';
import { ParameterPool } from '../device/parameter_pool.ts';
import { adam } from '../ops/adam.ts';
import { guarded } from '../ops/assign.ts';
import { guard } from '../ops/guard.ts';
import { constant, input, reshape } from '../ops/leaves.ts';
import { LOSS_SCALE_STATE, adamHyperScaled, lossScale } from '../ops/loss_scale.ts';
import { add, div, maximum, mul, sqrt } from '../ops/pointwise.ts';
import { sum } from '../ops/reduce.ts';
import { row } from '../ops/row.ts';
import { compile, type Feed, type Program, type ProgramSpec } from '../program/program.ts';
import type { Tensor } from '../tensor.ts';
import { UserError } from '../user_error.ts';

/** Adam's constants: decay of the two moments, what keeps the divisor from 0, weight decay, clipping. */
export interface AdamOptions {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Decoupled (Loshchilov & Hutter 2019); applied to filters and dense weights, not to biases, scales and shifts. */
  readonly weightDecay: number;
  /**
   * Gradients are scaled down together where their global L2 norm is larger (Pascanu et al. 2013); undefined: never.
   */
  readonly clipNorm?: number;
}

/** Adam as in its paper, without decay or clipping. */
export const DEFAULT_ADAM: AdamOptions = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 };

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
 * With precision f16 the loss is scaled while gradients are made, and a step in which one of them overflows changes
 * nothing but that scale.
 */
export interface TrainStepSpec extends Pick<ProgramSpec, 'recompute' | 'onMemory' | 'precision'> {
  /** What is minimised: a scalar. */
  readonly loss: Tensor;
  readonly trainable: readonly Parameter[];
  /** Read after a step beside the loss. */
  readonly outputs?: readonly Tensor[];
  /** Further state changed by a step: running statistics. */
  readonly updates?: readonly Tensor[];
  readonly adam: AdamOptions;
  readonly lossScale?: LossScaleOptions;
}

const ADAM: Known<AdamOptions> = { beta1: true, beta2: true, epsilon: true, weightDecay: true, clipNorm: true };
const LOSS_SCALE: Known<LossScaleOptions> = { initial: true, growAfter: true };
const SPEC: Known<TrainStepSpec> = {
  loss: true,
  trainable: true,
  outputs: true,
  updates: true,
  adam: true,
  lossScale: true,
  recompute: true,
  onMemory: true,
  precision: true,
};

const SCALE = 'loss_scale';
const HYPER = 'adam_hyper';

/** Forward, backward and Adam as one program; owns the moments and the scale of the loss. */
export class TrainStep implements Disposable {
  /** Steps made, with those that overflowed. */
  step = 0;
  private readonly hyper = new Float32Array(4);

  private constructor(
    readonly program: Program,
    private readonly spec: TrainStepSpec,
    private readonly moments: readonly Parameter[],
  ) {}

  /**
   * Compiles a training step.
   * @throws UserError where the spec is at fault or the adapter cannot hold it
   */
  static async create(device: Device, spec: TrainStepSpec): Promise<TrainStep> {
    const { program, moments } = trainingProgram(device, spec);
    try {
      return new TrainStep(await compile(device, program), spec, moments);
    } catch (error) {
      for (const moment of moments) moment[Symbol.dispose]();
      throw error;
    }
  }

  /** Takes one step; returns at once. */
  run(feeds: Readonly<Record<string, Feed>>, learningRate: number): void {
    const { beta1, beta2 } = this.spec.adam;
    this.step++;
    this.hyper.set([learningRate, 1 - beta1 ** this.step, 1 - beta2 ** this.step, 1]);
    this.program.run({ ...feeds, [HYPER]: this.hyper });
  }

  /** The value that a tensor had in the last step. */
  read(tensor: Tensor): Promise<Float32Array> {
    return this.program.read(tensor);
  }

  /** What the loss is multiplied by while gradients are made, from 2^-24 to 2^24; undefined with precision f32. */
  async lossScale(): Promise<number | undefined> {
    return (await this.moments.find(({ name }) => name === SCALE)?.read())?.[0];
  }

  /** The moments and the scale of the loss by name, for a checkpoint; `step` belongs to it too. */
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

/**
 * The program of a step, and the moments (and scale of the loss) it changes: nothing is allocated. The caller disposes
 * the moments.
 */
export function trainingProgram(
  device: Device,
  spec: TrainStepSpec,
): { program: ProgramSpec; moments: readonly Parameter[] } {
  checkOptions('TrainStep', spec, SPEC);
  checkOptions('TrainStep: adam', spec.adam, ADAM);
  if (spec.lossScale) checkOptions('TrainStep: lossScale', spec.lossScale, LOSS_SCALE);
  const { trainable, loss, recompute, onMemory, precision } = spec;
  const { beta1, beta2, epsilon, weightDecay, clipNorm } = spec.adam;
  const moments: Parameter[] = [];
  const scaled = precision === 'f16' ? scaledGradients(device, spec) : undefined;
  if (scaled) moments.push(scaled.state);
  const made =
    scaled?.gradients ??
    grad(
      loss,
      trainable.map((p) => p.tensor),
    );
  const hyper = scaled?.hyper ?? input(HYPER, [4]);
  const gradients = clip(made, clipNorm, scaled && row(hyper, 3));
  // Moments lie as the parameters do, whose neighbours then change together: engine/program/update_groups.ts.
  const pools = ['m', 'v'].map((name) =>
    ['vectors', 'filters'].map((kind) => new ParameterPool(device, `${kind}/${name}`)),
  );
  const updates = trainable.map((w, i) => {
    const [m, v] = ['m', 'v'].map(
      (name, k) => new Parameter(device, `${w.name}/${name}`, w.shape, undefined, pools[k][w.shape.length > 1 ? 1 : 0]),
    );
    moments.push(m, v);
    const settings = { beta1, beta2, epsilon, weightDecay: w.shape.length > 1 ? weightDecay : 0 };
    return adam({ w: w.tensor, m: m.tensor, v: v.tensor }, gradients[i], hyper, scaled?.guard ?? loss, settings);
  });
  const further = scaled
    ? [...(spec.updates ?? []).map((update) => guarded(update, scaled.guard)), scaled.update]
    : (spec.updates ?? []);
  return {
    program: {
      outputs: [loss, ...(spec.outputs ?? [])],
      updates: [...further, ...updates],
      recompute,
      onMemory,
      precision,
    },
    moments,
  };
}

/**
 * Gradients of the loss times a scale (Micikevicius et al. 2018), which Adam takes off again, and what tells whether
 * they overflowed.
 */
function scaledGradients(
  device: Device,
  { loss, trainable, adam: betas, lossScale: { initial, growAfter } = DEFAULT_LOSS_SCALE }: TrainStepSpec,
) {
  if (!Number.isInteger(Math.log2(initial)) || initial < LEAST_SCALE || initial > MOST_SCALE)
    throw new UserError(`the loss scale must begin with a power of two from 2^-24 to 2^24, not with ${initial}`);
  const state = new Parameter(device, SCALE, [LOSS_SCALE_STATE.length], Float32Array.of(initial, 0, 0, 0));
  const gradients = grad(
    loss,
    trainable.map((p) => p.tensor),
    reshape(row(state.tensor, 0), loss.shape),
  );
  const hyper = adamHyperScaled(state.tensor, input(HYPER, [4]), betas);
  const finite = guard([loss, ...gradients]);
  return { state, gradients, hyper, guard: finite, update: lossScale(state.tensor, hyper, finite, growAfter) };
}

/** Gradients times min(1, limit / ‖all gradients‖), where the norm is that of the gradients times `factor`. */
function clip(gradients: readonly Tensor[], limit: number | undefined, factor?: Tensor): readonly Tensor[] {
  if (limit === undefined) return gradients;
  const made = sqrt(gradients.map((g) => reshape(sum(mul(g, g)), [1])).reduce(add));
  const norm = factor ? mul(made, factor) : made;
  const scale = div(constant(limit, [1]), maximum(norm, limit));
  return gradients.map((g) => mul(g, scale));
}
