import { DataStorage, engine, KernelBackend, util } from '@tensorflow/tfjs-core';
import type { BackendTimingInfo, BackendValues, DataId, DataType, TensorInfo } from '@tensorflow/tfjs-core';
import type { Device } from '../../engine/device/device.ts';
import { Parameter } from '../../engine/device/parameter.ts';
import { assign } from '../../engine/ops/assign.ts';
import { reshape } from '../../engine/ops/leaves.ts';
import { ProgramCache } from '../../engine/program/program_cache.ts';
import type { Shape, Tensor } from '../../engine/tensor.ts';
import { UserError } from '../../engine/user_error.ts';

/** The numbers behind tensors of tfjs. They are f32 on the GPU whatever their dtype is in tfjs. */
interface Held {
  readonly dtype: DataType;
  /** How many tensors share it. */
  references: number;
  /** As they were given: of what was never computed. */
  readonly values?: BackendValues;
  /** What stands for them in graphs: the leaf of the parameter, or an op that is recorded and not computed yet. */
  tensor?: Tensor;
  /** Where they lie on the GPU, once they are computed or first needed there. */
  parameter?: Parameter;
  /** Why they could not be computed. */
  failure?: unknown;
  /** Readers that wait for them. */
  readers: number;
}

/** Recorded kernels that are computed at the latest, so that a loop that never waits holds no endless graph. */
const MOST_RECORDED = 20_000;

const FLOATS = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const;

/**
 * TensorFlow.js's backend on this engine. Kernels are recorded as a graph and computed together, as soon as the running
 * code waits or asks for numbers: by one program, which is made once for every graph of the same structure. Tensors
 * that were disposed by then are never written out, if nothing needs them.
 */
export class TuningforkBackend extends KernelBackend {
  readonly programs: ProgramCache;
  private readonly data: DataStorage<Held>;
  /** What is recorded and held by a tensor. */
  private recorded = new Set<Held>();
  /** What the recorded kernels read of earlier programs. */
  private read_ = new Set<Held>();
  /** Parameters that nobody holds any more, which what is recorded may still read. */
  private retired: Parameter[] = [];
  private count = 0;
  private running: Promise<void> = Promise.resolve();
  private isRunning = 0;

  constructor(readonly device: Device) {
    super();
    this.programs = new ProgramCache(device);
    this.data = new DataStorage<Held>(this, engine());
  }

  override write(values: BackendValues, _shape: number[], dtype: DataType): DataId {
    const dataId = {};
    this.move(dataId, values, _shape, dtype, 1);
    return dataId;
  }

  override move(dataId: DataId, values: BackendValues, _shape: number[], dtype: DataType, refCount: number): void {
    this.data.set(dataId, { values, dtype, references: refCount, readers: 0 });
  }

  /** The values as they were given, where they were; undefined of what was computed. */
  valuesOf(dataId: DataId): BackendValues | undefined {
    return this.data.get(dataId).values;
  }

  /** What stands for a tensor of tfjs in the graph that is being recorded. */
  tensorOf({ dataId, shape }: TensorInfo): Tensor {
    const held = this.data.get(dataId);
    if (!held.tensor) {
      if (!(held.dtype in FLOATS)) throw new UserError(`tuningfork: numbers of dtype ${held.dtype} stay on the CPU`);
      const values = held.values as Float32Array | Int32Array | Uint8Array;
      const wrong = values instanceof Int32Array ? values.find((v) => Math.fround(v) !== v) : undefined;
      if (wrong !== undefined)
        throw new UserError(`tuningfork: integers are f32 on the GPU, exact up to 2^24, and a tensor holds ${wrong}`);
      held.parameter = new Parameter(this.device, 'tfjs', shape, Float32Array.from(values));
      held.tensor = held.parameter.tensor;
    }
    if (held.parameter) this.read_.add(held);
    return reshape(held.tensor, shape);
  }

