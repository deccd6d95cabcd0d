import { UserError } from '../../engine/user_error.ts';
import { crc32 } from './crc32.ts';

/*
 * Files of weights that are zip archives, in Node and in a page alike: PKWARE's APPNOTE 6.3.10, with its zip64, stored
 * and deflated entries, one disk. The sizes that it claims are held against the bytes that are there.
 */

export interface ZipFileEntry {
  readonly path: string;
  /** Bytes once unpacked. */
  readonly size: number;
  readonly packedSize: number;
  readonly method: number;
  readonly crc: number;
  /** Of its local header. */
  readonly offset: number;
}

const STORED = 0;
const DEFLATED = 8;
const END_BYTES = 22;
const MOST_COMMENT = 65_535;
const LOCAL_BYTES = 30;
const CENTRAL_BYTES = 46;
/** Weights hardly pack: what unpacks to more than this times its file, and to more than this many bytes, is no such. */
const MOST_RATIO = 20;
const MOST_UNPACKED = 2 ** 28;
/** Deflate codes at most 258 bytes with two bits (RFC 1951, 3.2.5). */
const MOST_DEFLATED = 1032;

const damaged = (name: string, why: string): UserError =>
  new UserError(`${name} is a zip archive that is damaged: ${why}; get the file anew.`);

/**
 * The table of contents of an archive.
 * @throws UserError where the table lies beyond the file, names an entry twice, or claims more than can be
 */
export function zipEntries(bytes: Uint8Array, name: string): Map<string, ZipFileEntry> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { count, start, end } = tableOf(view, name);
  const entries = new Map<string, ZipFileEntry>();
  let [at, unpacked] = [start, 0];
  for (let i = 0; i < count; i++) {
    if (at + CENTRAL_BYTES > end || view.getUint32(at, true) !== 0x02014b50)
      throw damaged(name, `entry ${i + 1} of ${count} is not in its table of contents`);
    const [pathBytes, extraBytes, commentBytes] = [28, 30, 32].map((field) => view.getUint16(at + field, true));
    const next = at + CENTRAL_BYTES + pathBytes + extraBytes + commentBytes;
    if (next > end) throw damaged(name, `entry ${i + 1} of its table of contents is cut short`);
    const path = new TextDecoder().decode(bytes.subarray(at + CENTRAL_BYTES, at + CENTRAL_BYTES + pathBytes));
    if (entries.has(path)) throw damaged(name, `it has two entries named ${path}`);
    if (view.getUint16(at + 8, true) & 1)
      throw new UserError(`${name}: ${path} is encrypted; pack it without a password.`);
    const entry = {
      path,
      method: view.getUint16(at + 10, true),
      crc: view.getUint32(at + 16, true),
      ...sizesOf(view, at, at + CENTRAL_BYTES + pathBytes, extraBytes),
    };
    if (entry.offset + LOCAL_BYTES + entry.packedSize > start) throw damaged(name, `${path} reaches beyond the file`);
    unpacked += entry.size;
    entries.set(path, entry);
    at = next;
  }
  const most = Math.max(MOST_UNPACKED, MOST_RATIO * bytes.length);
  if (unpacked > most)
    throw new UserError(
      `${name}: its ${bytes.length} bytes claim to unpack to ${unpacked}, which no weights do; the file is damaged or meant to fill the memory.`,
    );
  return entries;
}

