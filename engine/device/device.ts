import { decidedText, placeOf } from '../../kernels/decided.ts';
import { pipelineKey, type KernelSource, type Launch } from '../../kernels/kernel.ts';
import { checkOptions, remedy, show, type Known } from '../check.ts';
import type { Capabilities } from '../op.ts';
import { TuningTable } from '../tuning.ts';
import { gpuModel } from './gpu_model.ts';
import { mebibytes } from './mebibytes.ts';
import { SUBGROUP_MATRIX, subgroupMatrixOf } from './subgroup_matrix.ts';
import { UserError } from '../user_error.ts';
import { DeviceLostError } from './device_lost.ts';

/** What `openDevice` may be asked for; everything optional is taken where the adapter has it and never required. */
export interface DeviceOptions {
  /** The entry point to WebGPU: `navigator.gpu` in a browser, `openGpu()` of gpu.node.ts in Node. */
  readonly gpu?: GPU;
  readonly powerPreference?: GPUPowerPreference;
}

/** What is computed on. */
export interface AdapterSummary {
  readonly vendor: string;
  readonly architecture: string;
  readonly description: string;
  /** True where the CPU pretends to be a GPU (lavapipe, SwiftShader, WARP). */
  readonly software: boolean;
}

const OPTIONS: Known<DeviceOptions> = { gpu: true, powerPreference: true };

const WANTED_FEATURES: GPUFeatureName[] = ['shader-f16', 'timestamp-query', 'subgroups' as GPUFeatureName];

/**
 * An open GPU: its queue, its capabilities, its pipelines (compiled once, shared by every program) and the count of the
 * buffers that are alive on it.
 */
export class Device implements Disposable {
  readonly capabilities: Capabilities;
  readonly adapter: AdapterSummary;
  /** Settles when the device is lost, with the reason; never rejects. */
  readonly lost: Promise<string>;
  /** Buffers alive and their bytes: what closing everything must bring to zero. */
  readonly memory = { buffers: 0, bytes: 0, peakBytes: 0 };

  /**
   * Bytes that may be allocated at once: a program that would pass it is refused beforehand. WebGPU does not tell how
   * much there is.
   */
  memoryLimit = Infinity;

  /**
   * What programs that are compiled from now on go by where kernels can be launched in several ways: at first nothing
   * was measured.
   */
  tuning = new TuningTable();

  private readonly pipelines = new Map<string, Promise<GPUComputePipeline>>();
  private readonly owned = new Set<GPUBuffer>();
  private failure: Error | undefined;
  private closed = false;
  private loss: string | undefined;

  constructor(
    readonly gpu: GPUDevice,
    adapter: GPUAdapter,
  ) {
    const { info, limits } = adapter;
    const software =
      info.isFallbackAdapter === true ||
      /llvmpipe|swiftshader|warp/i.test(`${info.device} ${info.description} ${info.architecture}`);
    // Browsers tell vendor and architecture only.
    this.adapter = {
      vendor: info.vendor,
      architecture: info.architecture,
      description:
        info.description || info.device || `${info.vendor} ${info.architecture}`.trim() || 'an adapter without a name',
      software,
    };
    this.capabilities = {
      maxWorkgroupInvocations: limits.maxComputeInvocationsPerWorkgroup,
      maxWorkgroupStorage: limits.maxComputeWorkgroupStorageSize,
      maxStorageBinding: limits.maxStorageBufferBindingSize,
      f16: gpu.features.has('shader-f16'),
      subgroups: gpu.features.has('subgroups' as GPUFeatureName) ? (info.subgroupMinSize ?? 0) : 0,
      subgroupMatrix: subgroupMatrixOf(info, gpu.features),
      software,
      gpu: software ? undefined : gpuModel(this.adapter),
    };
    this.lost = gpu.lost.then((info) => (this.loss = info.message || info.reason));
    gpu.addEventListener('uncapturederror', this.onError);
  }

  private readonly onError = (event: Event): void => {
    this.failure ??= new Error(`WebGPU: ${(event as GPUUncapturedErrorEvent).error.message}`);
  };

  /** What a measurement on this adapter is filed under: the adapter, its driver, and what kernels may count on. */
  get identity(): string {
    return JSON.stringify({ ...this.adapter, ...this.capabilities });
  }

  get hasTimestamps(): boolean {
    return this.gpu.features.has('timestamp-query');
  }

  /**
   * Throws the first error that WebGPU reported since the device was opened: nothing computed after it can be trusted.
   * A DeviceLostError where the device was lost.
   */
  check(): void {
    if (this.loss !== undefined) throw new DeviceLostError(this.loss);
    if (this.failure) throw this.failure;
  }

