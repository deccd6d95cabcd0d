import { UserError } from '../../engine/user_error.ts';
import { Opaque, unpickle } from './pickle.ts';
import type { StoredDtype } from './stored_tensor.ts';

/*
 * What PyTorch's pickles are made of, as torch/_utils.py and torch/serialization.py write them. Tensors, dictionaries
 * and what belongs to them are built; nothing is called.
 */

/** A run of numbers that lies beside the pickle. */
export interface TorchStorage {
  /** undefined: bytes, whose type the tensor tells. */
  readonly dtype: StoredDtype | undefined;
  /** Its name in the file. */
  readonly key: string;
  /** What the pickle claims: elements, or bytes where there is no type. */
  readonly count: number;
  /** Elements from the storage's start, of the views that PyTorch before 0.4 wrote. */
  readonly offset: number;
}

/** A tensor: a window on a storage. Nothing in it was checked yet but that numbers are whole. */
export class TorchTensor {
  constructor(
    readonly storage: TorchStorage,
    readonly dtype: StoredDtype,
    /** In elements, from the storage's start. */
    readonly offset: number,
    readonly shape: readonly number[],
    /** In elements. */
    readonly strides: readonly number[],
  ) {}
}

const STORAGES: Readonly<Record<string, StoredDtype>> = {
  Double: 'f64',
  Float: 'f32',
  Half: 'f16',
  BFloat16: 'bf16',
  Float8_e5m2: 'f8_e5m2',
  Float8_e4m3fn: 'f8_e4m3',
  Long: 'i64',
  Int: 'i32',
  Short: 'i16',
  Char: 'i8',
  Byte: 'u8',
  Bool: 'bool',
};
const DTYPES: Readonly<Record<string, StoredDtype>> = {
  float64: 'f64',
  float32: 'f32',
  float16: 'f16',
  bfloat16: 'bf16',
  float8_e5m2: 'f8_e5m2',
  float8_e4m3fn: 'f8_e4m3',
  int64: 'i64',
  int32: 'i32',
  int16: 'i16',
  int8: 'i8',
  uint64: 'u64',
  uint32: 'u32',
  uint16: 'u16',
  uint8: 'u8',
  bool: 'bool',
};

/** A type of storage, or of elements. */
class TypeMark {
  constructor(
    readonly global: string,
    readonly dtype: StoredDtype | undefined,
  ) {}
}

type Maker = (args: readonly unknown[], global: string) => unknown;

/** A function that is known: what it would return is built here. */
class Known {
  constructor(
    readonly global: string,
    readonly make: Maker,
  ) {}
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
/** As many axes as PyTorch has at most. */
const MOST_AXES = 64;
const isCounts = (value: unknown): value is number[] =>
  Array.isArray(value) && value.length <= MOST_AXES && value.every(isCount);

/** A storage as the rules return it for a persistent id; null for any other value. */
const asStorage = (value: unknown): TorchStorage | null =>
  typeof value === 'object' && value !== null && 'count' in value ? (value as TorchStorage) : null;

/** _rebuild_tensor(storage, offset, shape, strides, ...): with the tensor's type where the storage has none. */
function tensorOf(args: readonly unknown[], global: string, type?: unknown): unknown {
  const [value, offset, shape, strides] = args;
  const storage = asStorage(value);
  const dtype = type instanceof TypeMark ? type.dtype : storage?.dtype;
  // An opaque storage makes an opaque tensor, which is told where it is wanted.
  if (!storage || !dtype) return new Opaque(value instanceof Opaque ? value.global : global);
  if (!isCount(offset) || !isCounts(shape) || !isCounts(strides) || shape.length !== strides.length)
    return new Opaque(`${global} with a wrong shape`);
  return new TorchTensor(storage, dtype, storage.offset + offset, shape, strides);
}

/** Pairs as a Map. */
function orderedDict([pairs]: readonly unknown[]): unknown {
  const map = new Map<unknown, unknown>();
  if (Array.isArray(pairs)) for (const pair of pairs) if (Array.isArray(pair)) map.set(pair[0], pair[1]);
  return map;
}

/** The only functions that are known. */
const KNOWN: Readonly<Record<string, Maker>> = {
  'collections.OrderedDict': orderedDict,
  'collections.defaultdict': () => new Map(),
  'builtins.dict': orderedDict,
  '__builtin__.dict': orderedDict,
  'torch._utils._rebuild_tensor': (args, global) => tensorOf(args, global),
  'torch._utils._rebuild_tensor_v2': (args, global) => tensorOf(args, global),
  'torch._utils._rebuild_tensor_v3': (args, global) => tensorOf(args, global, args[6]),
  'torch._utils._rebuild_parameter': ([tensor]) => tensor,
  'torch._utils._rebuild_parameter_with_state': ([tensor]) => tensor,
  'torch.Size': ([dims]) => dims,
};

/*
 * What runs programs, or reaches them. None of it is ever called here, like all else; but a file that wants it is no
 * file of weights, and the user should hear of it. What only holds values, such as types.SimpleNamespace, is left out.
 */

/** Modules of which nothing is wanted in a file. */
const HARMFUL_MODULES: ReadonlySet<string> = new Set(
  `os posix nt posixpath ntpath sys subprocess shutil socket pty runpy importlib ctypes pickle _pickle cPickle marshal
  multiprocessing asyncio webbrowser urllib.request urllib2 requests http.client http.server ftplib threading _thread
  tempfile pip setuptools timeit bdb pdb cProfile torch.hub torch.jit torch.utils.cpp_extension distutils.core
  distutils.spawn distutils.util distutils.file_util distutils.dir_util`.split(/\s+/),
);
/** What is not wanted of modules that have harmless things, or whose names others give to modules of their own. */
const HARMFUL_NAMES: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    builtins:
      'eval exec execfile compile open file input raw_input apply __import__ breakpoint globals locals vars setattr delattr map filter exit quit help',
    types: 'CodeType FunctionType LambdaType MethodType new_class prepare_class',
    code: 'InteractiveInterpreter InteractiveConsole interact compile_command',
    codeop: 'CommandCompiler Compile compile_command',
    functools: 'reduce',
    imp: 'load_module load_source load_compiled load_dynamic load_package reload',
    operator: 'call',
    platform: 'popen _syscmd_ver _syscmd_file',
    profile: 'Profile run runctx',
    signal: 'alarm pthread_kill raise_signal setitimer signal',
    trace: 'Trace main',
    urllib: 'urlopen urlretrieve URLopener FancyURLopener',
  }).map(([module, names]) => [module, names.split(' ')]),
);
/** What makes functions of others: they are kept like any value, and never called by a file that is sound. */
const MAKERS: ReadonlySet<string> = new Set(
  'functools.partial operator.attrgetter operator.itemgetter operator.methodcaller'.split(' '),
);
const MADE = 'what is made by ';

