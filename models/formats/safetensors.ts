import { remedy, show } from '../../engine/check.ts';
import { UserError } from '../../engine/user_error.ts';
import { CHECKSUMS, checkChecksums, checksumsOf } from './checksums.ts';
import { bytesOf } from './crc32.ts';
import { duplicateKey } from './duplicate_key.ts';
import { refuseOtherKinds } from './file_kind.ts';
import { elementCount, STORED_DTYPES } from './stored_tensor.ts';
import type { StoredDtype, StoredTensor } from './stored_tensor.ts';

/** A file's tensors by name, in the order of their bytes, and the strings its writer left beside them. */
export interface Safetensors {
  readonly tensors: Map<string, StoredTensor>;
  readonly metadata: Record<string, string>;
}

/** The format's own limit on the header, so that a lying length cannot ask for all memory. */
const MAX_HEADER_BYTES = 100_000_000;
const METADATA = '__metadata__';

/** How long a wrong value may be in a sentence. */
const SHOWN = 80;

/** The format's names of element types are ours in capitals. */
const DTYPES = new Map<string, StoredDtype>(
  (Object.keys(STORED_DTYPES) as StoredDtype[]).map((dtype) => [dtype.toUpperCase(), dtype]),
);

interface Entry {
  readonly name: string;
  readonly dtype: StoredDtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/**
 * Reads a safetensors file (https://huggingface.co/docs/safetensors: 8 bytes of header length, a JSON header, the
 * data). Tensors are views of `bytes` where their offset allows it, copies elsewhere. Where `writeSafetensors` left
 * checksums, they must be right.
 * @param name what the file is called in error sentences.
 * @throws UserError naming file and tensor, whatever the header lies about: nothing of it is believed unchecked.
 */
export function parseSafetensors(bytes: Uint8Array, name: string): Safetensors {
  if (!(bytes instanceof Uint8Array))
    throw new UserError(`${name} must be the bytes of a file, as a Uint8Array, not ${show(bytes)}${remedy(bytes)}`);
  const { header, dataStart } = readHeader(bytes, name);
  const entries: Entry[] = [];
  let metadata: Record<string, string> = Object.create(null);
  for (const [key, value] of Object.entries(header)) {
    if (key === METADATA) metadata = readMetadata(value, name);
    else entries.push(readEntry(key, value, name));
  }
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  checkCover(entries, bytes.byteLength - dataStart, name);

  const tensors = new Map<string, StoredTensor>();
  for (const { name: key, dtype, shape, begin, end } of entries) {
    const info = STORED_DTYPES[dtype];
    const at = bytes.byteOffset + dataStart + begin;
    const aligned = at % info.bytes === 0;
    // Not bytes.slice(): of Node's Buffer, which is a Uint8Array too, that is a view and no copy.
    const data = aligned
      ? info.view(bytes.buffer, at, elementCount(shape))
      : info.view(new Uint8Array(bytes.subarray(dataStart + begin, dataStart + end)).buffer, 0, elementCount(shape));
    tensors.set(key, { dtype, shape, data });
  }
  checkChecksums(tensors, metadata, name);
  delete metadata[CHECKSUMS];
  return { tensors, metadata };
}

function readHeader(bytes: Uint8Array, name: string): { header: object; dataStart: number } {
  refuseOtherKinds(bytes, name);
  if (bytes.byteLength < 8) {
    throw new UserError(
      `${name}: ${bytes.byteLength} bytes are too few for a safetensors file, which begins with 8 bytes of header length.`,
    );
  }
  const stated = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  if (stated > BigInt(MAX_HEADER_BYTES)) {
    throw new UserError(
      `${name}: the header claims ${stated} bytes, more than the ${MAX_HEADER_BYTES} allowed; this is not a safetensors file.`,
    );
  }
  const length = Number(stated);
  if (8 + length > bytes.byteLength) {
    throw new UserError(
      `${name}: the header claims ${length} bytes, but only ${bytes.byteLength - 8} follow; the file is cut short or not a safetensors file.`,
    );
  }
  let text: string;
  let header: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(8, 8 + length));
    header = JSON.parse(text);
  } catch {
    throw new UserError(`${name}: the header is not JSON; this is not a safetensors file, or it is damaged.`);
  }
  if (!isObject(header))
    throw new UserError(`${name}: the header is JSON, but not an object of tensors; this is not a safetensors file.`);
  const twice = duplicateKey(text);
  if (twice !== null)
    throw new UserError(
      `${name}: the header names '${twice}' twice; such a file means two things at once and is refused.`,
    );
  return { header, dataStart: 8 + length };
}

function readMetadata(value: unknown, name: string): Record<string, string> {
  if (!isObject(value)) throw new UserError(`${name}: ${METADATA} is not an object of strings.`);
  // Without a prototype, a key such as `__proto__` is a key like any other, and one that is absent is undefined.
  const metadata: Record<string, string> = Object.create(null);
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string') throw new UserError(`${name}: ${METADATA} '${key}' is not a string.`);
    metadata[key] = text;
  }
  return metadata;
}

