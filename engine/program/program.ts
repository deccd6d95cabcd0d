import { requireDevice, type Device } from '../device/device.ts';
import { numbersFor, type Numbers } from '../device/numbers.ts';
import { parameterOf, type Parameter } from '../device/parameter.ts';
import { show } from '../check.ts';
import { constantArray } from '../ops/leaves.ts';
import type { BufferRef } from '../op.ts';
import { halfToNumber } from '../half.ts';
import { checkTensors, type Tensor, type StorageType } from '../tensor.ts';
import { UserError } from '../user_error.ts';
import type { ChoicePoint, Lowered, LoweredStep } from './lower.ts';
import { checkPictures, isPicture, PictureFeed, type Picture } from './picture_feed.ts';
import { outline, requireFit, type ProgramSpec } from './outline.ts';
import type { MemoryPlan } from './plan.ts';
import { dispatch, rebound, record, SUBMITTED_AT_ONCE, type Recorded } from './record.ts';

export type { MemoryNeed, ProgramSpec } from './outline.ts';

/**
 * What an input is given at a run: an array of its own type as it is, other numbers converted (see Numbers); or what is
 * copied on the GPU: a buffer on the program's device with the numbers of its dtype from the first byte on, such as
 * `buffer` gives of another program's output; and in a page a picture, or one for each entry of the batch (see
 * Picture).
 */
export type Feed = Numbers | GPUBuffer | Picture | readonly Picture[];

const isBuffer = (value: Feed): value is GPUBuffer => typeof value === 'object' && 'mapState' in value;

/** The pictures of a feed; undefined of any other. */
const picturesOf = (value: Feed): readonly Picture[] | undefined =>
  isPicture(value) ? [value] : Array.isArray(value) && isPicture(value[0]) ? (value as Picture[]) : undefined;

/** A device without kernels, whose programs are of another make: web/plain. */
export interface MakesPrograms {
  makeProgram(spec: ProgramSpec): Pick<Program, keyof Program>;
}

interface ProgramParts {
  readonly device: Device;
  /** What stands for a tensor in the rewritten graph. */
  readonly resolve: (t: Tensor) => Tensor;
  readonly lowered: Lowered;
  readonly plan: MemoryPlan;
  readonly recorded: readonly Recorded[];
  readonly owned: readonly GPUBuffer[];
  readonly physical: ReadonlyMap<BufferRef, GPUBufferBinding>;
  readonly inputs: ReadonlyMap<string, Tensor>;
  readonly parameters: readonly Parameter[];
  readonly readable: ReadonlySet<Tensor> | 'all';
  /** Of the inputs that were ever fed pictures. */
  readonly pictureFeeds: Map<Tensor, PictureFeed>;
  /** The program whose memory it shares. */
  readonly origin?: Program;
}

/** A graph that was planned once and can be run again and again: no memory is taken, hashed or bound in `run`. */
export class Program implements Disposable {
  private closed = false;

  private constructor(private readonly parts: ProgramParts) {}

  get device(): Device {
    return this.parts.device;
  }

  get plan(): MemoryPlan {
    return this.parts.plan;
  }

  /** What runs, in order: for listings and profiles. */
  get steps(): readonly LoweredStep[] {
    return this.parts.lowered.steps;
  }

  /** Where kernels could be launched in several ways, and how they are. */
  get choicePoints(): readonly ChoicePoint[] {
    return this.parts.lowered.choicePoints;
  }

  /** The inputs that a run must be fed. */
  get inputTensors(): readonly Tensor[] {
    return [...this.parts.inputs.values()];
  }

  /** Whether the graph has an input of this name: one that nothing depends on is not in it. */
  hasInput(name: string): boolean {
    return this.parts.inputs.has(name);
  }

  /** Bytes of GPU memory that the program holds: temporaries, inputs, outputs and uniforms; parameters not counted. */
  get bytes(): number {
    return this.parts.owned.reduce((n, b) => n + b.size, 0);
  }

