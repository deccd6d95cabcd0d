import { expect } from 'vitest';
import { convTerms, depthwiseTerms, matmulTerms, offsetOf, type Term } from '../../engine/explain/terms.ts';
import { NORM_EPSILON } from '../../web/learn/network.ts';
import type { CheckResult, Values, View } from '../../web/learn/view.ts';
import { functionBound, sumBound, UNIT } from '../tolerance.ts';

/*
 * How far rounding can take the numbers of a forward pass from what exact arithmetic would give: a bound for each
 * element, carried from layer to layer (a running error analysis, Higham 2002, section 3.3). Two devices are apart by
 * at most twice that.
 */

const indexOf = (shape: readonly number[], offset: number): number[] => {
  const at: number[] = [];
  for (let axis = shape.length - 1, rest = offset; axis >= 0; axis--) {
    at.unshift(rest % shape[axis]);
    rest = Math.floor(rest / shape[axis]);
  }
  return at;
};

/** Of each element of each layer's output. The parameters are taken as exact. */
export function forwardBounds({ layers }: View): Float64Array[] {
  const bounds: Float64Array[] = [];
  layers.forEach((layer) => {
    const { y, kind, geometry: g, parameters, inputs, activation, pooling } = layer;
    const [[before, x], [beforeOther, other]] = [0, 1].map(
      (which) => [bounds[inputs[which]], layers[inputs[which]]?.y] as const,
    );
    const role = (name: string): Values | undefined => parameters.find((p) => p.role === name)?.value;
    const weighted = (terms: readonly Term[], at: readonly number[], shape: readonly number[]) => {
      const [w, b] = [role('w')!, role('b')];
      const bias = b ? Math.abs(b.data[at[at.length - 1]]) : 0;
      let [carried, magnitude] = [0, bias];
      for (const {
        at: { x: from, w: by },
      } of terms) {
        const [k, weight] = [offsetOf(shape, from), Math.abs(w.data[offsetOf(w.shape, by)])];
        carried += before[k] * weight;
        magnitude += (Math.abs(x.data[k]) + before[k]) * weight;
      }
      return carried + sumBound(terms.length + (b ? 1 : 0), magnitude);
    };
    bounds.push(
      Float64Array.from(y.data, (value, offset) => {
        if (kind === 'input') return 0;
        const at = indexOf(y.shape, offset);
        if (kind === 'conv') return weighted(convTerms(g!).forward(at), at, x.shape);
        if (kind === 'depthwise') return weighted(depthwiseTerms(g!).forward(at), at, x.shape);
        if (kind === 'dense') {
          const [inner, outer] = role('w')!.shape;
          return weighted(matmulTerms([1, inner], outer).forward(at), at, [1, inner]);
        }
        if (kind === 'norm') {
          const [c, running] = [at[at.length - 1], role('running')!];
          const variance = running.data[running.shape[1] + c];
          const scale = Math.abs(role('gamma')!.data[c]) / Math.sqrt(variance + NORM_EPSILON);
          return (
            before[offset] * scale +
            functionBound(
              1,
              scale * (Math.abs(x.data[offset]) + Math.abs(running.data[c])) + Math.abs(role('beta')!.data[c]),
            )
          );
        }
        // No slope of these is steeper than 1.1 (that of SiLU).
        if (kind === 'activation')
          return (
            1.1 * before[offset] +
            (activation === 'relu' ? 0 : functionBound(3, Math.max(1, Math.abs(value), Math.abs(x.data[offset]))))
          );
        if (kind === 'pool') {
          // Of a window: the largest moves no further than the one that moves most, and so does the mean, whose sum
          // rounds as well.
          const [, ho, wo, c] = at;
          const side = Array.from({ length: g!.filterH }, (_, r) => r);
          const stride = g!.strideH;
          const window = side.flatMap((r) =>
            side.map((s) => offsetOf(x.shape, [0, stride * ho + r, stride * wo + s, c])),
          );
          return (
            Math.max(...window.map((k) => before[k])) +
            (pooling === 'max' ? 0 : sumBound(window.length, Math.max(...window.map((k) => Math.abs(x.data[k])))))
          );
        }
        if (kind === 'mean') {
          const [, height, width, channels] = x.shape;
          let [carried, magnitude] = [0, 0];
          for (let k = at[1]; k < x.data.length; k += channels) {
            carried += before[k] / (height * width);
            magnitude += (Math.abs(x.data[k]) + before[k]) / (height * width);
          }
          return carried + sumBound(height * width + 2, magnitude);
        }
        if (kind === 'scale') {
          const k = at[3];
          const [a, b] = [Math.abs(x.data[offset]), Math.abs(other.data[k])];
          return before[offset] * (b + beforeOther[k]) + a * beforeOther[k] + UNIT * Math.abs(value);
        }
        if (kind === 'add') return before[offset] + beforeOther[offset] + UNIT * Math.abs(value);
        // Cross entropy moves by no more than its logits do, all together; its own rounding is that of numbers up to
        // the largest of them.
        return before.reduce((a, b) => a + b, 0) + functionBound(3, 1 + 2 * Math.max(...x.data.map(Math.abs)));
      }),
    );
  });
  return bounds;
}

/** Of the loss. */
export const lossBound = (view: View): number => forwardBounds(view)[view.layers.length - 1][0];

/**
 * Central differences of a smooth loss agree with the gradient: each is off by h² times a third derivative, which the
 * largest h shows, and by what the rounding of two losses makes of it.
 * @param bound on the rounding of the loss
 */
export function expectAgreement(
  { analytic, differences: [wide, middle, narrow] }: CheckResult,
  bound: number,
  what: string,
): void {
  const rounding = ({ h }: { h: number }) => (2 * bound) / (2 * h);
  const curvature =
    (Math.abs(wide.slope - middle.slope) + rounding(wide) + rounding(middle)) / (1 - (middle.h / wide.h) ** 2);
  for (const difference of [middle, narrow]) {
    const allowed = rounding(difference) + curvature * (difference.h / wide.h) ** 2 + 64 * UNIT * Math.abs(analytic);
    expect(
      Math.abs(difference.slope - analytic),
      `${what}: ${analytic} and ${difference.slope} with h = ${difference.h}`,
    ).toBeLessThanOrEqual(allowed);
  }
}
