import { describe, expect, it } from 'vitest';
import { grad } from '../../engine/autodiff.ts';
import { input } from '../../engine/ops/leaves.ts';
import { matmul, type MatmulAttributes } from '../../engine/ops/matmul.ts';
import { UserError } from '../../engine/user_error.ts';
import { numericGradients } from '../finite_differences.ts';
import { describeBothWays, evaluate } from '../gpu.ts';
import { randomArray } from '../random.ts';
import { expectWithin, sumBound } from '../tolerance.ts';

type Shape = readonly number[];
const sizeOf = (shape: Shape) => shape.reduce((a, b) => a * b, 1);

/** NumPy's matmul of a and b, after `transpose`d last dimensions, by its definition: every index of y by itself. */
function product(a: ArrayLike<number>, b: ArrayLike<number>, A: Shape, B: Shape, Y: Shape, attrs: MatmulAttributes) {
  const [rankA, rankB] = [A.length, B.length];
  const left = rankA === 1 ? [1, ...A] : A;
  const right = rankB === 1 ? [...B, 1] : B;
  const full = [...Y];
  if (rankB === 1) full.push(1);
  if (rankA === 1) full.splice(full.length - 1, 0, 1);
  const K = left[left.length - (attrs.transposeA ? 2 : 1)];
  const place = (shape: Shape, lead: Shape, row: number, column: number): number => {
    const own = shape.slice(0, -2);
    const used = lead.slice(lead.length - own.length);
    const at = own.reduce((sum, d, i) => sum * d + (d === 1 ? 0 : used[i]), 0);
    return (at * shape[shape.length - 2] + row) * shape[shape.length - 1] + column;
  };
  return Float64Array.from({ length: sizeOf(Y) }, (_, i) => {
    const index: number[] = [];
    for (let d = full.length - 1, rest = i; d >= 0; d--) {
      index[d] = rest % full[d];
      rest = Math.floor(rest / full[d]);
    }
    const [lead, m, n] = [index.slice(0, -2), index[index.length - 2], index[index.length - 1]];
    let sum = 0;
    for (let k = 0; k < K; k++)
      sum +=
        a[attrs.transposeA ? place(left, lead, k, m) : place(left, lead, m, k)] *
        b[attrs.transposeB ? place(right, lead, n, k) : place(right, lead, k, n)];
    return sum;
  });
}

const CASES: [Shape, Shape, Shape, MatmulAttributes][] = [
  [[3, 5, 7], [3, 7, 6], [3, 5, 6], {}],
  [[2, 3, 4, 8], [2, 3, 8, 5], [2, 3, 4, 5], {}],
  // One matrix on the right, on the left; ones that are repeated, on either side.
  [[2, 3, 4, 8], [8, 5], [2, 3, 4, 5], {}],
  [[4, 8], [2, 3, 8, 5], [2, 3, 4, 5], {}],
  [[1, 4, 6], [5, 6, 3], [5, 4, 3], {}],
  [[2, 1, 4, 6], [3, 6, 2], [2, 3, 4, 2], {}],
  [[3, 7, 5], [3, 6, 7], [3, 5, 6], { transposeA: true, transposeB: true }],
  [[3, 5, 7], [6, 7], [3, 5, 6], { transposeB: true }],
  [[3, 7, 5], [7, 6], [3, 5, 6], { transposeA: true }],
  // Vectors.
  [[7], [7], [], {}],
  [[7], [7, 3], [3], {}],
  [[5, 7], [7], [5], {}],
  [[7], [4, 7, 3], [4, 3], {}],
  [[2, 5, 7], [7], [2, 5], {}],
  [[2, 5, 7], [2, 6, 7], [2, 5, 6], { transposeB: true, version: 1 }],
];
// Enough of them for a thread to take four rows and columns.
const LARGE: (typeof CASES)[number] = [[40, 33, 16], [40, 16, 35], [40, 33, 35], {}];

describeBothWays('products of many matrices', (device) => {
  it.each([...CASES, LARGE])('%j with %j is %j, %j', async (A, B, Y, attrs) => {
    const [a, b] = [input('a', A), input('b', B)];
    const y = matmul(a, b, attrs);
    expect(y.shape).toEqual(Y);
    const dy = input('dy', Y);
    const feeds = { a: randomArray(a.size, 1), b: randomArray(b.size, 2), dy: randomArray(dy.size, 3) };
    const [got, da, db] = await evaluate(device(), [y, ...grad(y, [a, b], dy)], feeds);
    const K = A[A.length - (attrs.transposeA ? 2 : 1)];
    // No operand is larger than 1.
    expectWithin(got, product(feeds.a, feeds.b, A, B, Y, attrs), () => sumBound(K, K), 'y');
    if (y.size > 1000) return;
    const f = ([p, q]: readonly Float64Array[]) => product(p, q, A, B, Y, attrs);
    const [wantA, wantB] = numericGradients(f, [feeds.a, feeds.b], feeds.dy);
    const [termsA, termsB] = [a, b].map((t) => (y.size * K) / t.size);
    expectWithin(da, wantA, () => sumBound(termsA, termsA) + 1e-9, 'da');
    expectWithin(db, wantB, () => sumBound(termsB, termsB) + 1e-9, 'db');
  });
});

describe('what does not fit', () => {
  it.each<[Shape, Shape, MatmulAttributes, RegExp]>([
    [[2, 3, 4], [3, 4, 5], {}, /the leading dimensions do not broadcast/],
    [[2, 3, 4], [2, 5, 4], {}, /the inner dimensions differ/],
    [[2, 3, 4], [5], {}, /the inner dimensions differ/],
    [[], [5], {}, /a factor is a scalar/],
    [[4], [4, 3], { transposeA: true }, /a vector is not transposed/],
  ])('%j and %j are refused', (A, B, attrs, message) => {
    const call = () => matmul(input('a', A), input('b', B), attrs);
    expect(call).toThrow(UserError);
    expect(call).toThrow(message);
  });
});