  /** See `compile`. */
  static async create(device: Device, spec: ProgramSpec): Promise<Program> {
    requireDevice('compile', device);
    device.requireOpen('compile');
    // A program of another make has all that others see of a Program.
    if ('makeProgram' in device) return (device as MakesPrograms).makeProgram(spec) as Program;
    const outlined = outline(device, spec);
    const { graph, lowered, plan, inputs } = outlined;
    spec.onMemory?.(outlined.need);
    requireFit(device, outlined);
    const parameters = parametersOf(lowered);
    for (const parameter of parameters) requireOnDevice(device, parameter);
    // Asked for before all else: they are made on other threads, while this one allocates.
    const pipelines = Promise.all(lowered.steps.map((step) => device.pipeline(step.launch)));
    pipelines.catch(() => undefined); // awaited below
    const owned: GPUBuffer[] = [];
    const own = (bytes: number, usage: number, label: string) => {
      const buffer = device.createBuffer(bytes, usage, label);
      owned.push(buffer);
      return buffer;
    };
    try {
      const storage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
      const physical = new Map<BufferRef, GPUBufferBinding>();
      await device.allocate(() => {
        const slots = plan.slotBytes.map((bytes, i) => own(bytes, storage, `temporary ${i}`));
        for (const { ref, bytes, kind, tensor, within } of lowered.buffers) {
          if (kind === 'parameter')
            physical.set(
              ref,
              within ? { ...parameterOf(tensor!)!.binding, size: bytes } : parameterOf(tensor!)!.binding,
            );
          else if (kind === 'temporary') {
            const place = plan.placeOf.get(ref);
            if (place) physical.set(ref, { buffer: slots[place.slot], offset: place.offset, size: bytes });
          } else physical.set(ref, { buffer: own(bytes, storage, String(tensor)) });
        }
      });
      for (const { ref, kind, tensor } of lowered.buffers) {
        const { buffer } = physical.get(ref) ?? {};
        if (kind === 'constant' && buffer)
          device.gpu.queue.writeBuffer(buffer, 0, constantArray(tensor!)! as Float32Array<ArrayBuffer>);
      }
      const recorded = await record(device, outlined, pipelines, physical, own);
      device.check();
      return new Program({
        device,
        resolve: graph.resolve,
        lowered,
        plan,
        recorded,
        owned,
        physical,
        inputs,
        parameters,
        readable: spec.keep === 'all' ? 'all' : new Set(spec.outputs ?? []),
        pictureFeeds: new Map(),
      });
    } catch (error) {
      for (const buffer of owned) device.destroyBuffer(buffer);
      throw error;
    }
  }

  /**
   * The program for a graph of the same structure on other parameters: it shares everything but the bindings of those,
   * its outputs and temporaries too, and is of use as long as `program` is.
   * @param twins the tensor of `program`'s graph for each tensor of the other graph
   */
  static rebind(program: Program, twins: ReadonlyMap<Tensor, Tensor>, outputs: readonly Tensor[]): Program {
    const { device, lowered, recorded } = program.parts;
    const parameters = new Map<Tensor, Parameter>();
    for (const [t, twin] of twins) {
      const parameter = parameterOf(t);
      if (parameter) parameters.set(twin, parameter);
      requireOnDevice(device, parameter);
    }
    const physical = new Map(program.parts.physical);
    for (const { ref, bytes, kind, tensor, within } of lowered.buffers) {
      if (kind !== 'parameter') continue;
      const { binding } = parameters.get(tensor!)!;
      physical.set(ref, within ? { ...binding, size: bytes } : binding);
    }
    return new Program({
      ...program.parts,
      resolve: (t) => program.parts.resolve(twins.get(t) ?? t),
      lowered,
      recorded: recorded.map((step) => rebound(device, step, physical)),
      owned: [],
      physical,
      parameters: [...new Set(parameters.values())],
      readable: program.parts.readable === 'all' ? 'all' : new Set(outputs),
      origin: program,
    });
  }

  /** Uploads the feeds, encodes the recorded steps and submits them. Returns at once: `read` or `device.idle` waits. */
  run(feeds: Readonly<Record<string, Feed>> = {}): void {
    this.feed(feeds);
    for (let i = 0; i < this.parts.recorded.length; i += SUBMITTED_AT_ONCE) {
      const encoder = this.device.gpu.createCommandEncoder();
      const pass = encoder.beginComputePass();
      dispatch(pass, this.parts.recorded.slice(i, i + SUBMITTED_AT_ONCE));
      pass.end();
      this.device.gpu.queue.submit([encoder.finish()]);
    }
  }