/** Where the table of contents lies, by the record at the archive's end. */
function tableOf(view: DataView, name: string): { count: number; start: number; end: number } {
  const size = view.byteLength;
  let at = size - END_BYTES;
  while (at >= 0 && at >= size - END_BYTES - MOST_COMMENT && view.getUint32(at, true) !== 0x06054b50) at--;
  if (at < 0 || view.getUint32(at, true) !== 0x06054b50)
    throw damaged(name, 'its table of contents is missing, so it is cut short');
  let count = view.getUint16(at + 10, true);
  let bytes = view.getUint32(at + 12, true);
  let start = view.getUint32(at + 16, true);
  let end = at;
  if (at >= 20 && view.getUint32(at - 20, true) === 0x07064b50) {
    const record = safeNumber(view, at - 12);
    if (record + 56 > at - 20 || view.getUint32(record, true) !== 0x06064b50)
      throw damaged(name, 'the record of its zip64 table is not where it says');
    [count, bytes, start] = [32, 40, 48].map((field) => safeNumber(view, record + field));
    end = record;
  }
  if (start + bytes > end || count * CENTRAL_BYTES > bytes)
    throw damaged(name, `its table of contents claims ${count} entries in ${bytes} bytes at ${start}`);
  return { count, start, end: start + bytes };
}

/** Sizes and offset of an entry: where 32 bits do not hold them, the zip64 field among its extra ones does. */
function sizesOf(
  view: DataView,
  at: number,
  extraStart: number,
  extraBytes: number,
): Pick<ZipFileEntry, 'size' | 'packedSize' | 'offset'> {
  const values = [24, 20, 42].map((field) => view.getUint32(at + field, true));
  const end = extraStart + extraBytes;
  for (let extra = extraStart; extra + 4 <= end; ) {
    const [id, length] = [view.getUint16(extra, true), view.getUint16(extra + 2, true)];
    const fieldEnd = Math.min(end, extra + 4 + length);
    let field = extra + 4;
    if (id === 1)
      values.forEach((value, i) => {
        if (value !== 0xffffffff || field + 8 > fieldEnd) return;
        values[i] = safeNumber(view, field);
        field += 8;
      });
    extra += 4 + length;
  }
  const [size, packedSize, offset] = values;
  return { size, packedSize, offset };
}

/** A 64-bit count; what no file can have is Infinity. */
function safeNumber(view: DataView, at: number): number {
  const value = view.getBigUint64(at, true);
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.POSITIVE_INFINITY : Number(value);
}

/**
 * The bytes of an entry, against its CRC-32: a view of the archive where it is stored.
 * @throws UserError where it is packed in another way, damaged, or not as long as its table says
 */
export async function readZipEntry(bytes: Uint8Array, entry: ZipFileEntry, name: string): Promise<Uint8Array> {
  const { path, size, packedSize, method, offset } = entry;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(offset, true) !== 0x04034b50) throw damaged(name, `${path} does not begin where its table says`);
  const start = offset + LOCAL_BYTES + view.getUint16(offset + 26, true) + view.getUint16(offset + 28, true);
  if (start + packedSize > bytes.length) throw damaged(name, `${path} reaches beyond the file`);
  const packed = bytes.subarray(start, start + packedSize);
  if (method !== STORED && method !== DEFLATED)
    throw new UserError(`${name}: ${path} is packed by method ${method}; stored and deflated entries are read.`);
  const unpacked = method === STORED ? packed : await inflate(packed, size).catch(() => null);
  if (unpacked?.length !== size)
    throw damaged(
      name,
      unpacked ? `${path} has ${unpacked.length} bytes and should have ${size}` : `${path} cannot be unpacked`,
    );
  if (crc32(unpacked) !== entry.crc) throw damaged(name, `the checksum of ${path} does not match its bytes`);
  return unpacked;
}

/** Unpacks deflated bytes (RFC 1951) that are to be `size` at most; null where more would come of them, or so
 * much cannot. */
async function inflate(packed: Uint8Array, size: number): Promise<Uint8Array | null> {
  if (size > MOST_DEFLATED * packed.length) return null;
  const stream = new Blob([packed as BlobPart]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  const reader = stream.getReader();
  const out = new Uint8Array(size);
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return out.subarray(0, length);
    if (length + value.length > size) {
      await reader.cancel().catch(() => undefined);
      return null;
    }
    out.set(value, length);
    length += value.length;
  }
}
