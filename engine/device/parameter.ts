import { show } from '../check.ts';
import { defineOp } from '../op.ts';
import { checkShape, showShape, sizeOf, type Shape, type Tensor } from '../tensor.ts';
import { UserError } from '../user_error.ts';
import { requireDevice, type Device } from './device.ts';
import { numbersFor, type Numbers } from './numbers.ts';
import type { ParameterPool } from './parameter_pool.ts';

const parameterLeaf = defineOp<never, { parameter: Parameter }>({
  name: 'parameter',
  leaf: 'parameter',
  inputs: [],
  shape: (_, a) => a.parameter.shape,
});

/** State on the GPU that outlives a program: a weight, a moment of the optimizer, a running statistic. */
export class Parameter implements Disposable {
  /** The leaf that stands for it in graphs. */
  readonly tensor: Tensor;
  /** The pool that its memory is a part of, if it is, and the byte at which it begins there. */
  readonly pool: ParameterPool | undefined;
  readonly offset: number;
  private initial: Float32Array | (() => Numbers) | undefined;
  private memory: GPUBuffer | undefined;
  private closed = false;

  /**
   * Memory is taken when a program or the caller first needs it, so that what a network costs can be told before.
   * @param initial its values, or what makes them; zeros when absent. A Float32Array is not copied until then
   * @param pool where it may lie; it has a buffer of its own where that cannot take it
   */
  constructor(
    readonly device: Device,
    readonly name: string,
    readonly shape: Shape,
    initial?: Numbers | (() => Numbers),
    pool?: ParameterPool,
  ) {
    if (typeof name !== 'string') throw new UserError(`parameter: the name must be text, not ${show(name)}`);
    requireDevice(`parameter ${name}`, device);
    checkShape(`parameter ${name}`, shape);
    this.tensor = parameterLeaf([], { parameter: this }).named(name);
    this.initial = typeof initial === 'function' || initial === undefined ? initial : this.converted(initial);
    const place = pool?.reserve(sizeOf(shape));
    this.pool = place === undefined ? undefined : pool;
    this.offset = place ?? 0;
  }

  get allocated(): boolean {
    return this.memory !== undefined || this.pool?.allocated === true;
  }

  /** Its bytes on the adapter, with those that lie unused before the next one of its pool. */
  get bytes(): number {
    const size = sizeOf(this.shape);
    return this.pool?.stride(size) ?? Math.max(4, size * 4);
  }

  /** What a program binds. */
  get binding(): Required<GPUBufferBinding> {
    return { buffer: this.buffer, offset: this.offset, size: Math.max(4, sizeOf(this.shape) * 4) };
  }

  private get buffer(): GPUBuffer {
    this.requireOpen();
    if (!this.memory) {
      // Made and checked first: where that fails no memory is taken, and the next use fails as well.
      const initial = typeof this.initial === 'function' ? this.converted(this.initial()) : this.initial;
      this.memory = this.pool?.buffer ?? this.device.createStorage(sizeOf(this.shape) * 4, this.name);
      this.initial = undefined;
      // Without values: WebGPU gives buffers full of zeros.
      if (initial) this.upload(this.memory, initial);
    }
    return this.memory;
  }

  private converted(values: Numbers): Float32Array {
    return numbersFor(`parameter ${this.name} ${showShape(this.shape)}`, values, this.shape, 'f32');
  }

  private upload(buffer: GPUBuffer, values: Float32Array): void {
    this.device.requireOpen(`parameter ${this.name}`);
    this.device.writeBuffer(buffer, this.offset, values);
  }

  /** Throws a UserError where it was disposed. */
  requireOpen(): void {
    if (this.closed) throw new UserError(`parameter ${this.name} is used after it was disposed`);
  }

  /**
   * Gives it other values.
   * @throws UserError where they are too few or too many, or no numbers
   */
  write(values: Numbers): void {
    this.requireOpen();
    const numbers = this.converted(values);
    this.initial = undefined;
    this.upload(this.buffer, numbers);
  }

  /** Its values as they are now, after all that was submitted. */
  async read(): Promise<Float32Array> {
    return new Float32Array(await this.device.readBuffer(this.buffer, sizeOf(this.shape) * 4, this.offset));
  }

  /** Gives the memory back; programs that use it must not run any more. */
  [Symbol.dispose](): void {
    if (!this.closed && this.pool) this.pool.release();
    this.closed = true;
    if (this.memory && !this.pool) this.device.destroyBuffer(this.memory);
    this.memory = undefined;
  }
}

/** The parameter a leaf stands for, or undefined where the tensor is no parameter. */
export function parameterOf(tensor: Tensor): Parameter | undefined {
  return (tensor.attrs as { parameter?: Parameter }).parameter;
}