  /**
   * Throws a UserError where the device was disposed and a DeviceLostError where it was lost.
   * @param what begins the message: what would use it
   */
  requireOpen(what: string): void {
    if (this.closed) throw new UserError(`${what}: the device is used after it was disposed`);
    if (this.loss !== undefined) throw new DeviceLostError(this.loss);
  }

  /** A buffer that counts among the device's memory until `destroyBuffer`. */
  createBuffer(bytes: number, usage: GPUBufferUsageFlags, label: string): GPUBuffer {
    this.requireOpen(label);
    const size = Math.max(4, Math.ceil(bytes / 4) * 4);
    if ((usage & GPUBufferUsage.STORAGE) !== 0 && size > this.capabilities.maxStorageBinding) {
      throw new UserError(
        `${label} needs a buffer of ${size} bytes, and ${this.adapter.description} binds at most ${this.capabilities.maxStorageBinding}; use a smaller batch, image or network`,
      );
    }
    const buffer = this.gpu.createBuffer({ size, usage, label });
    this.owned.add(buffer);
    this.memory.buffers++;
    this.memory.bytes += buffer.size;
    this.memory.peakBytes = Math.max(this.memory.peakBytes, this.memory.bytes);
    return buffer;
  }

  /** A buffer of `createBuffer` for state: kernels read and write it, and it is copied to and from. */
  createStorage(bytes: number, label: string): GPUBuffer {
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    return this.createBuffer(bytes, usage, label);
  }

  /** Copies numbers into a buffer, from this byte on. */
  writeBuffer(buffer: GPUBuffer, offset: number, values: Float32Array): void {
    this.gpu.queue.writeBuffer(buffer, offset, values as Float32Array<ArrayBuffer>);
  }

  /** Runs `make`, and throws a UserError where the adapter has no memory for the buffers that it creates. */
  async allocate(make: () => void): Promise<void> {
    this.gpu.pushErrorScope('out-of-memory');
    let error: Promise<GPUError | null>;
    try {
      make();
    } finally {
      error = this.gpu.popErrorScope().catch(() => null);
    }
    if (await error) {
      throw new UserError(
        `${this.adapter.description} is out of memory: ${mebibytes(this.memory.bytes)} were asked for in all; use a smaller batch, image or network`,
      );
    }
  }

  /** Gives a buffer of `createBuffer` back. */
  destroyBuffer(buffer: GPUBuffer): void {
    if (!this.owned.delete(buffer)) return;
    this.memory.buffers--;
    this.memory.bytes -= buffer.size;
    buffer.destroy();
  }

  /** The pipeline for a launch: made at the first request, shared by every launch with the same key. */
  pipeline(launch: Launch): Promise<GPUComputePipeline> {
    this.requireOpen(`kernel ${launch.kernel.name}`);
    const key = pipelineKey(launch);
    let pipeline = this.pipelines.get(key);
    if (!pipeline) {
      const { kernel } = launch;
      // This scope says where a text is no WGSL; the pipeline would only say that it has no module.
      this.gpu.pushErrorScope('validation');
      const module = this.gpu.createShaderModule({ code: decidedText(launch), label: kernel.name });
      const complaint = this.gpu.popErrorScope().catch(() => null);
      const constants = Object.fromEntries(
        Object.entries(launch.overrides ?? {}).map(([name, value]) => [name, Number(value)]),
      );
      pipeline = this.gpu
        .createComputePipelineAsync({
          label: kernel.name,
          layout: 'auto',
          compute: { module, entryPoint: kernel.entryPoint, constants },
        })
        .then(
          async (made) => {
            const error = await complaint;
            if (error) throw doesNotCompile(kernel, key, error);
            return made;
          },
          async (error: Error) => {
            const cause = await this.causeOf(error);
            throw cause instanceof DeviceLostError ? cause : doesNotCompile(kernel, key, (await complaint) ?? error);
          },
        );
      this.pipelines.set(key, pipeline);
    }
    return pipeline;
  }

  get pipelineCount(): number {
    return this.pipelines.size;
  }

  /** The contents of a storage buffer (it needs COPY_SRC), copied back to the CPU. */
  async readBuffer(buffer: GPUBuffer, bytes: number = buffer.size, offset = 0): Promise<ArrayBuffer> {
    this.requireOpen('read');
    const size = Math.ceil(bytes / 4) * 4;
    const staging = this.createBuffer(size, GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ, 'readback');
    try {
      const encoder = this.gpu.createCommandEncoder();
      encoder.copyBufferToBuffer(buffer, offset, staging, 0, size);
      this.gpu.queue.submit([encoder.finish()]);
      await staging.mapAsync(GPUMapMode.READ);
      this.check();
      return staging.getMappedRange().slice(0, bytes);
    } catch (error) {
      throw await this.causeOf(error);
    } finally {
      this.destroyBuffer(staging);
    }
  }

