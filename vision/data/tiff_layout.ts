import { UserError } from '../../engine/user_error.ts';
import { checkSize, MAX_RASTER_BYTES } from './raster.ts';
import type { TiffDirectory } from './tiff_directory.ts';

/** How the pixels of a TIFF file lie in it, as far as that is read. */
export interface TiffLayout {
  readonly width: number;
  readonly height: number;
  /** Samples of a pixel in the file. */
  readonly samples: number;
  /** Bits of a sample: 8, 16, 32 or 64. */
  readonly bits: number;
  readonly format: SampleFormat;
  readonly little: boolean;
  readonly compression: Compression;
  /** 1 none, 2 differences along a row, 3 the same of floating numbers' bytes. */
  readonly predictor: number;
  /** Whether each sample has segments of its own. */
  readonly planar: boolean;
  /** Columns and rows of a strip or tile. */
  readonly columns: number;
  readonly rows: number;
  readonly tiled: boolean;
  /** Where each strip or tile begins, and its bytes. */
  readonly offsets: readonly number[];
  readonly counts: readonly number[];
}

export type SampleFormat = 'unsigned' | 'signed' | 'float';
export type Compression = 'none' | 'lzw' | 'deflate' | 'packbits';

const FORMATS: readonly (readonly [code: number, format: SampleFormat, bits: readonly number[]])[] = [
  [1, 'unsigned', [8, 16, 32]],
  [2, 'signed', [8, 16, 32]],
  [3, 'float', [32, 64]],
  [4, 'unsigned', [8, 16, 32]], // "undefined": what the writer knew
];
const COMPRESSIONS: ReadonlyMap<number, Compression> = new Map([
  [1, 'none'],
  [5, 'lzw'],
  [8, 'deflate'],
  [32946, 'deflate'],
  [32773, 'packbits'],
]);
const OTHER_COMPRESSIONS: ReadonlyMap<number, string> = new Map([
  [2, 'as a fax'],
  [3, 'as a fax'],
  [4, 'as a fax'],
  [6, 'as JPEG'],
  [7, 'as JPEG'],
  [34925, 'by LZMA'],
  [50000, 'by Zstandard'],
  [50001, 'as WebP'],
]);

const TAG = {
  width: 256,
  height: 257,
  bits: 258,
  compression: 259,
  fillOrder: 266,
  stripOffsets: 273,
  samples: 277,
  rowsPerStrip: 278,
  stripCounts: 279,
  planar: 284,
  predictor: 317,
  tileWidth: 322,
  tileHeight: 323,
  tileOffsets: 324,
  tileCounts: 325,
  format: 339,
} as const;

/**
 * Reads a directory's layout (TIFF 6.0, sections 3, 8, 13 to 15, 19), and checks it before anything is unpacked.
 * @throws UserError for what is damaged, too large or not read
 */
export function readLayout(directory: TiffDirectory): TiffLayout {
  const { file } = directory;
  const [width, height] = [directory.value(TAG.width), directory.value(TAG.height)];
  const samples = directory.value(TAG.samples, 1);
  const bits = directory.values(TAG.bits, [1]);
  const codes = directory.values(TAG.format, [1]);
  if (new Set(bits).size !== 1 || new Set(codes).size !== 1) {
    throw new UserError(`${file} has channels of different types, and images of one type are read`);
  }
  const [, format] = FORMATS.find(([code, , sizes]) => code === codes[0] && sizes.includes(bits[0])) ?? [];
  if (!format) {
    throw new UserError(
      `${file} has samples of ${bits[0]} bits (format ${codes[0]}); 8, 16 and 32 bits are read, and floats`,
    );
  }
  // Whole bytes stay so; all else becomes floats.
  checkSize(file, { width, height, channels: samples, bytes: bits[0] === 8 ? 1 : Math.max(4, bits[0] / 8) });
  const tiled = directory.values(TAG.tileWidth).length > 0;
  const layout = {
    width,
    height,
    samples,
    bits: bits[0],
    format,
    little: directory.little,
    compression: compressionOf(directory),
    predictor: directory.value(TAG.predictor, 1),
    planar: directory.value(TAG.planar, 1) === 2,
    columns: tiled ? directory.value(TAG.tileWidth) : width,
    rows: tiled ? directory.value(TAG.tileHeight) : Math.min(height, directory.value(TAG.rowsPerStrip, height)),
    tiled,
  };
  if (directory.value(TAG.fillOrder, 1) !== 1) throw new UserError(`${file} has its bits reversed, which is not read`);
  const { predictor } = layout;
  if (predictor < 1 || predictor > 3 || (predictor === 3) !== (format === 'float' && predictor !== 1)) {
    throw directory.damaged(`its predictor is ${predictor}`);
  }
  return { ...layout, ...segmentsOf(directory, layout) };
}

function compressionOf(directory: TiffDirectory): Compression {
  const code = directory.value(TAG.compression, 1);
  const known = COMPRESSIONS.get(code);
  if (known) return known;
  const how = OTHER_COMPRESSIONS.get(code) ?? `by method ${code}`;
  throw new UserError(`${directory.file} is a TIFF packed ${how}; save it without, or with LZW, Deflate or PackBits`);
}

/** Bytes of a whole strip or tile, unpacked. */
export const segmentBytes = ({ columns, rows, samples, bits, planar }: SegmentShape): number =>
  columns * rows * (planar ? 1 : samples) * (bits / 8);
type SegmentShape = Pick<TiffLayout, 'columns' | 'rows' | 'samples' | 'bits' | 'planar'>;

function segmentsOf(
  directory: TiffDirectory,
  layout: Omit<TiffLayout, 'offsets' | 'counts'>,
): Pick<TiffLayout, 'offsets' | 'counts'> {
  const { width, height, columns, rows, tiled, planar, samples, compression } = layout;
  if (!(columns >= 1 && rows >= 1)) throw directory.damaged(`its strips or tiles have ${columns} x ${rows} pixels`);
  const across = Math.ceil(width / columns) * Math.ceil(height / rows) * (planar ? samples : 1);
  if (across * segmentBytes(layout) > 2 * MAX_RASTER_BYTES) {
    throw directory.damaged(`its ${across} tiles of ${columns} x ${rows} pixels are larger than its image`);
  }
  const offsets = directory.values(tiled ? TAG.tileOffsets : TAG.stripOffsets);
  const whole = compression === 'none' && across === 1 ? [segmentBytes(layout)] : [];
  const counts = directory.values(tiled ? TAG.tileCounts : TAG.stripCounts, whole);
  if (offsets.length !== across || counts.length !== across) {
    throw directory.damaged(`it has ${offsets.length} strips or tiles, and its image takes ${across}`);
  }
  return { offsets, counts };
}
