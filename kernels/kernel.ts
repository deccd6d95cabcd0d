/** A binding as the WGSL declares it, in group 0. */
export interface KernelBinding {
  readonly name: string;
  readonly binding: number;
  readonly kind: 'uniform' | 'read' | 'read_write';
  /**
   * The alias of its elements' type where it has one of its own, called as it is: such a binding can be stored as f16
   * (see `storedAsHalf`).
   */
  readonly storage?: string;
}

/** A member of the kernel's uniform `params`. `type` is the WGSL scalar: u32, i32 or f32. */
export interface KernelParam {
  readonly name: string;
  readonly offset: number;
  readonly type: string;
  /** Of an array of vec4: its numbers, which are called as it is with their place (see `tableParams`). */
  readonly count?: number;
}

/** A WGSL file and its interface as read from the WGSL itself (see reflect.mjs). */
export interface KernelSource {
  readonly name: string;
  /** Its path in the repository; of a user's kernel, what the user calls it. */
  readonly file: string;
  readonly code: string;
  /** Of the code: what was measured of other code holds no more. */
  readonly hash: string;
  readonly entryPoint: string;
  readonly bindings: readonly KernelBinding[];
  readonly params: readonly KernelParam[];
  /** Bytes of the uniform, a multiple of 16; 0 where the kernel has none. */
  readonly paramsSize: number;
  readonly overrides: readonly string[];
}

/** How launches that nobody waits for become one launch: see engine/program/joins.ts. */
export interface Joint {
  /** Only launches of one key can. */
  readonly key: string;
  /** The bindings that a launch reads. In the joint launch they are numbered. */
  readonly inputs: readonly string[];
  readonly most: number;
  /** What the place of a result is a multiple of, in numbers. */
  readonly width: number;
  /** @param begins where the result of each begins in the memory that they share, in numbers */
  together(launches: readonly Launch[], begins: readonly number[]): Launch;
}

/** What each binding is bound to. */
export type Bound<Ref> = Readonly<Record<string, Ref>>;

/**
 * How a launch makes what a later one would make of its result as well, by a kernel that does both: see
 * engine/program/followers.ts.
 */
export interface Pair {
  /** The binding by which the later reads the result. */
  readonly reads: string;
  /** The launch for both; undefined where the later is another. */
  both(first: Launch, later: Launch): Launch | undefined;
  /** What that is bound to. */
  bind<Ref>(first: Bound<Ref>, later: Bound<Ref>): Bound<Ref>;
  /** It is worth it on GPUs alone. */
  readonly hardware?: true;
}

/**
 * One dispatch, without its buffers: which kernel, how specialised, with which uniform values and on how many
 * workgroups. What a pipeline depends on is plain data, so a cache key is derived from it and never written by hand.
 */
export interface Launch {
  readonly kernel: KernelSource;
  /** Values of `override` declarations, set when the pipeline is made. */
  readonly overrides?: Readonly<Record<string, number>>;
  /** New values of `const NAME = ...;` declarations, where an override is not allowed (private arrays, inner sizes). */
  readonly consts?: Readonly<Record<string, number>>;
  /** New types of `alias NAME = ...;` declarations, such as the storage type. */
  readonly aliases?: Readonly<Record<string, string>>;
  /** Values of the uniform `params`; every member must be given. */
  readonly params: Readonly<Record<string, number>>;
  readonly workgroups: readonly [number, number, number];
  /** How it is made together with others; undefined of this launch where it cannot be. */
  readonly joint?: (launch: Launch) => Joint | undefined;
  /** The later launches that it can take along. */
  readonly pairs?: readonly Pair[];
}

/** One way to launch the kernels of an op, in plain numbers. */
export type Choice = Readonly<Record<string, number>>;

/**
 * The ways to launch the kernels of an op. All give the same result; which is the fastest depends on the adapter
 * (engine/program/tune.ts).
 */
export interface Choices<C extends Choice = Choice> {
  readonly kernels: readonly KernelSource[];
  /** Each once, the default first. */
  readonly candidates: readonly C[];
  /**
   * The most additions one after another that round, behind a number of the result: 0 where sums of products of 1, 2
   * and 3 come out exact.
   */
  readonly roundings: number;
  /** Some candidates round their operands to f16: they are those of programs of precision f16 alone. */
  readonly halfProducts?: boolean;
}

/** Candidates without repetitions, in their order. */
export const distinct = <C extends Choice>(candidates: readonly C[]): C[] => [
  ...new Map(candidates.map((c) => [JSON.stringify(c), c])).values(),
];

/** `roundings` of sums of so many products: whole numbers are exact in f32 up to 2^24. */
export const roundingsOf = (products: number): number => (9 * products <= 2 ** 24 ? 0 : products);

export const MAX_WORKGROUPS = 65_535;

/**
 * `count` workgroups as a grid no side of which passes WebGPU's 65,535; a kernel recovers its index with
 * `flat_workgroup`.
 */
