import { show } from '../../engine/check.ts';
import { UserError } from '../../engine/user_error.ts';
import { Opaque } from './pickle.ts';
import { STORED_DTYPES } from './stored_tensor.ts';
import { shownName, torchUnpickle, type TorchPickle, type TorchStorage } from './torch_pickle.ts';
import { findWeights, materialised, type TorchWeights } from './torch_weights.ts';
import { readZipEntry, type ZipFileEntry } from './zip_file.ts';

/**
 * Reads what `torch.save` writes since PyTorch 1.6: a zip archive with data.pkl and the storages in data/.
 * @throws UserError where it is damaged, holds no dictionary of tensors, or would run a program
 */
export async function readTorchZip(
  bytes: Uint8Array,
  entries: ReadonlyMap<string, ZipFileEntry>,
  name: string,
): Promise<TorchWeights> {
  const pickle = [...entries.values()].find(({ path }) => /(^|\/)data\.pkl$/.test(path))!;
  const folder = pickle.path.slice(0, -'data.pkl'.length);
  const { value, end } = torchUnpickle(await readZipEntry(bytes, pickle, name), name);
  if (end !== pickle.size) throw new UserError(`${name}: bytes follow the pickle in data.pkl; the file is damaged.`);
  const order = entries.get(`${folder}byteorder`);
  const bigEndian = order !== undefined && new TextDecoder().decode(await readZipEntry(bytes, order, name)) === 'big';
  const found = findWeights(value, name);
  const storages = new Map<string, Uint8Array>();
  for (const { storage } of found.tensors.values()) {
    const entry = entries.get(`${folder}data/${storage.key}`);
    if (!entry) throw new UserError(`${name}: its storage ${shownName(storage.key)} is missing; the file is damaged.`);
    if (!storages.has(storage.key)) storages.set(storage.key, await readZipEntry(bytes, entry, name));
  }
  return materialised(found, { bytes: storages, bigEndian }, name);
}

/** The magic number of PyTorch's own format, before version 1.6. */
const MAGIC = 0x1950a86a20f9469cfc6cn;
const VERSION = 1001;

/**
 * Reads what `torch.save` wrote before PyTorch 1.6: five pickles (a magic number, a version, the machine, the object,
 * the keys of the storages), and the storages, each after its count.
 * @throws UserError as `readTorchZip` does, and where it is a pickle of something else
 */
export function readTorchPickle(bytes: Uint8Array, name: string): TorchWeights {
  let at = 0;
  const nextPickle = (): TorchPickle => {
    const pickle = torchUnpickle(bytes, name, at);
    at = pickle.end;
    return pickle;
  };
  const next = (): unknown => nextPickle().value;
  const magic = next();
  if (magic !== MAGIC) {
    const what = magic instanceof Opaque ? `an object of ${shownName(magic.global)}` : 'no tensors of PyTorch';
    throw new UserError(
      `${name} is a Python pickle that holds ${what}, which is not read as weights; save them by torch.save, or as safetensors.`,
    );
  }
  const version = next();
  if (version !== VERSION)
    throw new UserError(`${name}: it is of version ${show(version)} of PyTorch's format, and ${VERSION} is read.`);
  const machine = next();
  const bigEndian = machine instanceof Map && machine.get('little_endian') === false;
  const pickled = nextPickle();
  const found = findWeights(pickled.value, name);
  const keys = next();
  if (!Array.isArray(keys) || !keys.every((key) => typeof key === 'string'))
    throw new UserError(`${name}: the list of its storages is no list of names; the file is damaged.`);
  const storages = new Map<string, Uint8Array>();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const key of keys as string[]) {
    if (at + 8 > bytes.length) throw cutShort(name, key);
    const count = Number(view.getBigInt64(at, !bigEndian));
    at += 8;
    const length = count * elementBytes(pickled.storages.get(key), key, name);
    if (!(length >= 0 && length <= bytes.length - at)) throw cutShort(name, key);
    storages.set(key, bytes.subarray(at, at + length));
    at += length;
  }
  return materialised(found, { bytes: storages, bigEndian }, name);
}

function elementBytes(storage: TorchStorage | Opaque | undefined, key: string, name: string): number {
  if (storage instanceof Opaque)
    throw new UserError(`${name}: its storage ${shownName(key)} is a ${shownName(storage.global)}, which is not read.`);
  if (!storage)
    throw new UserError(`${name}: its storage ${shownName(key)} belongs to no tensor; the file is damaged.`);
  return storage.dtype ? STORED_DTYPES[storage.dtype].bytes : 1;
}

const cutShort = (name: string, key: string): UserError =>
  new UserError(`${name}: its storage ${shownName(key)} reaches beyond the file, which is cut short or lies about it.`);
