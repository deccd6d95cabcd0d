import { expect } from 'vitest';
import { TRANSFORM_ROUNDINGS } from '../bench/kernels/winograd_passages.ts';

/** The unit roundoff of f32. */
export const UNIT = 2 ** -24;

/**
 * The bound on the rounding error of a sum of `length` products in f32, whatever the order (Higham 2002, section 3.1):
 * γ·Σ|aᵢbᵢ| with γ = (length + 2)·u/(1 − (length + 2)·u).
 * `magnitude` is Σ|aᵢbᵢ|: what the reference gives for |a| and |b|.
 */
export const sumBound = (length: number, magnitude: number): number => {
  const n = (length + 2) * UNIT;
  return (n / (1 - n)) * magnitude;
};

/**
 * The same of a convolution by Winograd's F(2x2, 3x3), a sum over `products` channels or, of the filter gradient,
 * tiles, whose operands and results are sums too. `magnitude` is what the transforms make of absolute values,
 * |Aᵀ|[(|G||w||Gᵀ|) ⊙ (|Bᵀ||d||B|)]|A| summed (reference/winograd.ts; Higham 2002, section 3.5). Where all numbers are
 * of one size it is 64/9 of the direct sum's, and that has 9 times as many roundings.
 */
export const winogradBound = (products: number, magnitude: number): number =>
  sumBound(products + TRANSFORM_ROUNDINGS, magnitude);

/**
 * How far two adapters may be apart after a chain of layers whose sums have these lengths: each adds in an order of its
 * own, so either is within `sumBound` of the exact sum, and to first order the layers' errors add up. Relative to the
 * magnitude Σ|aᵢbᵢ| that arrives.
 */
export const adaptersBound = (lengths: readonly number[]): number =>
  2 * lengths.reduce((sum, length) => sum + sumBound(length, 1), 0);

/**
 * WGSL allows exp, division and the like a few ulp (exp: 3 + 2·|x|); this is the bound for a chain of `functions` of
 * them whose arguments stay below 8 in size.
 */
export const functionBound = (functions: number, magnitude: number): number => functions * 20 * 2 * UNIT * magnitude;

/** Every element within its own bound. A NaN on either side fails. */
export function expectWithin(
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  bound: (i: number) => number,
  what = 'value',
): void {
  expect(got.length, `${what}: length`).toBe(want.length);
  for (let i = 0; i < want.length; i++) {
    const error = Math.abs(got[i] - want[i]);
    if (!(error <= bound(i)))
      expect.fail(`${what}[${i}] is ${got[i]}, the reference ${want[i]}: off by ${error}, allowed ${bound(i)}`);
  }
}

/** ‖got − want‖ / ‖want‖. */
export function relativeL2(got: ArrayLike<number>, want: ArrayLike<number>): number {
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < want.length; i++) {
    difference += (got[i] - want[i]) ** 2;
    norm += want[i] ** 2;
  }
  return Math.sqrt(difference / norm);
}

/** Σ aᵢ·bᵢ in float64. */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