  private feed(feeds: Readonly<Record<string, Feed>>): void {
    this.requireOpen('run');
    for (const parameter of this.parts.parameters) parameter.requireOpen();
    if (typeof feeds !== 'object' || feeds === null)
      throw new UserError(`run: the feeds must be an object of values by input, not ${show(feeds)}`);
    for (const name of Object.keys(feeds))
      if (!this.parts.inputs.has(name))
        throw new UserError(
          `run: the program has no input ${name}; it has ${[...this.parts.inputs.keys()].join(', ') || 'none'}`,
        );
    // All are checked before the first is written: a run that is refused changes nothing.
    const checked = [...this.parts.inputs].map(([name, tensor]) => {
      const value = feeds[name];
      if (value === undefined) throw new UserError(`run: no value for input ${tensor}; feed it as ${name}`);
      const what = `run: input ${tensor}`;
      if (value !== null && isBuffer(value)) return { tensor, buffer: checkedBuffer(what, value, tensor) };
      const pictures = picturesOf(value);
      if (pictures) {
        checkPictures(what, pictures, tensor);
        return { tensor, pictures };
      }
      return { tensor, data: numbersFor(what, value as Numbers, tensor.shape, tensor.dtype) };
    });
    const { queue } = this.device.gpu;
    for (const { tensor, data, pictures } of checked) {
      if (data) queue.writeBuffer(this.bufferOf(tensor), 0, data as Float32Array<ArrayBuffer>);
      if (pictures) this.pictureFeed(tensor).write(pictures);
    }
    if (checked.every(({ buffer }) => buffer === undefined)) return;
    const encoder = this.device.gpu.createCommandEncoder();
    for (const { tensor, buffer } of checked)
      if (buffer) encoder.copyBufferToBuffer(buffer, 0, this.bufferOf(tensor), 0, tensor.size * 4);
    queue.submit([encoder.finish()]);
  }

  private pictureFeed(tensor: Tensor): PictureFeed {
    const { pictureFeeds } = this.parts;
    let feed = pictureFeeds.get(tensor);
    if (!feed) pictureFeeds.set(tensor, (feed = new PictureFeed(this.device, tensor, this.bufferOf(tensor))));
    return feed;
  }

  /**
   * The memory of an output, which holds its value after each run: to feed it to another program, or to copy it. It
   * belongs to the program and goes with it.
   */
  buffer(output: Tensor): GPUBuffer {
    this.requireReadable('buffer', output);
    const { kind, dtype } = this.parts.lowered.buffers[this.parts.lowered.bufferOf(this.parts.resolve(output))];
    if (kind === 'parameter' || dtype === 'f16')
      throw new UserError(`buffer: ${output} has no f32 memory of its own in this program; read it instead`);
    return this.bufferOf(output);
  }

  private requireReadable(what: string, tensor: Tensor): void {
    this.requireOpen(what);
    checkTensors(what, { 'what is read': tensor });
    if (this.parts.readable !== 'all' && !this.parts.readable.has(tensor))
      throw new UserError(`${what}: ${tensor} is not among the program's outputs`);
  }

  private requireOpen(what: string): void {
    if (this.closed || this.parts.origin?.closed)
      throw new UserError(`${what}: the program is used after it was disposed`);
    this.device.requireOpen(what);
  }

  private bufferOf(tensor: Tensor): GPUBuffer {
    // Inputs and outputs have buffers of their own.
    return this.parts.physical.get(this.parts.lowered.bufferOf(this.parts.resolve(tensor)))!.buffer;
  }

  /**
   * The value of an output after the last run (of any tensor under `keep: 'all'`): whole numbers, in a Uint32Array, of
   * a tensor of dtype u32.
   */
  read(tensor: Tensor & { readonly dtype: 'u32' }): Promise<Uint32Array>;
  read(tensor: Tensor): Promise<Float32Array>;
  async read(tensor: Tensor): Promise<Float32Array | Uint32Array> {
    this.requireReadable('read', tensor);
    const {
      kind,
      tensor: held,
      dtype: storage,
    } = this.parts.lowered.buffers[this.parts.lowered.bufferOf(this.parts.resolve(tensor))];
    if (kind === 'parameter') parameterOf(held!)!.requireOpen();
    const isHalf = storage === 'f16';
    const bytes = await this.device.readBuffer(this.bufferOf(tensor), tensor.size * (isHalf ? 2 : 4));
    if (storage === 'u32') return new Uint32Array(bytes);
    return isHalf ? Float32Array.from(new Uint16Array(bytes), halfToNumber) : new Float32Array(bytes);
  }

