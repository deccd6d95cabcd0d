import { inflate } from './inflate.ts';
import type { Compression } from './tiff_layout.ts';

/**
 * Unpacks one strip or tile.
 * @param most bytes that it may become
 * @returns null for data that are no such thing, or become more; fewer bytes than `most` where they end early
 */
export async function unpack(packed: Uint8Array, compression: Compression, most: number): Promise<Uint8Array | null> {
  if (compression === 'none') return packed.slice(0, most);
  if (compression === 'deflate') return inflate([packed], most).catch(() => null);
  return compression === 'lzw' ? unpackLzw(packed, most) : unpackBits(packed, most);
}

/** PackBits (TIFF 6.0, section 9): n + 1 bytes as they are, or one byte 1 - n times; -128 is nothing. */
export function unpackBits(packed: Uint8Array, most: number): Uint8Array | null {
  const bytes = new Uint8Array(most);
  let to = 0;
  for (let at = 0; at < packed.length && to < most; ) {
    const n = (packed[at++] << 24) >> 24;
    if (n === -128) continue;
    const length = n >= 0 ? n + 1 : 1 - n;
    if (at + (n >= 0 ? length : 1) > packed.length) return null;
    const end = Math.min(most, to + length);
    if (n >= 0) bytes.set(packed.subarray(at, at + end - to), to);
    else bytes.fill(packed[at], to, end);
    at += n >= 0 ? length : 1;
    to = end;
  }
  return bytes.subarray(0, to);
}

const CLEAR = 256;
const END = 257;
const MAX_CODES = 4096;

/**
 * LZW as TIFF has it (6.0, section 13): codes of 9 to 12 bits, the highest first, each width changed one code early.
 * An entry of the table is a string that was written before: where it begins in the result, and its length.
 */
export function unpackLzw(packed: Uint8Array, most: number): Uint8Array | null {
  const bytes = new Uint8Array(most);
  const starts = new Uint32Array(MAX_CODES);
  const lengths = new Uint32Array(MAX_CODES);
  let next = END + 1;
  let width = 9;
  let to = 0;
  let last: { start: number; length: number } | null = null;
  let [bits, held] = [0, 0];
  for (let at = 0; to < most; ) {
    while (held < width && at < packed.length) {
      bits = ((bits << 8) | packed[at++]) & 0xfffff;
      held += 8;
    }
    if (held < width) break;
    const code = (bits >>> (held - width)) & ((1 << width) - 1);
    held -= width;
    if (code === END) break;
    if (code === CLEAR) {
      [next, width, last] = [END + 1, 9, null];
      continue;
    }
    if (last && next < MAX_CODES) {
      // The string before and the first byte of this one: they lie one behind the other in the result.
      starts[next] = last.start;
      lengths[next++] = last.length + 1;
    }
    if (code >= next) return null;
    const start = to;
    const length = code < CLEAR ? 1 : lengths[code];
    if (code < CLEAR) bytes[to] = code;
    else for (let i = 0; i < length && start + i < most; i++) bytes[start + i] = bytes[starts[code] + i];
    to = Math.min(most, start + length);
    last = { start, length };
    if (next + 1 >= 1 << width && width < 12) width++;
  }
  return bytes.subarray(0, to);
}
