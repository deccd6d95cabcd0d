import type { Device } from './device.ts';

/**
 * Numbers of the largest parameter that a pool takes. From the first of their gradients on the memory of all is taken,
 * so they are no larger than what most networks have many of.
 */
const MOST_NUMBERS = 2 ** 19;

/**
 * One buffer for many small parameters, one behind the other in the order of making, each where a binding may begin. An
 * optimizer then changes neighbours in one launch (program/update_groups.ts). It lives as long as one of them does. No
 * kernel may write one of them while it reads another, which WebGPU forbids within one buffer: a weight and its running
 * average belong into different pools.
 */
export class ParameterPool {
  private bytes = 0;
  private living = 0;
  private memory: GPUBuffer | undefined;

  constructor(
    private readonly device: Device,
    private readonly name: string,
  ) {}

  /**
   * Room for so many numbers: the byte at which they begin. Undefined where they are too many, or the pool has its
   * memory already.
   */
  reserve(size: number): number | undefined {
    const offset = this.bytes;
    const { maxBufferSize } = this.device.gpu.limits;
    if (size > MOST_NUMBERS || this.memory || offset + this.stride(size) > maxBufferSize) return undefined;
    this.bytes += this.stride(size);
    this.living++;
    return offset;
  }

  /** Bytes from the beginning of a parameter of so many numbers to that of the next. */
  stride(size: number): number {
    const align = this.device.gpu.limits.minStorageBufferOffsetAlignment;
    return Math.ceil((size * 4) / align) * align;
  }

  get allocated(): boolean {
    return this.memory !== undefined;
  }

  get buffer(): GPUBuffer {
    return (this.memory ??= this.device.createStorage(this.bytes, this.name));
  }

  /** A parameter needs its room no more. */
  release(): void {
    if (--this.living > 0 || !this.memory) return;
    this.device.destroyBuffer(this.memory);
    this.memory = undefined;
  }
}
