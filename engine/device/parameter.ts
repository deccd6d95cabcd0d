import { defineOp } from '../op.ts';
import { Tensor, showShape, sizeOf, type Shape } from '../tensor.ts';
import { UserError } from '../user_error.ts';
import type { Device } from './device.ts';

const parameterLeaf = defineOp<never, { parameter: Parameter }>({ name: 'parameter', inputs: [], shape: (_, a) => a.parameter.shape });

/** State on the GPU that outlives a program: a weight, a moment of the optimizer, a running statistic. */
export class Parameter implements Disposable {
  /** The leaf that stands for it in graphs. */
  readonly tensor: Tensor;
  readonly buffer: GPUBuffer;

  constructor(readonly device: Device, readonly name: string, readonly shape: Shape, initial?: Float32Array) {
    this.buffer = device.createBuffer(sizeOf(shape) * 4, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST, name);
    this.tensor = parameterLeaf([], { parameter: this }).named(name);
    if (initial) this.write(initial);
  }

  write(values: Float32Array): void {
    if (values.length !== sizeOf(this.shape)) {
      throw new UserError(`parameter ${this.name} ${showShape(this.shape)} holds ${sizeOf(this.shape)} numbers and was given ${values.length}`);
    }
    this.device.gpu.queue.writeBuffer(this.buffer, 0, values as Float32Array<ArrayBuffer>);
  }

  async read(): Promise<Float32Array> {
    return new Float32Array(await this.device.readBuffer(this.buffer, sizeOf(this.shape) * 4));
  }

  [Symbol.dispose](): void {
    this.device.destroyBuffer(this.buffer);
  }
}

/** The parameter a leaf stands for, or undefined where the tensor is no parameter. */
export function parameterOf(tensor: Tensor): Parameter | undefined {
  return (tensor.attrs as { parameter?: Parameter }).parameter;
}
