import { deflateSync } from 'node:zlib';

export interface TiffPlan {
  readonly width: number;
  readonly height: number;
  readonly samples: number;
  readonly bits: number;
  /** 1 unsigned, 2 signed, 3 floating. */
  readonly format?: number;
  /** Samples of each pixel, row by row. */
  readonly values: readonly number[];
  readonly little?: boolean;
  readonly compression?: number;
  readonly predictor?: number;
  readonly planar?: boolean;
  /** Rows of a strip, or columns and rows of a tile. */
  readonly strip?: number;
  readonly tile?: readonly [number, number];
  readonly photometric?: number;
  readonly extra?: number;
  /** Tags beside or instead of these. */
  readonly tags?: Readonly<Record<number, readonly number[]>>;
}

/** LZW codes of TIFF 6.0, section 13, from its text: clear first and when the table is full, each width early. */
export function packLzw(bytes: Uint8Array): Uint8Array {
  let out = '';
  let width = 9;
  let table = new Map<string, number>();
  let next = 258;
  const write = (code: number): void => void (out += code.toString(2).padStart(width, '0'));
  const codeOf = (text: string): number => (text.length === 1 ? text.charCodeAt(0) : table.get(text)!);
  write(256);
  let held = '';
  for (const byte of bytes) {
    const longer = held + String.fromCharCode(byte);
    if (longer.length === 1 || table.has(longer)) {
      held = longer;
      continue;
    }
    write(codeOf(held));
    table.set(longer, next++);
    if (next === 512 || next === 1024 || next === 2048) width++;
    if (next === 4095) {
      write(256);
      [table, next, width] = [new Map(), 258, 9];
    }
    held = String.fromCharCode(byte);
  }
  if (held) write(codeOf(held));
  // What follows the last string is an entry as well, for whoever counts them.
  if ([511, 1023, 2047].includes(next)) width++;
  write(257);
  return Uint8Array.from(out.match(/.{1,8}/g)!.map((byte) => Number.parseInt(byte.padEnd(8, '0'), 2)));
}

/** PackBits: runs of three or more as runs, the rest as it is. */
export function packBits(bytes: Uint8Array): Uint8Array {
  const out: number[] = [];
  let plain: number[] = [];
  const flush = (): void => {
    for (let i = 0; i < plain.length; i += 128) {
      const part = plain.slice(i, i + 128);
      out.push(part.length - 1, ...part);
    }
    plain = [];
  };
  for (let at = 0; at < bytes.length; ) {
    let run = 1;
    while (run < 128 && at + run < bytes.length && bytes[at + run] === bytes[at]) run++;
    if (run >= 3) {
      flush();
      out.push(257 - run, bytes[at], 128); // and a byte that means nothing
    } else plain.push(...bytes.subarray(at, at + run));
    at += run;
  }
  flush();
  return Uint8Array.from(out);
}

const PACK: Record<number, (bytes: Uint8Array) => Uint8Array> = {
  1: (bytes) => bytes,
  5: packLzw,
  8: (bytes) => deflateSync(bytes),
  32773: packBits,
};