export function foldWorkgroups(count: number): [number, number, number] {
  if (count <= MAX_WORKGROUPS) return [Math.max(1, count), 1, 1];
  const y = Math.ceil(count / MAX_WORKGROUPS);
  return [Math.ceil(count / y), y, 1];
}

export const ceilDiv = (a: number, b: number): number => Math.ceil(a / b);

/** The kernel's text with `consts` and `aliases` rewritten; `override`s are left to the pipeline. */
export function specialise(launch: Pick<Launch, 'kernel' | 'consts' | 'aliases'>): string {
  let code = launch.kernel.code;
  const replace = (pattern: RegExp, by: string, what: string) => {
    if (!pattern.test(code)) throw new Error(`kernel ${launch.kernel.name} declares no ${what}`);
    code = code.replace(pattern, by);
  };
  for (const [name, value] of Object.entries(launch.consts ?? {})) {
    replace(new RegExp(`^const ${name}(\\s*:\\s*\\w+)?\\s*=.*?;`, 'm'), `const ${name}$1 = ${value};`, `const ${name}`);
  }
  for (const [name, type] of Object.entries(launch.aliases ?? {})) {
    replace(new RegExp(`^alias ${name}\\s*=.*?;`, 'm'), `alias ${name} = ${type};`, `alias ${name}`);
    // What the bits of a Value are called follows it: see include/numbers.wgsl.
    if (name === 'Value') code = code.replace(/^alias Bits\s*=.*?;/m, `alias Bits = ${type.replace('f32', 'u32')};`);
  }
  return Object.values(launch.aliases ?? {}).some((type) => type.includes('f16')) ? `enable f16; ${code}` : code;
}

/**
 * The launch with these bindings stored as f16, which all must have a `storage` alias. What is computed stays f32:
 * kernels convert what they load and store.
 */
export function storedAsHalf(launch: Launch, bindings: readonly KernelBinding[]): Launch {
  if (bindings.length === 0) return launch;
  const { kernel } = launch;
  const typeOf = (alias: string): string => {
    const type = launch.aliases?.[alias] ?? new RegExp(`^alias ${alias}\\s*=\\s*(.*?);`, 'm').exec(kernel.code)?.[1];
    if (type === undefined) throw new Error(`kernel ${kernel.name} declares no alias ${alias}`);
    return type === 'Value' ? typeOf(type) : type;
  };
  const aliases = Object.fromEntries(
    bindings.map(({ name, storage }) => {
      if (storage === undefined) throw new Error(`kernel ${kernel.name}: the storage type of ${name} is fixed`);
      return [storage, typeOf(storage).replace('f32', 'f16')];
    }),
  );
  // See include/half.wgsl; a user's kernel may do without it.
  const stores = bindings.some(({ kind }) => kind === 'read_write') && /^const STORES_HALF\b/m.test(kernel.code);
  const consts = stores ? { ...launch.consts, STORES_HALF: 1 } : launch.consts;
  return { ...launch, consts, aliases: { ...launch.aliases, ...aliases } };
}

/** The bits of an f32, for a table of u32. */
export const bitsOf = (value: number): number => new Uint32Array(Float32Array.of(value).buffer)[0];

/** The values of a member `name` that is an array of so many vec4: these rows, then zeros. */
export function tableParams(name: string, length: number, rows: readonly (readonly number[])[]) {
  const numbers = rows.flat();
  return Object.fromEntries(Array.from({ length: 4 * length }, (_, i) => [`${name}${i}`, numbers[i] ?? 0]));
}

/** What two launches must share to share a pipeline. */
export function pipelineKey(launch: Launch): string {
  const { kernel, overrides = {}, consts = {}, aliases = {} } = launch;
  return JSON.stringify([kernel.name, kernel.hash, overrides, consts, aliases]);
}

/** The bytes of the uniform `params`, laid out as the WGSL says. */
export function packParams(launch: Launch): ArrayBuffer {
  const { kernel, params } = launch;
  const bytes = new ArrayBuffer(kernel.paramsSize);
  const view = new DataView(bytes);
  const known = new Set<string>();
  for (const { name: member, offset: first, type, count } of kernel.params) {
    for (let i = 0; i < (count ?? 1); i++) {
      const [name, offset] = [count === undefined ? member : `${member}${i}`, first + 4 * i];
      known.add(name);
      const value = params[name];
      if (value === undefined) throw new Error(`kernel ${kernel.name}: no value for params.${name}`);
      if (type === 'f32') view.setFloat32(offset, value, true);
      else if (type === 'i32') view.setInt32(offset, value, true);
      else view.setUint32(offset, value, true);
    }
  }
  for (const name of Object.keys(params))
    if (!known.has(name)) throw new Error(`kernel ${kernel.name} has no params.${name}`);
  return bytes;
}
