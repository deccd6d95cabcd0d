/** A filter of 3 x 3 weights, row by row, and what it finds. */
export interface NamedFilter {
  readonly name: string;
  readonly weights: readonly number[];
}

/** The filters to choose from. */
export const FILTERS: readonly NamedFilter[] = [
  { name: 'left edges', weights: [-1, 0, 1, -2, 0, 2, -1, 0, 1] },
  { name: 'upper edges', weights: [-1, -2, -1, 0, 0, 0, 1, 2, 1] },
  { name: 'spots', weights: [-1, -1, -1, -1, 8, -1, -1, -1, -1] },
  { name: 'blur', weights: [1, 1, 1, 1, 1, 1, 1, 1, 1] },
];

/** Side of a filter. */
export const WIDE = 3;

/** The pixels below a filter whose upper left weight lies on a row and a column of an image, row by row. */
export const pixelsBelow = (image: Float64Array, side: number, row: number, column: number): number[] =>
  Array.from({ length: WIDE * WIDE }, (_, i) => image[(row + Math.floor(i / WIDE)) * side + column + (i % WIDE)]);

/** The convolution of an image [side, side] with a filter, without padding: [side - 2, side - 2]. */
export function filtered(image: Float64Array, side: number, weights: readonly number[]): Float64Array {
  const out = side - WIDE + 1;
  return Float64Array.from({ length: out * out }, (_, i) =>
    pixelsBelow(image, side, Math.floor(i / out), i % out).reduce((sum, x, k) => sum + x * weights[k], 0),
  );
}

const written = (v: number): string => v.toFixed(2).replace('-', '−');

/** The products that add up, and their sum, of pixels in hundredths; those with a weight of 0 add nothing. */
export function sumInWords(pixels: readonly number[], weights: readonly number[]): string {
  const factor = (w: number): string => (w < 0 ? `(−${-w})` : String(w));
  const products = pixels.flatMap((x, i) => (weights[i] === 0 ? [] : [`${written(x)} · ${factor(weights[i])}`]));
  return `${products.join(' + ')} = ${written(pixels.reduce((sum, x, i) => sum + x * weights[i], 0))}`;
}
