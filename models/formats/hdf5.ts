import type { Dataset, Group } from 'h5wasm';
import { UserError } from '../../engine/user_error.ts';
import type { StoredTensor } from './stored_tensor.ts';

/** A floating-point array of an HDF5 file. */
export interface Hdf5Array extends StoredTensor {
  /** From the root, without a slash before it. */
  readonly path: string;
  /** The attribute `name` of the group that holds it, where it is a text. */
  readonly groupName?: string;
}

/** Groups within one another, and groups and arrays in all, as no file of weights has them. */
const DEEPEST = 24;
const MOST_OBJECTS = 100_000;
/** What arrays may claim in all: these bytes, or so many times their file. */
const MOST_UNPACKED = 2 ** 28;
const MOST_RATIO = 20;
const LONGEST_NAME = 1000;
/** HDF5's class of floating-point types (H5T_FLOAT). */
const FLOAT = 1;

let files = 0;

/**
 * The floating-point arrays below the groups that are wanted, by HDF5's own library as WebAssembly. It is loaded when
 * the first file is read, since it is large.
 * @param wanted whether a group is looked into, by its path
 * @throws UserError where the file is damaged, or an array is of a type that is not read
 */
export async function readHdf5(
  bytes: Uint8Array,
  name: string,
  wanted: (path: string) => boolean,
): Promise<Hdf5Array[]> {
  const hdf5 = await import('h5wasm');
  const { FS, activate_throwing_error_handler: throwErrors } = await hdf5.ready;
  throwErrors();
  const path = `/${files++}.h5`;
  FS.writeFile(path, bytes);
  let file: { close(): unknown } | undefined;
  try {
    const opened = new hdf5.File(path, 'r');
    file = opened;
    const found: Hdf5Array[] = [];
    const room = { bytes: Math.max(MOST_UNPACKED, MOST_RATIO * bytes.length), objects: MOST_OBJECTS };
    const walk = (group: Group, at: string, depth: number): void => {
      const keys = group.keys();
      room.objects -= keys.length;
      if (depth > DEEPEST || room.objects < 0)
        throw new UserError(`${name}: its groups have no end; the file is damaged.`);
      for (const key of keys) {
        const below = at === '' ? key : `${at}/${key}`;
        if (!wanted(below)) continue;
        const entity = group.get(key);
        if (entity instanceof hdf5.Group) walk(entity, below, depth + 1);
        else if (entity instanceof hdf5.Dataset) {
          const array = readArray(entity, room, `${name}: '${below}'`);
          if (array) found.push({ path: below, ...array, ...nameOf(group) });
        }
      }
    };
    walk(opened, '', 0);
    return found;
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${name} is an HDF5 file that is damaged or cut short; get the file anew.`);
  } finally {
    try {
      file?.close();
    } catch {
      // What could not be read cannot always be closed.
    }
    FS.unlink(path);
  }
}

/** The numbers of a floating-point array; undefined for all else. */
function readArray(dataset: Dataset, room: { bytes: number }, where: string): StoredTensor | undefined {
  const { type, size, shape, littleEndian, total_size: count } = dataset.metadata;
  if (type !== FLOAT || shape === null) return undefined;
  if ((size !== 4 && size !== 8) || !littleEndian)
    throw new UserError(
      `${where}: its values are floats of ${size * 8} bits${littleEndian ? '' : ', most significant byte first'}; save them as float32.`,
    );
  room.bytes -= count * size;
  if (!(room.bytes >= 0))
    throw new UserError(`${where}: its shape [${shape.join(', ')}] is larger than any that the file can hold.`);
  const value = count === 0 ? [] : dataset.value;
  const values = typeof value === 'number' ? [value] : (value as Float32Array | Float64Array | number[]);
  const data = size === 4 ? Float32Array.from(values) : Float64Array.from(values);
  if (data.length !== count) throw new UserError(`${where}: it holds ${data.length} of its ${count} values.`);
  return { dtype: size === 4 ? 'f32' : 'f64', shape, data };
}

function nameOf(group: Group): { groupName?: string } {
  const attribute = group.attrs['name'];
  if (!attribute || attribute.metadata.size * attribute.metadata.total_size > LONGEST_NAME) return {};
  const { value } = attribute;
  return typeof value === 'string' ? { groupName: value } : {};
}
