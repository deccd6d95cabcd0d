import { requireDevice, type Device } from '../engine/device/device.ts';
import { Parameter } from '../engine/device/parameter.ts';
import { ParameterPool } from '../engine/device/parameter_pool.ts';
import { sameShape, showShape, sizeOf, type Tensor } from '../engine/tensor.ts';
import { UserError } from '../engine/user_error.ts';
import type { ParameterSpec } from './parameter_spec.ts';
import { initialValues } from './initialise.ts';

/** Named arrays on the CPU: what weight files hold and models are made from. */
export type Weights = ReadonlyMap<string, Float32Array>;

/** Where a model function finds its parameters. */
export interface ParameterSource {
  tensor(name: string): Tensor;
}

/**
 * The parameters of a model on a device, by name. Batch norm's `mean` and `var` of weight files live side by side in
 * one parameter `stats` [2, C], because that is how the kernels make and read them.
 */
export class ParameterSet implements ParameterSource, Disposable {
  private readonly parameters = new Map<string, Parameter>();
  private readonly trainableNames = new Set<string>();

  /**
   * @param weights values by the names of `specs`; what is missing is drawn from the seed (see initialise.ts)
   */
  constructor(
    readonly device: Device,
    private readonly specs: readonly ParameterSpec[],
    weights: Weights,
    seed: number,
  ) {
    requireDevice('ParameterSet', device);
    // As the moments in engine/train/train_step.ts: weight decay takes the ones and not the others.
    const pools = ['vectors', 'filters'].map((name) => new ParameterPool(device, name));
    const statistics = new ParameterPool(device, 'statistics');
    try {
      for (const spec of specs) {
        const name = statisticsName(spec);
        if (name === undefined) {
          const pool = spec.trainable ? pools[spec.shape.length > 1 ? 1 : 0] : undefined;
          this.parameters.set(
            spec.name,
            new Parameter(
              device,
              spec.name,
              spec.shape,
              weights.get(spec.name) ?? (() => initialValues(spec, seed)),
              pool,
            ),
          );
          if (spec.trainable) this.trainableNames.add(spec.name);
        } else if (spec.kind === 'mean') {
          const [channels] = spec.shape;
          const values = new Float32Array(2 * channels);
          values.set(weights.get(spec.name) ?? new Float32Array(channels), 0);
          values.set(weights.get(name.replace(/stats$/, 'var')) ?? new Float32Array(channels).fill(1), channels);
          this.parameters.set(name, new Parameter(device, name, [2, channels], values, statistics));
        }
      }
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /**
   * A parameter by its name.
   * @throws UserError where there is none
   */
  parameter(name: string): Parameter {
    const found = this.parameters.get(name);
    if (!found) throw new UserError(`the model has no parameter ${name}`);
    return found;
  }

  /** The leaf of the parameter of this name. */
  tensor(name: string): Tensor {
    return this.parameter(name).tensor;
  }

  /** Every parameter, in the order data flows through them. */
  get all(): readonly Parameter[] {
    return [...this.parameters.values()];
  }

  /** The parameters that gradients may move and that `wanted` picks. */
  trainable(wanted: (name: string) => boolean = () => true): Parameter[] {
    return this.all.filter((p) => this.trainableNames.has(p.name) && wanted(p.name));
  }

  /** Numbers that training can move. */
  get trainableSize(): number {
    return this.trainable().reduce((n, p) => n + sizeOf(p.shape), 0);
  }

  /** All values under the names and shapes of the specs: what a model file holds. */
  async read(): Promise<Map<string, { shape: readonly number[]; data: Float32Array }>> {
    const values = new Map<string, { shape: readonly number[]; data: Float32Array }>();
    const statistics = new Map<string, Float32Array>();
    for (const spec of this.specs) {
      const name = statisticsName(spec);
      if (name === undefined) {
        values.set(spec.name, { shape: spec.shape, data: await this.parameter(spec.name).read() });
        continue;
      }
      const both = statistics.get(name) ?? (await this.parameter(name).read());
      statistics.set(name, both);
      const channels = spec.shape[0];
      values.set(spec.name, {
        shape: spec.shape,
        data: spec.kind === 'mean' ? both.slice(0, channels) : both.slice(channels),
      });
    }
    return values;
  }

  /**
   * Gives all parameters other values, by the names and shapes of the specs: what `read` gives.
   * @param source begins error sentences: what the values come from
   * @throws UserError where one is missing, has another shape or is no parameter of the model; nothing is changed then
   */
  write(values: ReadonlyMap<string, { shape: readonly number[]; data: Float32Array }>, source = 'the values'): void {
    const wanted = new Map(this.specs.map(({ name, shape }) => [name, shape]));
    for (const [name, shape] of wanted) {
      const found = values.get(name);
      if (!found) throw new UserError(`${source}: the parameter ${name} ${showShape(shape)} is missing`);
      if (!sameShape(found.shape, shape))
        throw new UserError(
          `${source}: ${name} has the shape ${showShape(found.shape)}, and the model wants ${showShape(shape)}`,
        );
    }
    for (const name of values.keys())
      if (!wanted.has(name)) throw new UserError(`${source}: the model has no parameter ${name}`);
    for (const spec of this.specs) {
      const name = statisticsName(spec);
      if (name === undefined) this.parameter(spec.name).write(values.get(spec.name)!.data);
      else if (spec.kind === 'mean') {
        const variance = values.get(name.replace(/stats$/, 'var'))!.data;
        this.parameter(name).write(Float32Array.of(...values.get(spec.name)!.data, ...variance));
      }
    }
  }

  /** Gives back the memory of all parameters. */
  [Symbol.dispose](): void {
    for (const parameter of this.parameters.values()) parameter[Symbol.dispose]();
  }
}

/** `x.bn.stats` for `x.bn.mean` and `x.bn.var`, undefined for every other parameter. */
const statisticsName = ({ kind, name }: ParameterSpec): string | undefined =>
  kind === 'mean' || kind === 'var' ? name.replace(/(mean|var)$/, 'stats') : undefined;
