import { expect } from 'vitest';
import { convTerms, depthwiseTerms, matmulTerms, offsetOf, type Term } from '../../engine/explain/terms.ts';
import { explain } from '../../web/learn/explain.ts';
import type { Behind, Selection, Summand } from '../../web/learn/explanation.ts';
import { NORM_EPSILON, type Role } from '../../web/learn/network.ts';
import { usersOf, type CheckResult, type Values, type View } from '../../web/learn/view.ts';
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
export function forwardBounds({ layers, batch }: View): Float64Array[] {
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
          return weighted(matmulTerms([x.shape[0], inner], outer).forward(at), at, [x.shape[0], inner]);
        }
        if (kind === 'norm') {
          const [c, running] = [at[at.length - 1], role('running')!];
          const variance = running.data[running.shape[1] + c];
          const scale = Math.abs(role('gamma')!.data[c]) / Math.sqrt(variance + NORM_EPSILON);
          const own = scale * (Math.abs(x.data[offset]) + Math.abs(running.data[c])) + Math.abs(role('beta')!.data[c]);
          const shared = batch ? statisticsBound(x, before, running, c) : { mean: 0, deviation: 0 };
          const normal = Math.abs(x.data[offset] - running.data[c]) / Math.sqrt(variance + NORM_EPSILON);
          return scale * (before[offset] + shared.mean + normal * shared.deviation) + functionBound(1, own);
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
          const [n, ho, wo, c] = at;
          const side = Array.from({ length: g!.filterH }, (_, r) => r);
          const stride = g!.strideH;
          const window = side.flatMap((r) =>
            side.map((s) => offsetOf(x.shape, [n, stride * ho + r, stride * wo + s, c])),
          );
          return (
            Math.max(...window.map((k) => before[k])) +
            (pooling === 'max' ? 0 : sumBound(window.length, Math.max(...window.map((k) => Math.abs(x.data[k])))))
          );
        }
        if (kind === 'mean') {
          const [, height, width, channels] = x.shape;
          let [carried, magnitude] = [0, 0];
          const size = height * width * channels;
          for (let k = at[0] * size + at[1]; k < (at[0] + 1) * size; k += channels) {
            carried += before[k] / (height * width);
            magnitude += (Math.abs(x.data[k]) + before[k]) / (height * width);
          }
          return carried + sumBound(height * width + 2, magnitude);
        }
        if (kind === 'scale') {
          const k = offsetOf(other.shape, [at[0], at[3]]);
          const [a, b] = [Math.abs(x.data[offset]), Math.abs(other.data[k])];
          return before[offset] * (b + beforeOther[k]) + a * beforeOther[k] + UNIT * Math.abs(value);
        }
        if (kind === 'add') return before[offset] + beforeOther[offset] + UNIT * Math.abs(value);
        // Cross entropy moves by no more than its logits do, all together; its own rounding is that of numbers up to
        // the largest of them.
        return (
          before.reduce((a, b) => a + b, 0) / x.shape[0] + functionBound(3, 1 + 2 * Math.max(...x.data.map(Math.abs)))
        );
      }),
    );
  });
  return bounds;
}

/**
 * How far the mean and the deviation of a channel's x, in a batch, can be off, from the rounding of x and their own: by
 * the first derivatives, dmean = Σ dx/M and dσ/σ = Σ x̂ dx/(σ M).
 */
function statisticsBound(x: Values, before: Float64Array, { shape, data }: Values, c: number) {
  const channels = shape[1];
  const count = x.data.length / channels;
  const deviation = Math.sqrt(data[channels + c] + NORM_EPSILON);
  let [carried, size, bent] = [0, 0, 0];
  for (let i = c; i < x.data.length; i += channels) {
    carried += before[i] / count;
    size += Math.abs(x.data[i]) / count;
    bent += ((Math.abs(x.data[i] - data[c]) / deviation) * before[i]) / count;
  }
  return { mean: carried + sumBound(count, size), deviation: bent + deviation * sumBound(count, 1) };
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

/** Of a sum of products; the mean's share of a place is a factor that is rounded itself. */
const productsBound = (summands: readonly Summand[]): number =>
  sumBound(
    summands.length + 2,
    summands.reduce((sum, { product }) => sum + Math.abs(product), 0),
  );

/** What may lie between what a layer hands back, as it is explained, and the number on the GPU. */
function backBound(view: View, user: number, at: readonly number[], { computed, summands }: Behind): number {
  const { kind, inputs, dy } = view.layers[user];
  const x = view.layers[inputs[0]].y;
  // A slope, and tanh as (e^x − e^−x)/(e^x + e^−x), are differences of numbers about 1.
  if (kind === 'activation')
    return functionBound(3, Math.max(Math.abs(dy.data[offsetOf(dy.shape, at)]), Math.abs(computed)));
  if (kind === 'norm')
    return functionBound(
      1,
      summands.reduce((sum, { product }) => sum + Math.abs(product), Math.abs(computed)),
    );
  // Probabilities near 1 are taken from 1: the rounding is that of 1.
  if (kind === 'loss') return functionBound(3, 1 + Math.max(...x.data.map(Math.abs)));
  return productsBound(summands);
}

/** What may lie between the sum of an explanation and the number on the GPU. */
export function explanationBound(view: View, { layer, part, at }: Selection): number {
  const explanation = explain(view, { layer, part, at });
  const { summands, computed, paths } = explanation;
  const { kind, parameters, y, dy, inputs } = view.layers[layer];
  if (part === 'dy') {
    const [user] = usersOf(view.layers, layer);
    if (user === undefined) return 0;
    if (!paths) return backBound(view, user, at, explanation);
    return paths.reduce((sum, path) => sum + backBound(view, path.user, at, path.behind), productsBound(summands));
  }
  const role = (name: Role) => parameters.find((p) => p.role === name)!.value.data;
  const [channels, c] = [y.shape[y.shape.length - 1], at[at.length - 1]];
  // Normalising takes a difference: its rounding is that of the two numbers.
  const normalising = (i: number) =>
    (Math.abs(view.layers[inputs[0]].y.data[i]) + Math.abs(role('running')[c])) /
    Math.sqrt(role('running')[channels + c]);
  if (part === 'gamma') {
    let size = 0;
    for (let i = c; i < dy.data.length; i += channels) size += Math.abs(dy.data[i]) * normalising(i);
    return sumBound(summands.length, size) + functionBound(1, size);
  }
  if (part !== 'y') return productsBound(summands);
  if (kind === 'norm')
    return functionBound(
      1,
      Math.abs(role('gamma')[c]) * normalising(offsetOf(y.shape, at)) + Math.abs(role('beta')[c]),
    );
  if (kind === 'activation') return functionBound(3, Math.max(1, Math.abs(computed)));
  if (kind === 'loss') return functionBound(3, 1 + Math.max(...y.data.map(Math.abs)));
  return productsBound(summands);
}