  /** A tensor of tfjs that this one of the graph stands for. */
  record(tensor: Tensor, shape: Shape, dtype: DataType): TensorInfo {
    const dataId = {};
    const held: Held = { dtype, references: 1, tensor, readers: 0 };
    this.data.set(dataId, held);
    if (this.recorded.size === 0) queueMicrotask(() => void this.flush());
    this.recorded.add(held);
    if (++this.count >= MOST_RECORDED) void this.flush();
    return { dataId, shape: [...shape], dtype };
  }

  /** Computes all that is recorded; resolves as soon as it is submitted. */
  private flush(): Promise<void> {
    const { recorded, read_, retired } = this;
    [this.recorded, this.read_, this.retired, this.count] = [new Set(), new Set(), [], 0];
    if (recorded.size === 0 && retired.length === 0) return this.running;
    const updates = [...recorded].map((held) => {
      const value = held.tensor!;
      held.parameter = new Parameter(this.device, 'tfjs', value.shape);
      held.tensor = held.parameter.tensor;
      return assign(held.tensor, value);
    });
    this.isRunning++;
    this.running = this.running.then(async () => {
      try {
        for (const { failure } of read_) if (failure !== undefined) throw failure;
        if (updates.length > 0) (await this.programs.compile({ updates })).run();
      } catch (error) {
        for (const held of recorded) held.failure = error;
      }
      this.isRunning--;
      for (const parameter of retired) parameter[Symbol.dispose]();
    });
    return this.running;
  }

  override async read(dataId: DataId): Promise<BackendValues> {
    const held = this.data.get(dataId);
    if (held.values) return held.values;
    held.readers++;
    try {
      await this.flush();
      if (held.failure !== undefined) throw held.failure;
      const numbers = await held.parameter!.read();
      return held.dtype === 'float32' ? numbers : FLOATS[held.dtype as 'int32' | 'bool'].from(numbers);
    } finally {
      held.readers--;
      this.retire(held);
    }
  }

  override readSync(dataId: DataId): BackendValues {
    const { values } = this.data.get(dataId);
    if (values) return values;
    throw new UserError(
      'tuningfork: WebGPU cannot be waited for, so dataSync and arraySync give only numbers that were never computed; await data() or array() instead',
    );
  }

  override refCount(dataId: DataId): number {
    return this.data.has(dataId) ? this.data.get(dataId).references : 0;
  }

  override incRef(dataId: DataId): void {
    this.data.get(dataId).references++;
  }

  override disposeData(dataId: DataId, force = false): boolean {
    if (!this.data.has(dataId)) return true;
    const held = this.data.get(dataId);
    held.references--;
    if (held.references > 0 && !force) return false;
    held.references = 0;
    this.data.delete(dataId);
    this.recorded.delete(held);
    this.retire(held);
    return true;
  }

  /** Frees the numbers of what no tensor holds and nobody reads, at once or when what is under way is done. */
  private retire({ references, readers, parameter }: Held): void {
    if (references > 0 || readers > 0 || !parameter) return;
    if (this.recorded.size === 0 && this.isRunning === 0) parameter[Symbol.dispose]();
    else this.retired.push(parameter);
  }

  override numDataIds(): number {
    return this.data.numDataIds();
  }

  override memory(): { unreliable: boolean; numBytesInGPU: number } {
    return { unreliable: false, numBytesInGPU: this.device.memory.bytes };
  }

  override timerAvailable(): boolean {
    return true;
  }

  /** Milliseconds until the GPU has done what `f` records. */
  override async time(f: () => void): Promise<BackendTimingInfo> {
    await this.flush();
    await this.device.idle();
    const start = util.now();
    f();
    await this.flush();
    await this.device.idle();
    return { kernelMs: util.now() - start };
  }

  override floatPrecision(): 16 | 32 {
    return 32;
  }

  override epsilon(): number {
    return 1e-7;
  }

  /** Closes the device too: it was opened for the backend. */
  override dispose(): void {
    this.programs[Symbol.dispose]();
    this.device[Symbol.dispose]();
  }
}
