import { expect } from 'vitest';

export type Arrays = readonly Float64Array[];

/** The derivative of <dy, f(inputs)> in every element, by central differences of fourth order in float64. */
export function numericGradients(
  f: (inputs: Arrays) => ArrayLike<number>,
  inputs: readonly ArrayLike<number>[],
  dy: ArrayLike<number>,
): Float64Array[] {
  const h = 1e-3;
  const exact = inputs.map((x) => Float64Array.from(x));
  const value = (at: Arrays) => Array.from(f(at)).reduce((sum, y, i) => sum + y * dy[i], 0);
  return exact.map((x, k) =>
    x.map((_, e) => {
      const moved = (by: number) => value(exact.map((a, j) => (j === k ? a.map((v, i) => (i === e ? v + by : v)) : a)));
      return (8 * (moved(h) - moved(-h)) - (moved(2 * h) - moved(-2 * h))) / (12 * h);
    }),
  );
}

/**
 * Proves reference gradients by central differences in float64: for f(inputs) with cotangent dy, the derivative of <dy,
 * f> in each probed element must agree with the reference's. The step 1e-5 leaves a truncation error of about 1e-10 and
 * a rounding error of about 1e-11 for values around 1; 1e-6 of the largest gradient allows for both.
 */
export function expectGradient(
  f: (inputs: Arrays) => Float64Array,
  inputs: Arrays,
  dy: Float64Array,
  gradients: Arrays,
  probes = 40,
): void {
  const step = 1e-5;
  const value = (at: Arrays) => f(at).reduce((sum, y, i) => sum + y * dy[i], 0);
  inputs.forEach((x, k) => {
    const largest = gradients[k].reduce((m, g) => Math.max(m, Math.abs(g)), 0);
    const stride = Math.max(1, Math.floor(x.length / probes));
    for (let i = 0; i < x.length; i += stride) {
      const moved = (by: number) =>
        inputs.map((a, j) => (j === k ? Float64Array.from(a, (v, e) => (e === i ? v + by : v)) : a));
      const numeric = (value(moved(step)) - value(moved(-step))) / (2 * step);
      expect(
        Math.abs(numeric - gradients[k][i]),
        `gradient ${k}[${i}]: reference ${gradients[k][i]}, finite difference ${numeric}`,
      ).toBeLessThanOrEqual(1e-6 * Math.max(1, largest));
    }
  });
}
