import { UserError } from '../../engine/user_error.ts';

export const BLOCK = 512;

/** One header of a tar archive (POSIX ustar, with GNU's numbers in base 256). */
export interface TarHeader {
  readonly path: string;
  /** Bytes that follow the header. */
  readonly size: number;
  /** `0` for a file, `1` and `2` for links, `5` for a folder, `L` for GNU's long name, `x` for pax records, others. */
  readonly type: string;
  /** What a link leads to. */
  readonly target: string;
}

const decoder = new TextDecoder();
const text = (bytes: Uint8Array): string => {
  const end = bytes.indexOf(0);
  return decoder.decode(end < 0 ? bytes : bytes.subarray(0, end));
};

/** An octal number, or one in base 256 where its first bit is set; NaN where it is neither. */
function number(field: Uint8Array): number {
  if (field[0] & 0x80) {
    if (field[0] !== 0x80) return Number.NaN; // negative, or beyond what any disk holds
    return field.subarray(1).reduce((sum, byte) => sum * 256 + byte, 0);
  }
  const digits = text(field).trim();
  return /^[0-7]*$/.test(digits) ? Number.parseInt(digits || '0', 8) : Number.NaN;
}

/** Sum of the header's bytes, its own field taken as spaces; some writers took bytes as signed. */
function sums(block: Uint8Array): [unsigned: number, signed: number] {
  let [unsigned, signed] = [0, 0];
  block.forEach((byte, i) => {
    const b = i >= 148 && i < 156 ? 32 : byte;
    unsigned += b;
    signed += b > 127 ? b - 256 : b;
  });
  return [unsigned, signed];
}

/**
 * Reads one block as a header; null where it is the end of the archive.
 * @param where what errors call the place
 */
export function readTarHeader(block: Uint8Array, where: string): TarHeader | null {
  if (block.every((byte) => byte === 0)) return null;
  if (!sums(block).includes(number(block.subarray(148, 156)))) {
    throw new UserError(`${where} is no tar header: its checksum does not match; the archive is damaged or no tar`);
  }
  const size = number(block.subarray(124, 136));
  if (!Number.isSafeInteger(size)) throw new UserError(`${where} is damaged: its size is no number`);
  const name = text(block.subarray(0, 100));
  // GNU's own magic is "ustar  ", and what POSIX calls the prefix is something else there.
  const prefix = text(block.subarray(257, 263)) === 'ustar' ? text(block.subarray(345, 500)) : '';
  const type = block[156] === 0 ? '0' : String.fromCharCode(block[156]);
  return { path: prefix ? `${prefix}/${name}` : name, size, type, target: text(block.subarray(157, 257)) };
}

/** What an extended header says in place of the header behind it. */
export interface PaxRecords {
  path?: string;
  size?: number;
  target?: string;
}

/** The pax records that are read: lines of `length key=value` (POSIX pax, Extended Header). */
export function readPaxRecords(bytes: Uint8Array, where: string): PaxRecords {
  const found: PaxRecords = {};
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(32, at);
    const length = space < 0 ? Number.NaN : Number(decoder.decode(bytes.subarray(at, Math.min(space, at + 20))));
    const record = decoder.decode(bytes.subarray(space + 1, at + length - 1));
    const equals = record.indexOf('=');
    if (!(length > space - at) || at + length > bytes.length || equals < 0 || bytes[at + length - 1] !== 10) {
      throw new UserError(`${where} is damaged: its extended header is not made of records`);
    }
    const [key, value] = [record.slice(0, equals), record.slice(equals + 1)];
    if (key === 'path') found.path = value;
    if (key === 'linkpath') found.target = value;
    if (key === 'size') {
      found.size = Number(value);
      if (!/^\d+$/.test(value) || !Number.isSafeInteger(found.size)) {
        throw new UserError(`${where} is damaged: its size ${value} is no number`);
      }
    }
    at += length;
  }
  return found;
}
