import { crc32, deflateSync } from 'node:zlib';

/** One chunk of a PNG file (PNG 3rd edition, 5.3). */
export function chunk(name: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(name, 'latin1'), data]);
  const [length, crc] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  crc.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, crc]);
}

export interface PngPlan {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly colour: number;
  /** Samples of each pixel, row by row. */
  readonly samples: readonly number[];
  readonly interlaced?: boolean;
  readonly more?: readonly Buffer[];
}

const SAMPLES: Record<number, number> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

/** The rows of some of the pixels, each behind filter 0, its samples packed into whole bytes. */
function rows({ width, depth, colour, samples }: PngPlan, columns: number[], lines: number[]): number[] {
  if (columns.length === 0) return [];
  const count = SAMPLES[colour];
  return lines.flatMap((y) => {
    let bits = '';
    for (const x of columns) {
      for (let c = 0; c < count; c++) bits += samples[(y * width + x) * count + c].toString(2).padStart(depth, '0');
    }
    return [0, ...bits.match(/.{1,8}/g)!.map((byte) => Number.parseInt(byte.padEnd(8, '0'), 2))];
  });
}

/** The eight by eight pattern of PNG's figure "Passes of Adam7" itself, for what shares nothing with the formulas. */
const PASSES = ['16462646', '77777777', '56565656', '77777777', '36463646', '77777777', '56565656', '77777777'];

/** A PNG file written out by hand. */
export function makePng(plan: PngPlan): Buffer {
  const { width, height, depth, colour, interlaced = false, more = [] } = plan;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([depth, colour, 0, 0, interlaced ? 1 : 0], 8);
  const all = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
  const data: number[] = [];
  if (!interlaced) data.push(...rows(plan, all(width), all(height)));
  for (let pass = 1; interlaced && pass <= 7; pass++) {
    const isIn = (x: number, y: number): boolean => PASSES[y % 8][x % 8] === String(pass);
    const lines = all(height).filter((y) => all(8).some((x) => isIn(x, y)));
    const row = PASSES.findIndex((line) => line.includes(String(pass)));
    data.push(
      ...rows(
        plan,
        all(width).filter((x) => isIn(x, row)),
        lines,
      ),
    );
  }
  return pngOf([
    chunk('IHDR', header),
    ...more,
    chunk('IDAT', deflateSync(Uint8Array.from(data))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

export const pngOf = (chunks: readonly Buffer[]): Buffer =>
  Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]), ...chunks]);