/** A TIFF file written out by hand: header, strips or tiles, then the directory. */
export function makeTiff(plan: TiffPlan): Buffer {
  const { width, height, samples, bits, format = 1, little = true, compression = 1, predictor = 1 } = plan;
  const { planar = false, photometric = samples >= 3 ? 2 : 1, tile } = plan;
  const [columns, rows] = tile ?? [width, plan.strip ?? height];
  const write = (value: number): number[] => {
    const view = new DataView(new ArrayBuffer(bits / 8));
    if (format === 3 && bits === 32) view.setFloat32(0, value, little);
    else if (format === 3) view.setFloat64(0, value, little);
    else if (bits === 8) view.setUint8(0, value);
    else if (bits === 16) view.setUint16(0, value, little);
    else view.setUint32(0, value, little);
    return [...new Uint8Array(view.buffer)];
  };
  const segment = (left: number, top: number, plane: number | null): Uint8Array => {
    const lines = tile ? rows : Math.min(rows, height - top);
    const bytes: number[] = [];
    for (let y = top; y < top + lines; y++) {
      const inside = y < height;
      const at = (x: number, s: number): number =>
        inside && x < width && x >= left ? plan.values[(y * width + x) * samples + s] : 0;
      const chosen = plane === null ? Array.from({ length: samples }, (_, s) => s) : [plane];
      const line: number[][] = [];
      for (let x = left; x < left + columns; x++) {
        for (const s of chosen) {
          const whole = 2 ** bits;
          const before = predictor === 2 && x > left ? at(x - 1, s) : 0;
          line.push(write(predictor === 2 ? (((at(x, s) - before) % whole) + whole) % whole : at(x, s)));
        }
      }
      if (predictor === 3) {
        const big = line.map((number) => (little ? number.toReversed() : number));
        const shuffled = Array.from({ length: bits / 8 }, (_, b) => big.map((number) => number[b])).flat();
        bytes.push(...shuffled.map((byte, i) => (byte - (shuffled[i - chosen.length] ?? 0)) & 255));
      } else bytes.push(...line.flat());
    }
    return PACK[compression](Uint8Array.from(bytes));
  };
  const segments: Uint8Array[] = [];
  for (const plane of planar ? Array.from({ length: samples }, (_, s) => s) : [null]) {
    for (let top = 0; top < height; top += rows) {
      for (let left = 0; left < width; left += columns) segments.push(segment(left, top, plane));
    }
  }
  let at = 8;
  const offsets = segments.map((bytes) => {
    const here = at;
    at += bytes.length;
    return here;
  });
  const counts = segments.map((bytes) => bytes.length);
  const tags = {
    256: [width],
    257: [height],
    258: new Array(samples).fill(bits),
    259: [compression],
    262: [photometric],
    277: [samples],
    284: [planar ? 2 : 1],
    339: new Array(samples).fill(format),
    317: [predictor],
    ...(plan.extra === undefined ? {} : { 338: [plan.extra] }),
    ...(tile ? { 322: [columns], 323: [rows], 324: offsets, 325: counts } : { 273: offsets, 278: [rows], 279: counts }),
    ...plan.tags,
  };
  return assemble(segments, tags as Record<number, readonly number[]>, little);
}

function assemble(
  segments: readonly Uint8Array[],
  tags: Readonly<Record<number, readonly number[]>>,
  little: boolean,
): Buffer {
  const u16 = (v: number): Buffer => {
    const bytes = Buffer.alloc(2);
    little ? bytes.writeUInt16LE(v) : bytes.writeUInt16BE(v);
    return bytes;
  };
  const u32 = (v: number): Buffer => {
    const bytes = Buffer.alloc(4);
    little ? bytes.writeUInt32LE(v) : bytes.writeUInt32BE(v);
    return bytes;
  };
  const data = Buffer.concat(segments);
  const directory = 8 + data.length + (data.length & 1);
  const names = Object.keys(tags)
    .map(Number)
    .sort((a, b) => a - b);
  let behind = directory + 2 + 12 * names.length + 4;
  const entries: Buffer[] = [];
  const more: Buffer[] = [];
  for (const name of names) {
    const values = tags[name];
    const isLong = values.some((v) => v > 65535);
    const bytes = Buffer.concat(values.map(isLong ? u32 : u16));
    let field: Buffer = Buffer.concat([bytes, Buffer.alloc(4)]).subarray(0, 4);
    if (bytes.length > 4) {
      field = u32(behind);
      more.push(bytes);
      behind += bytes.length;
    }
    entries.push(u16(name), u16(isLong ? 4 : 3), u32(values.length), field);
  }
  const head = Buffer.concat([Buffer.from(little ? 'II' : 'MM'), u16(42), u32(directory)]);
  return Buffer.concat([head, data, Buffer.alloc(data.length & 1), u16(names.length), ...entries, u32(0), ...more]);
}
