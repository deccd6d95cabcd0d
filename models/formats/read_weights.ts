import { UserError } from '../../engine/user_error.ts';
import { kindOf, notWeights } from './file_kind.ts';
import { readKerasH5, readKerasZip } from './keras.ts';
import { readTorchPickle, readTorchZip } from './pytorch.ts';
import { parseSafetensors } from './safetensors.ts';
import type { StoredTensor } from './stored_tensor.ts';
import { zipEntries } from './zip_file.ts';

/** A file of weights as read, whatever its format. */
export interface WeightsFile {
  /** What it is called in sentences. */
  readonly source: string;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /**
   * Whose layouts its tensors have where their names do not say: filters of PyTorch are OIHW, of Keras HWIO. A
   * safetensors file has what its writer had.
   */
  readonly format?: 'safetensors' | 'pytorch' | 'keras';
  /** What the file says beside its tensors. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** What was left out, a sentence each, for the user to see. */
  readonly notes?: readonly string[];
}

/**
 * Reads a file of weights. Its bytes say what it is, and not its name: safetensors, PyTorch's of either kind, or
 * Keras's.
 * @param name what the file is called in sentences
 * @throws UserError naming what it is where it is none of these, and what is wrong with it where it is damaged
 */
export async function readWeights(bytes: Uint8Array, name: string): Promise<WeightsFile> {
  switch (kindOf(bytes)?.reader) {
    case 'safetensors':
      return { source: name, format: 'safetensors', ...parseSafetensors(bytes, name) };
    case 'pickle':
      return { source: name, format: 'pytorch', ...readTorchPickle(bytes, name) };
    case 'hdf5':
      return { source: name, format: 'keras', ...(await readKerasH5(bytes, name)) };
    case 'zip':
      return readZip(bytes, name);
    default:
      throw notWeights(bytes, name);
  }
}

async function readZip(bytes: Uint8Array, name: string): Promise<WeightsFile> {
  const entries = zipEntries(bytes, name);
  const paths = [...entries.keys()];
  const has = (pattern: RegExp): boolean => paths.some((path) => pattern.test(path));
  if (has(/(^|\/)constants\.pkl$/))
    throw new UserError(
      `${name} is a TorchScript program, and programs in files are never run; save its weights alone: torch.save(model.state_dict(), file).`,
    );
  if (has(/(^|\/)data\.pkl$/))
    return { source: name, format: 'pytorch', ...(await readTorchZip(bytes, entries, name)) };
  if (entries.has('model.weights.h5'))
    return { source: name, format: 'keras', ...(await readKerasZip(bytes, entries, name)) };
  const what = has(/\.npy$/)
    ? 'a NumPy archive, which is not read as weights; save them as safetensors'
    : 'a zip archive without the data.pkl of PyTorch or the model.weights.h5 of Keras; if weights lie in it, unpack it';
  throw new UserError(`${name} is ${what}.`);
}