function readEntry(key: string, value: unknown, file: string): Entry {
  const bad = (what: string): UserError =>
    new UserError(`${file}: tensor '${key}': ${what}; the file is damaged or was not written as safetensors.`);
  if (!isObject(value)) throw bad('its entry is not an object');
  const { dtype: dtypeName, shape, data_offsets: offsets } = value as Record<string, unknown>;
  const dtype = typeof dtypeName === 'string' ? DTYPES.get(dtypeName) : undefined;
  if (!dtype) throw bad(`its dtype ${shown(dtypeName)} is unknown`);
  if (!isCounts(shape)) throw bad(`its shape ${shown(shape)} is not a list of whole numbers of 0 or more`);
  if (!isCounts(offsets) || offsets.length !== 2)
    throw bad(`its data_offsets ${shown(offsets)} are not two whole numbers of 0 or more`);
  const [begin, end] = offsets;
  if (end < begin) throw bad(`its data ends (${end}) before it begins (${begin})`);
  const needed = elementCount(shape) * STORED_DTYPES[dtype].bytes;
  if (!Number.isSafeInteger(needed)) throw bad(`its shape [${shape.join(', ')}] is larger than any file`);
  if (needed !== end - begin) {
    throw bad(
      `its offsets [${begin}, ${end}] hold ${end - begin} bytes, but ${dtype} of shape [${shape.join(', ')}] needs ${needed}`,
    );
  }
  return { name: key, dtype, shape, begin, end };
}

/** The tensors must lie end to end from 0 to the last byte: no overlap, no hole, nothing hidden behind them. */
function checkCover(sorted: readonly Entry[], dataBytes: number, file: string): void {
  let covered = 0;
  for (const { name, begin, end } of sorted) {
    const where = `${file}: tensor '${name}': its offsets [${begin}, ${end}]`;
    if (end > dataBytes)
      throw new UserError(
        `${where} reach beyond the file, which holds ${dataBytes} bytes of data; it is cut short or its header lies.`,
      );
    if (begin < covered)
      throw new UserError(`${where} overlap the tensor before it, which ends at ${covered}; the header lies.`);
    if (begin > covered) throw new UserError(`${where} leave a hole after ${covered}; the header lies.`);
    covered = end;
  }
  if (covered < dataBytes) {
    throw new UserError(
      `${file}: ${dataBytes - covered} bytes follow the last tensor, which no tensor owns; the file is damaged or its header lies.`,
    );
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A wrong value in a sentence, not all of it where it is long. */
function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? '(missing)';
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}...` : text;
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0 && !Object.is(n, -0));
}

/**
 * The bytes of a safetensors file. The same tensors give the same bytes whatever their order: widest elements first,
 * then by name, after a header padded to a multiple of 8, so that every tensor lies aligned to its element. The
 * metadata get the checksums of the tensors and of the other metadata.
 */
export function writeSafetensors(
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  if (!((tensors as unknown) instanceof Map))
    throw new UserError(`writeSafetensors: the tensors must be a Map by name, not ${show(tensors)}`);
  const sorted = [...tensors].sort(
    ([a, x], [b, y]) => STORED_DTYPES[y.dtype].bytes - STORED_DTYPES[x.dtype].bytes || compare(a, b),
  );
  const fields: string[] = [];
  // Fields are joined by hand: an object would move names such as '7' to the front and lose '__proto__'.
  const pairs = [...Object.entries(metadata), [CHECKSUMS, checksumsOf(tensors, metadata)]];
  const texts = pairs
    .sort(([a], [b]) => compare(a, b))
    .map((pair) => pair.map((text) => JSON.stringify(text)).join(':'));
  fields.push(`"${METADATA}":{${texts.join(',')}}`);
  let end = 0;
  for (const [name, { dtype, shape, data }] of sorted) {
    const bytes = elementCount(shape) * STORED_DTYPES[dtype].bytes;
    if (name === METADATA)
      throw new UserError(`A tensor cannot be called ${METADATA}: the safetensors format keeps that name for itself.`);
    if (data.byteLength !== bytes) {
      throw new UserError(
        `Tensor '${name}': ${dtype} of shape [${shape.join(', ')}] needs ${bytes} bytes, but it has ${data.byteLength}.`,
      );
    }
    fields.push(
      `${JSON.stringify(name)}:{"dtype":"${dtype.toUpperCase()}","shape":[${shape.join(',')}],"data_offsets":[${end},${end + bytes}]}`,
    );
    end += bytes;
  }
  const header = new TextEncoder().encode(`{${fields.join(',')}}`);
  const headerLength = Math.ceil(header.byteLength / 8) * 8;
  const file = new Uint8Array(8 + headerLength + end);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerLength), true);
  file.fill(0x20, 8, 8 + headerLength);
  file.set(header, 8);
  let at = 8 + headerLength;
  for (const [, { data }] of sorted) {
    file.set(bytesOf(data), at);
    at += data.byteLength;
  }
  return file;
}

/** By code unit: the order does not depend on anyone's locale. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
