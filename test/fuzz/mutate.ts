/** A number from 0 to below `n`. */
export type Below = (n: number) => number;

/** What a case makes of a sound file. `others` are sound files of the same format, for parts that are spliced in. */
type Mutation = (bytes: Uint8Array, below: Below, others: readonly Uint8Array[]) => Uint8Array;

const pick = <T>(list: readonly T[], below: Below): T => list[below(list.length)];

/** The longest file that a mutation makes: beyond it are the limits of files, which have tests of their own. */
const MOST_BYTES = 2 ** 20;

const joined = (...parts: Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts)).subarray(0, MOST_BYTES);

/** What lengths and counts may be: nothing, the ends of each width, and more than there is memory. */
const NUMBERS = [0, 1, 2, 3, 7, 8, 127, 128, 255, 256, 4096, 32767, 32768, 65535, 65536, 2 ** 24, 2 ** 30, 2 ** 31 - 1];
const WORDS = [
  ...NUMBERS.map(String),
  ...[
    '-1',
    '-0',
    '1.5',
    '1e9',
    '1e308',
    '1e999',
    '-1e999',
    'NaN',
    'Infinity',
    '9007199254740993',
    '0x10',
    '1'.repeat(400),
  ],
  ...['null', 'true', '""', '[]', '{}', '"__proto__"', '"constructor"', '', ' ', '\0', '\u202e', '\ud800'],
];

const copy = (bytes: Uint8Array, change: (view: DataView) => void): Uint8Array => {
  const made = bytes.slice();
  if (made.length > 0) change(new DataView(made.buffer));
  return made;
};

/** Finds something in the text of a file and puts something else in its place; as it was where there is none. */
function replaced(bytes: Uint8Array, pattern: RegExp, below: Below, by: (found: string) => string): Uint8Array {
  const text = Buffer.from(bytes).toString('latin1');
  const all = [...text.matchAll(pattern)];
  if (all.length === 0) return bytes;
  const { 0: found, index } = pick(all, below);
  return Uint8Array.from(
    Buffer.from(
      text.slice(0, index) + Buffer.from(by(found)).toString('latin1') + text.slice(index + found.length),
      'latin1',
    ),
  ).subarray(0, MOST_BYTES);
}

const range = (length: number, below: Below): [number, number] => {
  const start = below(length + 1);
  return [start, Math.min(length, start + below(pick([2, 8, 64, 4096], below)))];
};

/**
 * Places of small numbers in what looks like a protobuf: of lengths that are not asked for, and of what is nested. Each
 * is one byte, so that the lengths around it stay right.
 */
function smallNumbers(bytes: Uint8Array, from: number, to: number, depth: number): number[] | undefined {
  const found: number[] = [];
  for (let at = from; at < to; ) {
    const [field, wire] = [bytes[at] >> 3, bytes[at] & 7];
    at++;
    if (field === 0 || bytes[at - 1] > 127) return undefined;
    if (wire === 0) {
      if (bytes[at] < 128) found.push(at);
      while (at < to && bytes[at] > 127) at++;
      at++;
    } else if (wire === 5 || wire === 1) at += wire === 5 ? 4 : 8;
    else if (wire !== 2) return undefined;
    else {
      let length = 0;
      for (let shift = 0; at < to; shift += 7) {
        length += (bytes[at] & 127) * 2 ** shift;
        if (bytes[at++] < 128) break;
      }
      const inner = depth > 0 ? smallNumbers(bytes, at, at + length, depth - 1) : undefined;
      // Else text, or a list of numbers that are packed.
      found.push(...(inner ?? (length <= 16 ? Array.from({ length }, (_, i) => at + i) : [])));
      at += length;
    }
    if (at > to) return undefined;
  }
  return found;
}

