/*
 * JPEG files made by hand, so that their samples are known exactly: every 8 x 8 block of a component has one value.
 * With 8 as the quantiser a block's DC coefficient is the value less 128, and there are no others.
 */

export interface FlatJpeg {
  /** Blocks from left to right, row by row: the samples of one each, a number a component. */
  readonly blocks: readonly (readonly number[])[];
  readonly columns: number;
  /** Ids of the components: 1, 2, 3, ... when absent. */
  readonly ids?: readonly number[];
  /** Segments before the frame. */
  readonly segments?: readonly Uint8Array[];
  /** The marker of the frame: SOF0 when absent. */
  readonly frame?: number;
  readonly precision?: number;
}

const bytesOf = (text: string): number[] => [...text].map((letter) => letter.charCodeAt(0));

/** A marker with its length and what follows. */
export const segment = (marker: number, ...body: number[]): Uint8Array =>
  Uint8Array.of(0xff, marker, (body.length + 2) >> 8, (body.length + 2) & 255, ...body);

export const JFIF = segment(0xe0, ...bytesOf('JFIF\0'), 1, 2, 0, 0, 1, 0, 1, 0, 0);
export const adobe = (transform: number): Uint8Array =>
  segment(0xee, ...bytesOf('Adobe'), 0, 100, 0, 0, 0, 0, transform);
export const exif = (tiff: readonly number[]): Uint8Array => segment(0xe1, ...bytesOf('Exif\0\0'), ...tiff);

/** The entropy-coded bits: codes of 4 bits for the length of a difference, 0 for the end of a block. */
function scan(blocks: FlatJpeg['blocks']): number[] {
  let bits = '';
  const before = blocks[0].map(() => 0);
  for (const block of blocks) {
    block.forEach((sample, c) => {
      const difference = sample - 128 - before[c];
      before[c] = sample - 128;
      const size = difference === 0 ? 0 : Math.floor(Math.log2(Math.abs(difference))) + 1;
      // Negative ones as one less than all ones would be (T.81, F.1.2.1.1).
      const value = difference < 0 ? difference + 2 ** size - 1 : difference;
      const code = size.toString(2).padStart(4, '0');
      const digits = size === 0 ? '' : value.toString(2).padStart(size, '0');
      bits += `${code}${digits}0`;
    });
  }
  const bytes = (bits.match(/.{1,8}/g) ?? []).map((byte) => Number.parseInt(byte.padEnd(8, '1'), 2));
  return bytes.flatMap((byte) => (byte === 0xff ? [byte, 0] : [byte]));
}

export function flatJpeg({ blocks, columns, ids, segments = [], frame = 0xc0, precision = 8 }: FlatJpeg): Uint8Array {
  const components = ids ?? blocks[0].map((_, c) => c + 1);
  const [width, height] = [8 * columns, (8 * blocks.length) / columns];
  const sizes = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  return Uint8Array.from([
    0xff,
    0xd8,
    ...segments.flatMap((each) => [...each]),
    ...segment(0xdb, 0, ...new Array<number>(64).fill(8)),
    ...segment(
      frame,
      precision,
      height >> 8,
      height & 255,
      width >> 8,
      width & 255,
      components.length,
      ...components.flatMap((id) => [id, 0x11, 0]),
    ),
    ...segment(0xc4, 0x00, 0, 0, 0, sizes.length, ...new Array<number>(12).fill(0), ...sizes),
    ...segment(0xc4, 0x10, 1, ...new Array<number>(15).fill(0), 0),
    ...segment(0xda, components.length, ...components.flatMap((id) => [id, 0x00]), 0, 63, 0),
    ...scan(blocks),
    0xff,
    0xd9,
  ]);
}

/** Exif data with one directory of these entries, [tag, type, count, value], where the value fits into the entry. */
export function tiff(little: boolean, entries: readonly (readonly [number, number, number, number])[]): number[] {
  const view = new DataView(new ArrayBuffer(14 + 12 * entries.length));
  view.setUint16(0, little ? 0x4949 : 0x4d4d);
  view.setUint16(2, 42, little);
  view.setUint32(4, 8, little);
  view.setUint16(8, entries.length, little);
  entries.forEach(([tag, type, count, value], i) => {
    const at = 10 + 12 * i;
    view.setUint16(at, tag, little);
    view.setUint16(at + 2, type, little);
    view.setUint32(at + 4, count, little);
    if (type === 4) view.setUint32(at + 8, value, little);
    else if (type === 3) view.setUint16(at + 8, value, little);
    else view.setUint8(at + 8, value);
  });
  return [...new Uint8Array(view.buffer)];
}