  /**
   * What an operation's failure comes from: the loss of the device, which WebGPU tells a moment after it rejects what
   * waited for it, and with no word there.
   */
  private async causeOf(error: unknown): Promise<unknown> {
    const moment = new Promise((resolve) => setTimeout(resolve, 100));
    await Promise.race([this.lost, moment]);
    return this.loss === undefined || this.closed ? error : new DeviceLostError(this.loss, { cause: error });
  }

  /** Resolves when all submitted work is done. */
  async idle(): Promise<void> {
    this.requireOpen('idle');
    await this.gpu.queue.onSubmittedWorkDone();
    this.check();
  }

  /** Frees what is still alive and closes the GPU device. Calling it twice is fine. */
  [Symbol.dispose](): void {
    if (this.closed) return;
    this.closed = true;
    for (const buffer of [...this.owned]) this.destroyBuffer(buffer);
    // Dawn's binding holds what listens as long as the device, which what listens would hold: neither would ever go.
    this.gpu.removeEventListener('uncapturederror', this.onError);
    this.pipelines.clear();
    this.gpu.destroy();
  }
}

/** What a compiler says of a kernel, with the places in its files for those in the text that the driver gets. */
function doesNotCompile(kernel: KernelSource, key: string, { message }: { readonly message: string }): Error {
  const placed = message.replace(
    /:?\b(\d+):(\d+)\b/g,
    (_, line, column) => `${placeOf(kernel, Number(line))}:${column}`,
  );
  return new Error(`kernel ${kernel.name} does not compile for ${key}: ${placed}`);
}

/** Throws a UserError where it is no device, such as the promise of one. @param what begins the message */
export function requireDevice(what: string, device: unknown): asserts device is Device {
  if (!(device instanceof Device))
    throw new UserError(
      `${what}: the device must be what \`await openDevice()\` gives, not ${show(device)}${remedy(device)}`,
    );
}

/** Whether there is WebGPU, with an adapter: where not, `openDevice` throws. */
export async function hasAdapter(): Promise<boolean> {
  const gpu = (globalThis.navigator as Navigator | undefined)?.gpu;
  return gpu !== undefined && (await gpu.requestAdapter()) !== null;
}

/**
 * Opens a device with the adapter's own limits and every optional feature that Tuningfork can use.
 * Throws a UserError where there is no WebGPU or no adapter.
 */
export async function openDevice(options: DeviceOptions = {}): Promise<Device> {
  if (typeof options === 'object' && options !== null && 'requestAdapter' in options)
    throw new UserError('openDevice: give the entry point as { gpu: openGpu() }');
  checkOptions('openDevice', options, OPTIONS);
  const gpu = options.gpu ?? (globalThis.navigator as Navigator | undefined)?.gpu;
  if (!gpu)
    throw new UserError(
      'this JavaScript engine has no WebGPU: use a browser that has it, or give openDevice({ gpu: openGpu() }) in Node',
    );
  if (typeof gpu.requestAdapter !== 'function')
    throw new UserError(`openDevice: gpu must be navigator.gpu, or openGpu() in Node, not ${show(gpu)}`);
  const adapter = await gpu.requestAdapter({ powerPreference: options.powerPreference ?? 'high-performance' });
  if (!adapter)
    throw new UserError(
      options.gpu
        ? 'no WebGPU adapter was found; run `tuningfork doctor` to see what is missing and how to mend it'
        : 'this browser has WebGPU, and found no GPU for it: hardware acceleration may be switched off in its settings, or the driver is not supported; Chrome says which at chrome://gpu',
    );
  const limits = adapter.limits;
  const matrices = subgroupMatrixOf(adapter.info, adapter.features) ? [SUBGROUP_MATRIX] : [];
  const device = await adapter.requestDevice({
    requiredFeatures: [...WANTED_FEATURES.filter((feature) => adapter.features.has(feature)), ...matrices],
    requiredLimits: {
      maxBufferSize: limits.maxBufferSize,
      maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
      maxStorageBuffersPerShaderStage: limits.maxStorageBuffersPerShaderStage,
      maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
      maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
      minStorageBufferOffsetAlignment: limits.minStorageBufferOffsetAlignment,
      minUniformBufferOffsetAlignment: limits.minUniformBufferOffsetAlignment,
      maxComputeWorkgroupSizeX: limits.maxComputeWorkgroupSizeX,
      maxComputeWorkgroupSizeY: limits.maxComputeWorkgroupSizeY,
    },
  });
  return new Device(device, adapter);
}