export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  'a small number of a protobuf': (bytes, below) => {
    const places = smallNumbers(bytes, 0, bytes.length, 8) ?? [];
    if (places.length === 0) return bytes;
    return copy(bytes, (view) => view.setUint8(pick(places, below), below(2) ? below(8) : below(128)));
  },
  'a flipped bit': (bytes, below) =>
    copy(bytes, (view) => {
      const at = below(view.byteLength);
      view.setUint8(at, view.getUint8(at) ^ (1 << below(8)));
    }),
  'a byte': (bytes, below) =>
    copy(bytes, (view) => view.setUint8(below(view.byteLength), pick([0, 1, 127, 128, 254, 255, below(256)], below))),
  /** Of what headers are in most formats: the first bytes, and the last. */
  'a byte of a header': (bytes, below) =>
    copy(bytes, (view) => {
      const at = below(Math.min(256, view.byteLength));
      view.setUint8(below(4) ? at : view.byteLength - 1 - at, below(256));
    }),
  'a binary number': (bytes, below) =>
    copy(bytes, (view) => {
      const width = pick([2, 4, 8], below);
      if (view.byteLength < width) return;
      const at = below(Math.min(view.byteLength, below(2) ? 512 : view.byteLength) - width + 1);
      const value = pick(NUMBERS, below) * pick([1, -1], below) - below(2);
      const little = below(2) === 1;
      if (width === 2) view.setUint16(at, value, little);
      else if (width === 4) view.setUint32(at, value, little);
      else view.setBigInt64(at, BigInt(value), little);
    }),
  'a cut': (bytes, below) => bytes.slice(0, below(bytes.length + 1)),
  'a cut of the end': (bytes, below) => bytes.slice(0, Math.max(0, bytes.length - below(32))),
  nothing: () => new Uint8Array(0),
  'a hole': (bytes, below) => {
    const [start, end] = range(bytes.length, below);
    return joined(bytes.subarray(0, start), bytes.subarray(end));
  },
  'a part twice': (bytes, below) => {
    const [start, end] = range(bytes.length, below);
    return joined(bytes.subarray(0, end), bytes.subarray(start));
  },
  'a part of zeros': (bytes, below) => bytes.slice().fill(pick([0, 255], below), ...range(bytes.length, below)),
  'a part of another file': (bytes, below, others) => {
    const other = pick(others, below);
    const [start, end] = range(other.length, below);
    const at = below(bytes.length + 1);
    return joined(bytes.subarray(0, at), other.subarray(start, end), bytes.subarray(below(2) ? at : at + end - start));
  },
  'the head of one and the tail of another': (bytes, below, others) => {
    const other = pick(others, below);
    return joined(bytes.subarray(0, below(bytes.length + 1)), other.subarray(below(other.length + 1)));
  },
  'more behind it': (bytes, below) => joined(bytes, new Uint8Array(below(4096)).fill(below(256))),
  'another number in its text': (bytes, below) => replaced(bytes, /-?\d+(\.\d+)?/g, below, () => pick(WORDS, below)),
  'another value in its JSON': (bytes, below) =>
    replaced(bytes, /(?<=:)("[^"]{0,200}"|-?[\d.e+]+|null|true|false|\[[^\]]{0,200}\]|\{[^}]{0,200}\})/g, below, () =>
      pick(WORDS, below),
    ),
  'a key twice': (bytes, below) =>
    replaced(
      bytes,
      /"[\w.]{1,99}":(?:"[^"]{0,200}"|-?[\d.e+]+|null|true|false)/g,
      below,
      (field) => `${field},${field}`,
    ),
  'another name': (bytes, below) =>
    replaced(bytes, /[A-Za-z_]{2,}/g, below, (word) =>
      pick([word.toUpperCase(), '__proto__', 'x', '', '\u00e9'], below),
    ),
  nesting: (bytes, below) =>
    replaced(
      bytes,
      /[[{"\d]/g,
      below,
      (found) => pick(['[', '{"a":'], below).repeat(pick([3, 1000, 100_000], below)) + found,
    ),
  'another mark between fields': (bytes, below) =>
    replaced(bytes, /[,;:"\n\r\t{}[\]]/g, below, () => pick([...',;:"\n\r\t{}[]', '\r\n', '""', '\ufeff'], below)),
  'another encoding': (bytes, below) =>
    pick(
      [
        () => joined(Uint8Array.of(0xef, 0xbb, 0xbf), bytes),
        () => joined(Uint8Array.of(0xff, 0xfe), Buffer.from(Buffer.from(bytes).toString('latin1'), 'utf16le')),
        () => copy(bytes, (view) => view.setUint8(below(view.byteLength), 0xc0 + below(64))),
      ],
      below,
    )(),
};

/** One to four mutations of one of the sound files. */
export function mutated(sound: readonly Uint8Array[], below: Below): { bytes: Uint8Array; how: string } {
  let bytes = pick(sound, below);
  const how: string[] = [];
  for (let n = pick([1, 1, 1, 2, 3, 4], below); n > 0; n--) {
    const name = pick(Object.keys(MUTATIONS), below);
    bytes = MUTATIONS[name](bytes, below, sound);
    how.push(name);
  }
  return { bytes, how: how.join(', ') };
}
