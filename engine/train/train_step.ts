import { grad } from '../autodiff.ts';
import type { Device } from '../device/device.ts';
import { Parameter } from '../device/parameter.ts';
import { adam } from '../ops/adam.ts';
import { constant, input, reshape } from '../ops/leaves.ts';
import { add, div, maximum, mul, sqrt, square } from '../ops/pointwise.ts';
import { sum } from '../ops/reduce.ts';
import { compile, type Feed, type Program, type ProgramSpec } from '../program/program.ts';
import type { Tensor } from '../tensor.ts';
import { UserError } from '../user_error.ts';

export interface AdamOptions {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Decoupled (Loshchilov & Hutter 2019); applied to filters and dense weights, not to biases, scales and shifts. */
  readonly weightDecay: number;
  /** Gradients are scaled down together where their global L2 norm is larger (Pascanu et al. 2013); undefined: never. */
  readonly clipNorm?: number;
}

export const DEFAULT_ADAM: AdamOptions = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 };

export interface TrainStepSpec extends Pick<ProgramSpec, 'recompute' | 'onMemory'> {
  /** What is minimised: a scalar. */
  readonly loss: Tensor;
  readonly trainable: readonly Parameter[];
  /** Read after a step beside the loss. */
  readonly outputs?: readonly Tensor[];
  /** Further state changed by a step: running statistics. */
  readonly updates?: readonly Tensor[];
  readonly adam: AdamOptions;
}

const HYPER = 'adam_hyper';

/** Forward, backward and Adam as one program; owns the moments. */
export class TrainStep implements Disposable {
  /** Steps taken. */
  step = 0;
  private readonly hyper = new Float32Array(4);

  private constructor(
    readonly program: Program,
    private readonly spec: TrainStepSpec,
    private readonly moments: readonly Parameter[],
  ) {}

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

  /** The moments by name, for a checkpoint; `step` belongs to it too. */
  async state(): Promise<Map<string, { shape: readonly number[]; data: Float32Array }>> {
    const state = new Map<string, { shape: readonly number[]; data: Float32Array }>();
    for (const moment of this.moments) state.set(moment.name, { shape: moment.shape, data: await moment.read() });
    return state;
  }

  restore(step: number, state: ReadonlyMap<string, Float32Array>): void {
    for (const moment of this.moments) {
      const values = state.get(moment.name);
      if (!values) throw new UserError(`the checkpoint lacks ${moment.name}: it is of another run`);
      moment.write(values);
    }
    this.step = step;
  }

  [Symbol.dispose](): void {
    this.program[Symbol.dispose]();
    for (const moment of this.moments) moment[Symbol.dispose]();
  }
}

/** The program of a step, and the moments it changes: nothing is allocated. The caller disposes the moments. */
export function trainingProgram(device: Device, spec: TrainStepSpec): { program: ProgramSpec; moments: readonly Parameter[] } {
  const { trainable, loss } = spec;
  const { beta1, beta2, epsilon, weightDecay, clipNorm } = spec.adam;
  const gradients = clip(grad(loss, trainable.map((p) => p.tensor)), clipNorm);
  const hyper = input(HYPER, [4]);
  const moments: Parameter[] = [];
  const updates = trainable.map((w, i) => {
    const [m, v] = ['m', 'v'].map((name) => new Parameter(device, `${w.name}/${name}`, w.shape));
    moments.push(m, v);
    const settings = { beta1, beta2, epsilon, weightDecay: w.shape.length > 1 ? weightDecay : 0 };
    return adam({ w: w.tensor, m: m.tensor, v: v.tensor }, gradients[i], hyper, loss, settings);
  });
  const { recompute, onMemory } = spec;
  return { program: { outputs: [loss, ...(spec.outputs ?? [])], updates: [...(spec.updates ?? []), ...updates], recompute, onMemory }, moments };
}

/** Gradients times min(1, limit / ‖all gradients‖). */
function clip(gradients: readonly Tensor[], limit: number | undefined): readonly Tensor[] {
  if (limit === undefined) return gradients;
  const norm = sqrt(gradients.map((g) => reshape(sum(square(g)), [1])).reduce(add));
  const scale = div(constant(limit, [1]), maximum(norm, limit));
  return gradients.map((g) => mul(g, scale));
}
