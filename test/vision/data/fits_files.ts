/** One header of a FITS file and its data, each filled to blocks of 2880 bytes (FITS standard 4.0, 3). */
export function fitsUnit(cards: readonly string[], data: Uint8Array = new Uint8Array(0)): Buffer {
  const header = Buffer.from([...cards, 'END'].map((card) => card.padEnd(80)).join(''));
  const fill = (bytes: Uint8Array, byte: number): Buffer =>
    Buffer.concat([bytes, Buffer.alloc((2880 - (bytes.length % 2880)) % 2880, byte)]);
  return Buffer.concat([fill(header, 32), fill(data, 0)]);
}

/** The card of a keyword: its value ends at column 30, texts begin at 11. */
export const card = (keyword: string, value: number | string | boolean): string => {
  const text = typeof value === 'boolean' ? (value ? 'T' : 'F') : String(value);
  return `${keyword.padEnd(8)}= ${text.startsWith("'") ? text : text.padStart(20)} / a comment with = and '`;
};

/** The cards of an array of this type and these axes. */
export const arrayCards = (first: string, bitpix: number, axes: readonly number[]): string[] => [
  first,
  card('BITPIX', bitpix),
  card('NAXIS', axes.length),
  ...axes.map((axis, i) => card(`NAXIS${i + 1}`, axis)),
];

/** Values as FITS stores them: big-endian, of the type that BITPIX says. */
export function fitsData(bitpix: number, values: readonly number[]): Uint8Array {
  const size = Math.abs(bitpix) / 8;
  const view = new DataView(new ArrayBuffer(values.length * size));
  values.forEach((value, i) => {
    if (bitpix === 8) view.setUint8(i, value);
    if (bitpix === 16) view.setInt16(i * size, value);
    if (bitpix === 32) view.setInt32(i * size, value);
    if (bitpix === 64) view.setBigInt64(i * size, BigInt(value));
    if (bitpix === -32) view.setFloat32(i * size, value);
    if (bitpix === -64) view.setFloat64(i * size, value);
  });
  return new Uint8Array(view.buffer);
}

/** A file of one image. */
export const fitsFile = (
  bitpix: number,
  axes: readonly number[],
  values: readonly number[],
  more: readonly string[] = [],
): Buffer => fitsUnit([...arrayCards(card('SIMPLE', true), bitpix, axes), ...more], fitsData(bitpix, values));
