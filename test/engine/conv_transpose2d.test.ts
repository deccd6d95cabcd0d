import { describe, expect, it } from 'vitest';
import { grad } from '../../engine/autodiff.ts';
import { convTranspose2d, type ConvTransposeAttributes } from '../../engine/ops/conv_transpose2d.ts';
import { input } from '../../engine/ops/leaves.ts';
import { mul } from '../../engine/ops/pointwise.ts';
import { sum } from '../../engine/ops/reduce.ts';
import { UserError } from '../../engine/user_error.ts';
import { expectGradient } from '../finite_differences.ts';
import { describeAdapters, evaluate } from '../gpu.ts';
import { randomArray } from '../random.ts';
import * as reference from '../reference/conv_transpose2d.ts';
import { expectWithin, sumBound } from '../tolerance.ts';

interface Case {
  readonly x: readonly [number, number, number, number];
  readonly w: readonly [number, number, number, number];
  readonly attrs: ConvTransposeAttributes;
  /** Worked out by hand from the definition. */
  readonly out: readonly [number, number];
  readonly pad: readonly [number, number];
}

const CASES: Case[] = [
  { x: [2, 3, 4, 4], w: [2, 2, 8, 4], attrs: { stride: 2 }, out: [6, 8], pad: [0, 0] },
  { x: [1, 4, 3, 5], w: [3, 3, 3, 5], attrs: {}, out: [6, 5], pad: [0, 0] },
  { x: [1, 4, 3, 4], w: [3, 3, 4, 4], attrs: { stride: 2, padding: 1, outputPadding: 1 }, out: [8, 6], pad: [1, 1] },
  {
    x: [2, 3, 3, 6],
    w: [4, 3, 2, 6],
    attrs: {
      stride: [2, 3],
      padding: [
        [1, 2],
        [0, 1],
      ],
    },
    out: [5, 8],
    pad: [1, 0],
  },
  { x: [1, 3, 4, 8], w: [3, 3, 4, 8], attrs: { dilation: 2, stride: 2, groups: 2 }, out: [9, 11], pad: [0, 0] },
  { x: [1, 4, 4, 6], w: [3, 3, 1, 6], attrs: { groups: 6, padding: 1, stride: 2 }, out: [7, 7], pad: [1, 1] },
  { x: [1, 3, 4, 4], w: [3, 3, 4, 4], attrs: { stride: 2, padding: 'same' }, out: [6, 8], pad: [0, 0] },
  { x: [1, 3, 4, 4], w: [1, 1, 4, 4], attrs: { stride: 2, padding: 'same' }, out: [6, 8], pad: [0, 0] },
  { x: [1, 3, 4, 4], w: [3, 3, 4, 4], attrs: { stride: 2, size: [8, 10] }, out: [8, 10], pad: [0, 0] },
  {
    x: [1, 3, 4, 4],
    w: [2, 2, 4, 4],
    attrs: { stride: 1, outputPadding: [2, 1], dilation: 3 },
    out: [8, 8],
    pad: [0, 0],
  },
];

const pair = (v: number | readonly [number, number]): readonly [number, number] => (typeof v === 'number' ? [v, v] : v);
const described = ({ x, w, attrs, out, pad }: Case): reference.Transposed => {
  const groups = attrs.groups ?? 1;
  return {
    x,
    filter: [w[0], w[1]],
    y: [x[0], ...out, w[2] * groups],
    stride: pair(attrs.stride ?? 1),
    dilation: pair(attrs.dilation ?? 1),
    pad,
    groups,
  };
};

describe('the reference', () => {
  it.each([CASES[2], CASES[4], CASES[9]])('agrees with finite differences: $x, $attrs', (c) => {
    const t = described(c);
    const size = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1);
    const [x, w, dy] = [c.x, c.w, t.y].map((dims, i) => Float64Array.from(randomArray(size(dims), i)));
    const { dx, dw } = reference.convTransposeGradients(t, x, w, dy);
    expectGradient(([p, q]) => reference.convTranspose2d(t, p, q), [x, w], dy, [dx, dw]);
  });
});

describeAdapters('the transposed convolution', (device) => {
  it.each(CASES)('of $x with $w, $attrs, and its gradients', async (c) => {
    const t = described(c);
    const [x, w] = [input('x', c.x), input('w', c.w)];
    const y = convTranspose2d(x, w, c.attrs);
    expect(y.shape).toEqual(t.y);
    const dy = input('dy', y.shape);
    const feeds = { x: randomArray(x.size, 1), w: randomArray(w.size, 2), dy: randomArray(dy.size, 3) };
    const absolute = Object.values(feeds).map((v) => v.map(Math.abs));
    const [got, dx, dw] = await evaluate(device(), [y, ...grad(y, [x, w], dy)], feeds);
    const sizes = reference.convTranspose2d(t, absolute[0], absolute[1]);
    const taps = c.w[0] * c.w[1] * (c.x[3] / t.groups);
    expectWithin(got, reference.convTranspose2d(t, feeds.x, feeds.w), (i) => sumBound(taps, sizes[i]), 'y');
    const want = reference.convTransposeGradients(t, feeds.x, feeds.w, feeds.dy);
    const most = reference.convTransposeGradients(t, absolute[0], absolute[1], absolute[2]);
    expectWithin(dx, want.dx, (i) => sumBound(c.w[0] * c.w[1] * c.w[2], most.dx[i]), 'dx');
    expectWithin(dw, want.dw, (i) => sumBound(c.x[0] * c.x[1] * c.x[2], most.dw[i]), 'dw');
  });

  it('has second derivatives: of <c, dx> with respect to w it is the gradient again', async () => {
    const c = CASES[2];
    const t = described(c);
    const [x, w] = [input('x', c.x), input('w', c.w)];
    const dy = input('dy', t.y);
    const along = input('along', c.x);
    const [dx] = grad(convTranspose2d(x, w, c.attrs), [x], dy);
    const [dw] = grad(sum(mul(dx, along)), [w]);
    const feeds = { w: randomArray(w.size, 2), dy: randomArray(dy.size, 3), along: randomArray(along.size, 4) };
    const [got] = await evaluate(device(), [dw], { dy: feeds.dy, along: feeds.along });
    const want = reference.convTransposeGradients(t, feeds.along, feeds.w, feeds.dy).dw;
    const most = reference.convTransposeGradients(t, feeds.along.map(Math.abs), feeds.w, feeds.dy.map(Math.abs)).dw;
    expectWithin(got, want, (i) => sumBound(12, most[i]));
  });
});

describe('what does not fit', () => {
  const x = input('x', [1, 4, 4, 6]);
  it.each<[readonly number[], ConvTransposeAttributes, RegExp]>([
    [[3, 3, 6, 4], {}, /the input has 6 channels and the filter takes 4/],
    [[3, 3, 6, 6], { groups: 4 }, /6 channels do not divide into 4 groups/],
    [[3, 3, 6, 6], { size: 5 }, /5 pixels would be left, and it has at least 6/],
    [[3, 3, 6, 6], { size: 8, outputPadding: 1 }, /given, not both/],
    [[3, 3, 6, 6], { padding: 3 }, /0 pixels would be left/],
    [[3, 3, 6], {}, /the filter must be/],
  ])('is refused: filter %j, %j', (shape, attrs, message) => {
    const call = () => convTranspose2d(x, input('w', shape), attrs);
    expect(call).toThrow(UserError);
    expect(call).toThrow(message);
  });
});