/** Whether calling it would run a program. A global is a module's, or lies within what is a module's. */
function isHarmful(global: string): boolean {
  const parts = global.replace(/^__builtin__\./, 'builtins.').split('.');
  const reaches = (part: string, i: number) => {
    const module = parts.slice(0, i).join('.');
    return HARMFUL_MODULES.has(module) || HARMFUL_NAMES.get(module)?.includes(part);
  };
  return global.startsWith(MADE) || parts.some(reaches);
}

const TYPE = /^(?:torch(?:\.cuda|\.storage)?)\.(?:(\w+)Storage|(\w+))$/;

function globalOf(name: string): unknown {
  if (Object.hasOwn(KNOWN, name)) return new Known(name, KNOWN[name]);
  const [, storage, dtype] = TYPE.exec(name) ?? [];
  if (storage === 'Untyped') return new TypeMark(name, undefined);
  if (storage && Object.hasOwn(STORAGES, storage)) return new TypeMark(name, STORAGES[storage]);
  if (dtype && Object.hasOwn(DTYPES, dtype)) return new TypeMark(name, DTYPES[dtype]);
  return new Opaque(name);
}

/** A name from a file, not all of it where it is long. */
export const shownName = (text: string): string => (text.length > 120 ? `${text.slice(0, 120)}...` : text);

function callOf(callee: unknown, args: readonly unknown[], name: string): unknown {
  if (callee instanceof Known) return callee.make(args, callee.global);
  if (!(callee instanceof Opaque))
    return new Opaque(callee instanceof TypeMark ? callee.global : 'what is no function');
  const isMaker = MAKERS.has(callee.global);
  const harmful = [callee, ...(isMaker ? args : [])].find((each) => each instanceof Opaque && isHarmful(each.global));
  if (harmful instanceof Opaque)
    throw new UserError(
      `${name}: its pickle would call ${shownName(harmful.global)}, which no file of weights does; nothing was run, and the file is refused: do not open it elsewhere.`,
    );
  return isMaker ? new Opaque(`${MADE}${callee.global}`) : callee;
}

/** ('storage', type, key, device, count), and of PyTorch before 0.4 a view (key, offset, size) or None behind them. */
function storageOf(id: unknown, name: string): TorchStorage | Opaque {
  const [what, type, key, , count, view] = Array.isArray(id) ? id : [];
  if (what === 'module') return new Opaque('a module');
  if (type instanceof Opaque) return type;
  const offset = Array.isArray(view) ? view[1] : 0;
  if (
    what !== 'storage' ||
    !(type instanceof TypeMark) ||
    typeof key !== 'string' ||
    !isCount(count) ||
    !isCount(offset)
  )
    throw new UserError(`${name}: its pickle refers to something that is no storage of a tensor; the file is damaged.`);
  return { dtype: type.dtype, key, count, offset };
}

/** A pickle of PyTorch, and every storage that it refers to. */
export interface TorchPickle {
  readonly value: unknown;
  readonly end: number;
  readonly storages: ReadonlyMap<string, TorchStorage | Opaque>;
}

/**
 * Reads a pickle of PyTorch: tensors as TorchTensor, dictionaries as Map, lists and tuples as arrays, and all that is
 * not known as Opaque.
 * @throws UserError where it is damaged, or would run a program
 */
export function torchUnpickle(bytes: Uint8Array, name: string, start = 0): TorchPickle {
  const storages = new Map<string, TorchStorage | Opaque>();
  const rules = {
    global: globalOf,
    call: (callee: unknown, args: readonly unknown[]) => callOf(callee, args, name),
    persistent: (id: unknown) => {
      const storage = storageOf(id, name);
      const key = Array.isArray(id) ? id[2] : undefined;
      if (typeof key === 'string') storages.set(key, storage);
      return storage;
    },
  };
  return { ...unpickle(bytes, name, rules, start), storages };
}
