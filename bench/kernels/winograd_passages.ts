type Matrix = readonly (readonly number[])[];

/**
 * The matrices of F(2x2, 3x3), Lavin & Gray 2016, section 4.1: y = Aᵀ[(G w Gᵀ) ⊙ (Bᵀ d B)]A.
 * Rows are the four places along one dimension.
 */
const A: Matrix = [
  [1, 0],
  [1, 1],
  [1, -1],
  [0, -1],
];
const G: Matrix = [
  [1, 0, 0],
  [0.5, 0.5, 0.5],
  [0.5, -0.5, 0.5],
  [0, 0, 1],
];
const B: Matrix = [
  [1, 0, -1, 0],
  [0, 1, 1, 0],
  [0, -1, 1, 0],
  [0, 1, 0, -1],
];

/**
 * [i][t][d]: how much of the product of tap t and pixel d of a tile is in output i, along one dimension:
 * Σ_z A[z][i]·G[z][t]·B[z][d], 1 where d = i + t and else 0.
 */
export const PRODUCTS = tensor((v) => v);

/**
 * The same of the matrices' absolute values: how much of it passes through the sums, and what rounding does is relative
 * to that.
 */
const PASSED = tensor(Math.abs);

function tensor(of: (v: number) => number): number[][][] {
  return [0, 1].map((i) =>
    [0, 1, 2].map((t) =>
      [0, 1, 2, 3].map((d) => A.reduce((sum, _, z) => sum + of(A[z][i]) * of(G[z][t]) * of(B[z][d]), 0)),
    ),
  );
}

/**
 * The product of tap (r, s) and pixel (h, v) of a tile of 4x4 passes through the sums behind output (i, j) of its 2x2,
 * `share` times.
 */
interface Passage {
  readonly output: readonly [i: number, j: number];
  readonly tap: readonly [r: number, s: number];
  readonly pixel: readonly [h: number, v: number];
  readonly share: number;
}

const ALONG_ONE = PASSED.flatMap((taps, i) =>
  taps.flatMap((pixels, t) => pixels.map((share, d) => ({ i, t, d, share }))),
).filter(({ share }) => share > 0);

export const PASSAGES: readonly Passage[] = ALONG_ONE.flatMap((a) =>
  ALONG_ONE.map((b) => ({ output: [a.i, b.i], tap: [a.t, b.t], pixel: [a.d, b.d], share: a.share * b.share })),
);

/**
 * Roundings beside those of the sums: the transforms are sums too, in either dimension of an input of two terms (one
 * rounding), of a filter or its gradient (two), of an output (two) or its cotangent (one). A number passes at most 2 ·
 * (1 + 2 + 2) of them, one of them counted with its product.
 */
export const TRANSFORM_ROUNDINGS = 10;
