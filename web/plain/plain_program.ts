import { numbersFor, type Numbers as Given } from '../../engine/device/numbers.ts';
import { parameterOf } from '../../engine/device/parameter.ts';
import type { DeviceWithoutGpu } from '../../engine/device/without_gpu.ts';
import type { Feed, Program, ProgramSpec } from '../../engine/program/program.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { UserError } from '../../engine/user_error.ts';
import { evaluate, ordered } from './evaluate.ts';
import type { Numbers } from './numbers.ts';

/**
 * A graph as a program that computes it op by op in float64. What is fed and what is read is f32, and so is what
 * parameters hold between two runs, as on a GPU: so a training that is taken back to a step goes on to the same
 * numbers. What a spec says of memory and kernels has no meaning here.
 */
export class PlainProgram implements Pick<Program, keyof Program> {
  readonly steps = [];
  readonly choicePoints = [];
  readonly bytes = 0;
  readonly plan = { placeOf: new Map(), slotBytes: [], lowerBound: 0 };
  private readonly order: readonly Tensor[];
  private readonly readable: ReadonlySet<Tensor>;
  private readonly inputs: ReadonlyMap<string, Tensor>;
  private values: ReadonlyMap<Tensor, Numbers> = new Map();
  private closed = false;

  /** @throws UserError that names an op which there is only on a GPU */
  constructor(
    readonly device: DeviceWithoutGpu,
    { outputs = [], updates = [], keep }: ProgramSpec,
  ) {
    this.order = ordered([...outputs, ...updates]);
    this.readable = new Set(keep === 'all' ? this.order : outputs);
    this.inputs = new Map(this.order.filter(({ op }) => op.leaf === 'input').map((t) => [t.name!, t]));
  }

  get inputTensors(): readonly Tensor[] {
    return [...this.inputs.values()];
  }

  hasInput(name: string): boolean {
    return this.inputs.has(name);
  }

  run(feeds: Readonly<Record<string, Feed>> = {}): void {
    this.requireOpen('run');
    const stranger = Object.keys(feeds).find((name) => !this.inputs.has(name));
    if (stranger !== undefined) throw new UserError(`run: the program has no input ${stranger}`);
    const fed = new Map(this.inputTensors.map((t) => [t, this.checked(t, feeds[t.name!])]));
    const values = evaluate(this.order, (t) => fed.get(t) ?? this.device.numbersOf(parameterOf(t)!));
    this.values = new Map([...this.readable].map((t) => [t, values.get(t)!]));
  }

  private checked(t: Tensor, value: Feed | undefined): Numbers {
    if (value === undefined) throw new UserError(`run: no value for input ${t}; feed it as ${t.name}`);
    return Float64Array.from(numbersFor(`run: input ${t}`, value as Given, t.shape, t.dtype));
  }

  read(tensor: Tensor & { readonly dtype: 'u32' }): Promise<Uint32Array>;
  read(tensor: Tensor): Promise<Float32Array>;
  async read(tensor: Tensor): Promise<Float32Array | Uint32Array> {
    this.requireOpen('read');
    if (!this.readable.has(tensor)) throw new UserError(`read: ${tensor} is not among the program's outputs`);
    const parameter = parameterOf(tensor);
    if (parameter) return parameter.read();
    const value = this.values.get(tensor) ?? new Float64Array(tensor.size);
    return tensor.dtype === 'u32' ? Uint32Array.from(value) : Float32Array.from(value);
  }

  private requireOpen(what: string): void {
    if (this.closed) throw new UserError(`${what}: the program is used after it was disposed`);
    this.device.requireOpen(what);
  }

  buffer(output: Tensor): never {
    throw new UserError(`buffer: without a GPU ${output} has no memory there; read it instead`);
  }

  storageOf(): undefined {
    return undefined;
  }

  /** There are no timestamps. */
  async profile(): Promise<undefined> {
    return undefined;
  }

  async gpuTime(): Promise<undefined> {
    return undefined;
  }

  [Symbol.dispose](): void {
    this.closed = true;
  }
}
