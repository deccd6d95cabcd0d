import { UserError } from '../../engine/user_error.ts';
import { bytesOf, crc32 } from './crc32.ts';
import type { StoredTensor } from './stored_tensor.ts';

/*
 * What notices a damaged safetensors file of this program: one key of its metadata holds the CRC-32 of each tensor with
 * its dtype and shape, and that of all other metadata. Files of others have no such key.
 */

export const CHECKSUMS = 'tuningfork_crc32';

/** No tensor can have this name. */
const METADATA = '__metadata__';

type Tensors = ReadonlyMap<string, StoredTensor>;
type Metadata = Readonly<Record<string, string>>;

const textSum = (text: string): number => crc32(new TextEncoder().encode(text));
const hex = (sum: number): string => sum.toString(16).padStart(8, '0');

const sumOf = ({ dtype, shape, data }: StoredTensor): string =>
  hex(crc32(bytesOf(data), textSum(`${dtype} ${shape.join('x')}`)));

/** The value of `CHECKSUMS`: a line for the metadata and for each tensor, in the order of their names. */
export function checksumsOf(tensors: Tensors, metadata: Metadata): string {
  const others = Object.entries(metadata).filter(([key]) => key !== CHECKSUMS);
  const sums = new Map([...tensors].map(([name, tensor]) => [name, sumOf(tensor)]));
  sums.set(METADATA, hex(textSum(JSON.stringify(others.sort(([a], [b]) => (a < b ? -1 : 1))))));
  return [...sums.keys()]
    .sort()
    .map((name) => `${sums.get(name)} ${name}`)
    .join('\n');
}

/**
 * Holds tensors and metadata against the checksums in the metadata, where there are any.
 * @param file what the file is called in sentences
 * @throws UserError naming the tensor that was changed since it was written
 */
export function checkChecksums(tensors: Tensors, metadata: Metadata, file: string): void {
  const wanted = metadata[CHECKSUMS];
  const found = checksumsOf(tensors, metadata);
  if (wanted === undefined || wanted === found) return;
  const lines = new Set(wanted.split('\n'));
  // Where every line is there, what was written of another tensor is there too.
  const changed = found
    .split('\n')
    .find((line) => !lines.has(line))
    ?.slice(9);
  const what =
    changed === undefined
      ? 'a tensor is missing'
      : changed === METADATA
        ? 'the metadata were changed'
        : `tensor '${changed}' was changed`;
  throw new UserError(
    `${file}: ${what} since the file was written: its checksum is another; the file is damaged: take another copy of it (or, where it was edited on purpose, remove '${CHECKSUMS}' from its metadata).`,
  );
}