  /** How the value of a tensor is stored; undefined where the program has no memory for it. */
  storageOf(tensor: Tensor): StorageType | undefined {
    return this.parts.lowered.buffers[this.parts.lowered.bufferOf(this.parts.resolve(tensor))]?.dtype;
  }

  /**
   * Milliseconds of GPU time of each step of one run, by timestamps around it; undefined where the adapter has none.
   */
  async profile(feeds: Readonly<Record<string, Feed>> = {}): Promise<number[] | undefined> {
    if (!this.device.hasTimestamps) return undefined;
    this.feed(feeds);
    const milliseconds: number[] = [];
    // A query set holds at most 4096 timestamps.
    for (let start = 0; start < this.parts.recorded.length; start += 2048) {
      milliseconds.push(
        ...(await timePasses(
          this.device,
          this.parts.recorded.slice(start, start + 2048).map((step) => [step]),
        )),
      );
    }
    return milliseconds;
  }

  /**
   * Milliseconds of GPU time of one run, the mean of so many in one pass, by timestamps at its ends; undefined where
   * the adapter has none. Browsers round timestamps, to 0.1 ms in Chromium: over many runs that hardly counts.
   */
  async gpuTime(times: number, feeds: Readonly<Record<string, Feed>> = {}): Promise<number | undefined> {
    if (!this.device.hasTimestamps) return undefined;
    this.feed(feeds);
    const [total] = await timePasses(this.device, [Array<readonly Recorded[]>(times).fill(this.parts.recorded).flat()]);
    return total / times;
  }

  /** Gives back all buffers that the program owns; parameters are not among them. */
  [Symbol.dispose](): void {
    this.closed = true;
    // Those that share its memory own nothing.
    if (this.parts.origin) return;
    for (const feed of this.parts.pictureFeeds.values()) feed[Symbol.dispose]();
    for (const buffer of this.parts.owned) this.device.destroyBuffer(buffer);
  }
}

function requireOnDevice(device: Device, parameter?: Parameter): void {
  if (parameter && parameter.device !== device)
    throw new UserError(`compile: parameter ${parameter.name} is on another device than the program`);
}

/** The buffer, where it holds enough and can be copied. */
function checkedBuffer(what: string, buffer: GPUBuffer, tensor: Tensor): GPUBuffer {
  if (buffer.size < tensor.size * 4)
    throw new UserError(`${what} needs ${tensor.size * 4} bytes, and the buffer has ${buffer.size}`);
  if ((buffer.usage & GPUBufferUsage.COPY_SRC) === 0)
    throw new UserError(`${what}: the buffer cannot be copied; make it with GPUBufferUsage.COPY_SRC`);
  return buffer;
}

const parametersOf = ({ buffers }: Lowered): Parameter[] => [
  ...new Set(buffers.flatMap(({ kind, tensor }) => (kind === 'parameter' ? [parameterOf(tensor!)!] : []))),
];

/**
 * Submits these steps, a pass for each list of them, and returns the milliseconds of GPU time between the timestamps at
 * each pass's ends.
 */
async function timePasses(device: Device, passes: readonly (readonly Recorded[])[]): Promise<number[]> {
  const querySet = device.gpu.createQuerySet({ type: 'timestamp', count: passes.length * 2 });
  const resolved = device.createBuffer(
    passes.length * 16,
    GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
    'timestamps',
  );
  const encoder = device.gpu.createCommandEncoder();
  passes.forEach((steps, i) => {
    const pass = encoder.beginComputePass({
      timestampWrites: { querySet, beginningOfPassWriteIndex: i * 2, endOfPassWriteIndex: i * 2 + 1 },
    });
    dispatch(pass, steps);
    pass.end();
  });
  encoder.resolveQuerySet(querySet, 0, passes.length * 2, resolved, 0);
  device.gpu.queue.submit([encoder.finish()]);
  try {
    const times = new BigUint64Array(await device.readBuffer(resolved));
    return passes.map((_, i) => Number(times[i * 2 + 1] - times[i * 2]) / 1e6);
  } finally {
    device.destroyBuffer(resolved);
    querySet.destroy();
  }
}

/** Plans and records a graph: lowers it to steps, fuses, plans memory, compiles pipelines. See ProgramSpec. */
export const compile = (device: Device, spec: ProgramSpec): Promise<Program> => Program.create(device, spec);
