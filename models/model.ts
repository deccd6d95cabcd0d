import { checkOptions, checkWhole, remedy, show, type Known } from '../engine/check.ts';
import { requireDevice, type Device } from '../engine/device/device.ts';
import { numbersFor, type Numbers } from '../engine/device/numbers.ts';
import { input } from '../engine/ops/leaves.ts';
import { compile, type Program } from '../engine/program/program.ts';
import { checkShape, sizeOf, type Shape, type Tensor } from '../engine/tensor.ts';
import { UserError } from '../engine/user_error.ts';
import { parseSafetensors, writeSafetensors } from './formats/safetensors.ts';
import { toFloat32 } from './formats/stored_tensor.ts';
import { networkOf, type Layer } from './layer.ts';
import { applySegments, type ForwardContext, type Network } from './network.ts';
import { ParameterSet, type Weights } from './parameter_set.ts';
import { countSamples } from './samples.ts';

/** What the parameters of a model begin with. */
export interface ModelOptions {
  /** What the parameters are drawn from; 0 when absent. */
  readonly seed?: number;
  /** Values of parameters by name; those that are missing are drawn. */
  readonly weights?: Weights;
}

const OPTIONS: Known<ModelOptions> = { seed: true, weights: true };

/** How a model is asked. */
export interface RunOptions {
  /** Samples that are computed at a time; 64 when absent. */
  readonly batch?: number;
}

/** A network with its parameters on a device: what `fit` trains. */
export class Model implements Disposable {
  readonly network: Network;
  readonly parameters: ParameterSet;
  private readonly programs = new Map<number, Promise<{ readonly program: Program; readonly y: Tensor }>>();
  private readonly open: Program[] = [];
  private closed = false;

  /**
   * @param layers a layer, such as `sequential(...)`, or a network, such as `buildModel` gives
   * @param inputShape the shape of one sample: images have [H, W, C]
   * @throws UserError where a layer does not take what the one before it gives
   */
  constructor(
    readonly device: Device,
    layers: Layer | Network,
    readonly inputShape: Shape,
    options: ModelOptions = {},
  ) {
    requireDevice('Model', device);
    checkOptions('Model', options, OPTIONS);
    checkShape('Model: the shape of an input', inputShape);
    const { seed = 0, weights = new Map() } = options;
    checkWhole('Model', 'the seed', seed, 0, 2 ** 32 - 1);
    this.network = isNetwork(layers) ? layers : networkOf(layers, inputShape);
    this.parameters = new ParameterSet(device, this.network.specs, weights, seed);
  }

  /** The outputs of the network for a batch x [N, ...], as graph; as in inference where nothing else is said. */
  apply(x: Tensor, context: Partial<ForwardContext> = {}): Tensor {
    return applySegments(this.network.segments, x, { parameters: this.parameters, batchNorm: 'running', ...context });
  }

  /**
   * The network's outputs for these samples, one row after another: of a classifier the logits. The last batch may be
   * smaller.
   */
  async predict(x: Numbers, options: RunOptions = {}): Promise<Float32Array> {
    checkOptions('predict', options, { batch: true });
    this.requireOpen('predict');
    const { batch = 64 } = options;
    checkWhole('predict', 'batch', batch, 1);
    const count = countSamples('predict: x', x, this.inputShape);
    const all = numbersFor('predict: x', x, [count, ...this.inputShape], 'f32');
    const size = sizeOf(this.inputShape);
    const taken = Math.min(batch, count);
    const { program, y } = await this.program(taken);
    const width = y.size / taken;
    const outputs = new Float32Array(count * width);
    const fed = new Float32Array(taken * size);
    for (let start = 0; start < count; start += taken) {
      const end = Math.min(count, start + taken);
      // What lies behind the last sample is of the batch before; nobody reads what comes of it.
      fed.set(all.subarray(start * size, end * size));
      program.run({ x: fed });
      const rows = await program.read(y);
      outputs.set(rows.subarray(0, (end - start) * width), start * width);
    }
    return outputs;
  }

  /** The probabilities of the classes for these samples: the softmax of each row of `predict`. */
  async probabilities(x: Numbers, options: RunOptions = {}): Promise<Float32Array> {
    const outputs = await this.predict(x, options);
    const width = outputs.length / countSamples('predict: x', x, this.inputShape);
    for (let at = 0; at < outputs.length; at += width) {
      const row = outputs.subarray(at, at + width);
      const largest = row.reduce((a, b) => Math.max(a, b));
      const powers = Array.from(row, (v) => Math.exp(v - largest));
      const total = powers.reduce((a, b) => a + b);
      row.set(powers.map((power) => power / total));
    }
    return outputs;
  }

  private program(batch: number) {
    const made = this.programs.get(batch) ?? this.makeProgram(batch);
    this.programs.set(batch, made);
    return made;
  }

  private async makeProgram(batch: number) {
    const y = this.apply(input('x', [batch, ...this.inputShape]));
    const program = await compile(this.device, { outputs: [y] });
    this.open.push(program);
    if (this.closed) program[Symbol.dispose]();
    return { program, y };
  }

  /** Throws a UserError where the model was disposed. */
  requireOpen(what: string): void {
    if (this.closed) throw new UserError(`${what}: the model is used after it was disposed`);
  }

  /** The bytes of a safetensors file with all parameters by name, running statistics among them. */
  async save(): Promise<Uint8Array> {
    this.requireOpen('save');
    const stored = [...(await this.parameters.read())].map(
      ([name, value]) => [name, { dtype: 'f32' as const, ...value }] as const,
    );
    return writeSafetensors(new Map(stored), { format: 'pt' });
  }

  /**
   * Gives the parameters the values of a file that `save` made of a model of the same layers.
   * @param name what errors call the file
   * @throws UserError where it is damaged, or of other layers; the parameters stay as they are then
   */
  load(bytes: Uint8Array, name = 'the file'): void {
    this.requireOpen('load');
    const { tensors } = parseSafetensors(bytes, name);
    const values = [...tensors].map(
      ([key, tensor]) => [key, { shape: tensor.shape, data: toFloat32(tensor, `${name}: tensor '${key}'`) }] as const,
    );
    this.parameters.write(new Map(values), name);
  }

  /** Gives back the memory of the parameters and of the programs. */
  [Symbol.dispose](): void {
    this.closed = true;
    for (const program of this.open) program[Symbol.dispose]();
    this.parameters[Symbol.dispose]();
  }
}

const isNetwork = (layers: Layer | Network): layers is Network =>
  typeof layers === 'object' && layers !== null && 'segments' in layers;

/** Throws a UserError where it is no Model. */
export function requireModel(what: string, model: unknown): asserts model is Model {
  if (!(model instanceof Model))
    throw new UserError(`${what}: the model must be a Model, not ${show(model)}${remedy(model)}`);
}
