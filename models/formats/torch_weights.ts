import { UserError } from '../../engine/user_error.ts';
import { Opaque } from './pickle.ts';
import { elementCount, STORED_DTYPES, type StoredTensor } from './stored_tensor.ts';
import { shownName, TorchTensor } from './torch_pickle.ts';

/** Tensors by name, and a sentence for each thing that was left out. */
export interface TorchWeights {
  readonly tensors: Map<string, StoredTensor>;
  readonly notes: readonly string[];
}

/** The weights that an object holds, not yet read. */
export interface FoundWeights {
  readonly tensors: ReadonlyMap<string, TorchTensor>;
  readonly notes: readonly string[];
}

/** What those who save a network with other things call its weights, the likeliest first. */
const WEIGHT_KEYS = ['state_dict', 'model_state_dict', 'model', 'net', 'network', 'module', 'params'];
/** Dictionaries within one another: {'state_dict': {'model': ...}}. */
const DEEPEST = 3;
const NAMED_AT_MOST = 8;
const SAVE_ADVICE = 'save its weights alone: torch.save(model.state_dict(), file)';

const quoted = (names: readonly unknown[]): string => {
  const more = names.length - NAMED_AT_MOST;
  const some = names.slice(0, NAMED_AT_MOST).map((key) => `'${shownName(String(key))}'`);
  return `${some.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
};

/** An object of PyTorch's that stands where a tensor may be: one of a kind that is not read. */
const isOtherTensor = (value: unknown): value is Opaque => value instanceof Opaque && /^torch\b/.test(value.global);
const isTensor = (value: unknown): boolean => value instanceof TorchTensor || isOtherTensor(value);
/** The dictionaries among values, each once, that hold a tensor. */
const withTensors = (values: Iterable<unknown>): Set<unknown> =>
  new Set([...new Set(values)].filter((value) => value instanceof Map && [...value.values()].some(isTensor)));

/**
 * The dictionary of tensors in what a file holds: the whole of it, or what lies under 'state_dict', 'model' and the
 * like, as training programs save it.
 * @throws UserError where there is none, or several
 */
export function findWeights(value: unknown, name: string, path: readonly string[] = []): FoundWeights {
  const where = path.length ? `${name}: '${path.join("' in '")}'` : name;
  if (value instanceof Opaque)
    throw new UserError(
      `${where} holds an object of ${shownName(value.global)}, and programs in files are never run; ${SAVE_ADVICE}.`,
    );
  if (!(value instanceof Map) || path.length > DEEPEST)
    throw new UserError(`${where} holds no dictionary of tensors; ${SAVE_ADVICE}.`);
  const inner = innerKey(value, where);
  if (inner === undefined) return chosen(value, where);
  const others = [...value.keys()].filter((key) => key !== inner);
  const { tensors, notes } = findWeights(value.get(inner), name, [inner, ...path]);
  const note = `${where}: the weights are those of '${inner}'; left out ${others.length === 1 ? 'is' : 'are'} ${quoted(others)}.`;
  return { tensors, notes: others.length ? [note, ...notes] : notes };
}

/** Under which key the weights lie; undefined where the dictionary is that of the weights itself. */
function innerKey(map: ReadonlyMap<unknown, unknown>, where: string): string | undefined {
  const known = WEIGHT_KEYS.find((key) => map.get(key) instanceof Map || map.get(key) instanceof Opaque);
  if (known !== undefined) return known;
  if ([...map.values()].some(isTensor)) return undefined;
  const holders = withTensors(map.values());
  const keys = [...map.keys()].filter((key): key is string => typeof key === 'string' && holders.has(map.get(key)));
  if (keys.length === 1) return keys[0];
  if (keys.length > 1)
    throw new UserError(`${where} holds several sets of weights: ${quoted(keys)}; save the one that is wanted alone.`);
  throw new UserError(
    `${where} holds no dictionary of tensors, but ${quoted([...map.keys()]) || 'nothing'}; ${SAVE_ADVICE}.`,
  );
}

/** The tensors of a dictionary; what is none is told, and what stands for a tensor of another kind refused. */
function chosen(map: ReadonlyMap<unknown, unknown>, where: string): FoundWeights {
  const tensors = new Map<string, TorchTensor>();
  const others: unknown[] = [];
  for (const [key, value] of map) {
    if (value instanceof TorchTensor && typeof key === 'string') tensors.set(key, value);
    else if (isOtherTensor(value))
      throw new UserError(
        `${where}: '${shownName(String(key))}' is made by ${shownName(value.global)}, which is not read; save it as a plain tensor.`,
      );
    else others.push(key);
  }
  return { tensors, notes: others.length ? [`${where}: left out, since they are no tensors: ${quoted(others)}.`] : [] };
}

/** The bytes of the storages by key, and whether each element's are the other way round than here. */
export interface Storages {
  readonly bytes: ReadonlyMap<string, Uint8Array>;
  readonly bigEndian: boolean;
}

/** What copies of tensors that share a storage may take, in times of all storages. */
const MOST_COPIES = 4;

/**
 * The tensors with their numbers. One that lies in a row, and aligned, is a view of its storage; others are copies.
 * @throws UserError where a storage is not as long as the pickle claims, or a tensor reaches beyond its storage
 */
export function materialised({ tensors, notes }: FoundWeights, storages: Storages, name: string): TorchWeights {
  const made = new Map<string, StoredTensor>();
  let room = [...storages.bytes.values()].reduce((sum, { length }) => sum + length, 0) * MOST_COPIES;
  for (const [key, tensor] of tensors) {
    const where = `${name}: tensor '${shownName(key)}'`;
    const bytes = storageBytes(tensor, storages, where);
    const { dtype, shape, offset } = tensor;
    const info = STORED_DTYPES[dtype];
    const count = elementCount(shape);
    checkWindow(tensor, count, Math.floor(bytes.length / info.bytes), where);
    const at = bytes.byteOffset + offset * info.bytes;
    if (isInARow(tensor) && at % info.bytes === 0 && !storages.bigEndian) {
      made.set(key, { dtype, shape, data: info.view(bytes.buffer, at, count) });
      continue;
    }
    room -= count * info.bytes;
    if (room < 0)
      throw new UserError(`${where}: its tensors would take ${MOST_COPIES} times what the file holds; it is refused.`);
    const copy = gathered(bytes, tensor, info.bytes, storages.bigEndian);
    made.set(key, { dtype, shape, data: info.view(copy.buffer, 0, count) });
  }
  return { tensors: made, notes };
}

function storageBytes({ storage }: TorchTensor, storages: Storages, where: string): Uint8Array {
  const bytes = storages.bytes.get(storage.key);
  if (!bytes) throw new UserError(`${where}: its storage ${shownName(storage.key)} is missing; the file is damaged.`);
  const claimed = storage.count * (storage.dtype ? STORED_DTYPES[storage.dtype].bytes : 1);
  if (claimed !== bytes.length)
    throw new UserError(
      `${where}: its storage should have ${claimed} bytes and has ${bytes.length}; the file is cut short or lies about it.`,
    );
  return bytes;
}

/** A tensor must lie within its storage, which has `available` elements, and have no more of them. */
function checkWindow({ shape, strides, offset }: TorchTensor, count: number, available: number, where: string): void {
  const last = count === 0 ? offset - 1 : shape.reduce((sum, dim, axis) => sum + (dim - 1) * strides[axis], offset);
  if (count <= available && last < available) return;
  throw new UserError(
    `${where}: its shape [${shape.join(', ')}] with the strides [${strides.join(', ')}] from ${offset} reaches beyond its storage of ${available} elements.`,
  );
}

/** Whether the elements follow one another in row-major order. */
function isInARow({ shape, strides }: TorchTensor): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] > 1 && strides[axis] !== expected) return false;
    expected *= shape[axis];
  }
  return true;
}

/** The elements in row-major order, their bytes reversed where the machine that wrote them had them so. */
function gathered(bytes: Uint8Array, tensor: TorchTensor, width: number, reversed: boolean): Uint8Array {
  const { shape, strides, offset } = tensor;
  const count = elementCount(shape);
  const out = new Uint8Array(count * width);
  const index = shape.map(() => 0);
  let from = offset;
  for (let i = 0; i < count; i++) {
    for (let b = 0; b < width; b++) out[i * width + b] = bytes[from * width + (reversed ? width - 1 - b : b)];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++index[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return out;
}
