import type { Launch } from '../../kernels/kernel.ts';
import { UserError } from '../user_error.ts';
import { Device } from './device.ts';
import type { Parameter } from './parameter.ts';

/** What the constructor of a device asks of WebGPU, where there is none. */
function standIn() {
  let close: (info: { message: string; reason: 'destroyed' }) => void;
  const lost = new Promise((resolve) => (close = resolve));
  return {
    lost,
    destroy: () => close({ message: 'it was closed', reason: 'destroyed' }),
    limits: { minStorageBufferOffsetAlignment: 4 },
    features: new Set<string>(),
    addEventListener: () => {},
    removeEventListener: () => {},
  } as unknown as GPUDevice;
}

/**
 * A device where there is no WebGPU. Parameters live in JavaScript's memory, as f32 like on a GPU; there are no kernels
 * and no pipelines. Programs on it are made by who extends it: see `MakesPrograms` in engine/program.
 */
export class DeviceWithoutGpu extends Device {
  private readonly contents = new Map<GPUBuffer, ArrayBuffer>();

  /** @param description what the adapter is called */
  constructor(description: string) {
    const info = { vendor: '', architecture: '', device: '', description, isFallbackAdapter: true };
    super(standIn(), { info, limits: {} } as unknown as GPUAdapter);
  }

  override createStorage(bytes: number, label: string): GPUBuffer {
    this.requireOpen(label);
    const buffer = { size: bytes, label } as GPUBuffer;
    this.contents.set(buffer, new ArrayBuffer(bytes));
    this.memory.buffers++;
    this.memory.bytes += bytes;
    return buffer;
  }

  override destroyBuffer(buffer: GPUBuffer): void {
    if (!this.contents.delete(buffer)) return;
    this.memory.buffers--;
    this.memory.bytes -= buffer.size;
  }

  override writeBuffer(buffer: GPUBuffer, offset: number, values: Float32Array): void {
    new Float32Array(this.contents.get(buffer)!, offset, values.length).set(values);
  }

  override async readBuffer(buffer: GPUBuffer, bytes: number = buffer.size, offset = 0): Promise<ArrayBuffer> {
    this.requireOpen('read');
    return this.contents.get(buffer)!.slice(offset, offset + bytes);
  }

  override pipeline({ kernel }: Launch): never {
    throw new UserError(`the kernel ${kernel.name} runs on a GPU only, and this browser has no WebGPU`);
  }

  override async idle(): Promise<void> {
    this.requireOpen('idle');
  }

  /** A parameter's numbers where they live: to be read, and changed. */
  numbersOf({ binding: { buffer, offset, size } }: Parameter): Float32Array {
    return new Float32Array(this.contents.get(buffer)!, offset, size / 4);
  }

  /** Forgets everything; the device counts as lost then, as one that was closed does. */
  override [Symbol.dispose](): void {
    for (const buffer of [...this.contents.keys()]) this.destroyBuffer(buffer);
    super[Symbol.dispose]();
  }
}
