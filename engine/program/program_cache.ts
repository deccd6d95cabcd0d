import { requireDevice, type Device } from '../device/device.ts';
import { parameterOf } from '../device/parameter.ts';
import { checkOptions, checkWhole, type Known } from '../check.ts';
import { checkTensors, topologicalOrder, type Tensor } from '../tensor.ts';
import { compile, Program, type ProgramSpec } from './program.ts';

/** What a program of the cache computes and changes, and how: see ProgramSpec. */
export type CachedSpec = Pick<ProgramSpec, 'outputs' | 'updates' | 'keep' | 'recompute' | 'precision'>;

const SPEC: Known<CachedSpec> = { outputs: true, updates: true, keep: true, recompute: true, precision: true };

interface Made {
  readonly program: Promise<Program>;
  /** All tensors of the graph that it was made of. */
  readonly order: readonly Tensor[];
}

/**
 * Programs by structure: two graphs of the same ops, attributes, shapes and dtypes, joined in the same way, are planned
 * and compiled once, whatever their parameters are. Programs of one structure share their outputs and temporaries: what
 * one computed is to be read before the next one runs.
 */
export class ProgramCache implements Disposable {
  /** How many programs were asked for, and how many of them had to be made. */
  readonly counts = { asked: 0, made: 0 };
  /** The one that was asked for last is the last. */
  private readonly programs = new Map<string, Made>();
  /** Numbers for objects that a structure depends on by identity: ops, pools of parameters, tables of tuning. */
  private readonly identities = new WeakMap<object, number>();
  private nextIdentity = 0;

  /** @param most programs that are kept; of more, the one that was not asked for the longest is disposed */
  constructor(
    readonly device: Device,
    private readonly most = 64,
  ) {
    requireDevice('program cache', device);
    checkWhole('program cache', 'the most programs', most, 1);
  }

  /**
   * As `compile`, from what was made before where it can be. The program need not be disposed: its memory belongs to
   * the cache, and it is of use until the cache drops its structure.
   */
  async compile(spec: CachedSpec): Promise<Program> {
    checkOptions('program cache', spec, SPEC);
    const { outputs = [], updates = [] } = spec;
    const roots = [...outputs, ...updates];
    checkTensors('program cache', Object.fromEntries(roots.map((t, i) => [`root ${i}`, t])));
    const order = topologicalOrder(roots).sort((a, b) => a.id - b.id);
    const key = this.structure(order, spec);
    this.counts.asked++;
    const known = this.programs.get(key);
    const made = known ?? this.make(key, order, spec);
    if (known) {
      this.programs.delete(key);
      this.programs.set(key, known);
    }
    return Program.rebind(await made.program, new Map(order.map((t, i) => [t, made.order[i]])), outputs);
  }

  private make(key: string, order: readonly Tensor[], spec: CachedSpec): Made {
    const made = { program: compile(this.device, spec), order };
    this.counts.made++;
    this.programs.set(key, made);
    // What failed is tried again the next time.
    made.program.catch(() => this.programs.delete(key));
    for (const [oldest, { program }] of this.programs) {
      if (this.programs.size <= this.most) break;
      this.programs.delete(oldest);
      void dispose(program);
    }
    return made;
  }

  /** A graph and the options of its program as text, alike for graphs of one structure. */
  private structure(order: readonly Tensor[], { outputs = [], updates = [], ...options }: CachedSpec): string {
    const index = new Map(order.map((t, i) => [t, i]));
    const seats = (tensors: readonly Tensor[]) => tensors.map((t) => index.get(t));
    const each = order.map((t) => [this.identity(t.op), seats(t.inputs), t.shape, t.dtype, this.attributes(t)]);
    const all = [each, seats(outputs), seats(updates), options, this.identity(this.device.tuning)];
    return JSON.stringify(all, exactly);
  }

  private attributes(t: Tensor): unknown {
    const parameter = parameterOf(t);
    // Parameters that lie side by side in a pool are changed together: see update_groups.ts.
    if (parameter) return parameter.pool ? [this.identity(parameter.pool), parameter.offset] : 'parameter';
    return t.op.name === 'input' ? [t.attrs, t.name] : t.attrs;
  }

  private identity(object: object): number {
    let number = this.identities.get(object);
    if (number === undefined) this.identities.set(object, (number = this.nextIdentity++));
    return number;
  }

  /** Disposes all programs that it made. */
  [Symbol.dispose](): void {
    for (const { program } of this.programs.values()) void dispose(program);
    this.programs.clear();
  }
}

const dispose = (program: Promise<Program>): Promise<void> =>
  program.then(
    (made) => made[Symbol.dispose](),
    () => undefined,
  );

/** For JSON, which knows neither infinities, NaN, −0 nor arrays of numbers. */
const exactly = (_: string, value: unknown): unknown => {
  if (typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0)))
    return `number ${Object.is(value, -0) ? '-0' : value}`;
  if (value instanceof Float32Array || value instanceof Uint32Array)
    return `${value.constructor.name} ${Array.from(value, (v) => (Object.is(v, -0) ? '-0' : v)).join()}`;
  return value;
};
