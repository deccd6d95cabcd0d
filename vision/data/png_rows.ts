import { passesOf, type PngHeader, samplesOf } from './png_header.ts';

/**
 * The samples of all pixels, row by row, as the unpacked rows of a PNG file hold them: numbers of `depth` bits.
 * Changes `unpacked`.
 * @returns null where a row has a filter that there is not
 */
export function readRows(unpacked: Uint8Array, header: PngHeader): Uint8Array | Uint16Array | null {
  const { width, height, depth } = header;
  const count = samplesOf(header);
  const samples = new (depth === 16 ? Uint16Array : Uint8Array)(width * height * count);
  const distance = Math.max(1, (depth * count) >> 3);
  let at = 0;
  for (const { left, top, dx, dy, columns, rows, bytes } of passesOf(header)) {
    let above: Uint8Array = new Uint8Array(bytes);
    for (let row = 0; row < rows; row++) {
      const filter = unpacked[at];
      const line = unpacked.subarray(at + 1, at + 1 + bytes);
      if (filter > 4) return null;
      undoFilter(filter, line, above, distance);
      const start = ((top + row * dy) * width + left) * count;
      for (let x = 0, n = 0; x < columns; x++) {
        for (let c = 0; c < count; c++) samples[start + x * dx * count + c] = sampleOf(line, n++, depth);
      }
      above = line;
      at += 1 + bytes;
    }
  }
  return samples;
}

function sampleOf(line: Uint8Array, n: number, depth: number): number {
  if (depth === 8) return line[n];
  if (depth === 16) return (line[2 * n] << 8) | line[2 * n + 1];
  const bit = n * depth;
  return (line[bit >> 3] >> (8 - depth - (bit & 7))) & ((1 << depth) - 1);
}

/** Adds what a row's filter took away (PNG 3rd edition, 9.2): of the byte to the left, above, or both. */
function undoFilter(filter: number, line: Uint8Array, above: Uint8Array, distance: number): void {
  if (filter === 0) return;
  for (let i = 0; i < line.length; i++) {
    const a = i < distance ? 0 : line[i - distance];
    const b = above[i];
    if (filter === 1) line[i] += a;
    else if (filter === 2) line[i] += b;
    else if (filter === 3) line[i] += (a + b) >> 1;
    else line[i] += paeth(a, b, i < distance ? 0 : above[i - distance]);
  }
}

function paeth(a: number, b: number, c: number): number {
  const [toA, toB, toC] = [Math.abs(b - c), Math.abs(a - c), Math.abs(a + b - 2 * c)];
  if (toA <= toB && toA <= toC) return a;
  return toB <= toC ? b : c;
}
