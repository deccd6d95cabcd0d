import { expect, it } from 'vitest';
import { grad } from '../../engine/autodiff.ts';
import { input, stopGradient } from '../../engine/ops/leaves.ts';
import { mul } from '../../engine/ops/pointwise.ts';
import { sum } from '../../engine/ops/reduce.ts';
import { row } from '../../engine/ops/row.ts';
import { describeAdapters, evaluate } from '../gpu.ts';
import { randomArray } from '../random.ts';

describeAdapters('row', (device) => {
  it.each([0, 1, 2])('takes row %d out, and its gradient lays it back among zeros', async (index) => {
    const [x, dy] = [input('x', [3, 2, 5]), input('dy', [2, 5])];
    const y = row(x, index);
    const feeds = { x: randomArray(30, 1), dy: randomArray(10, 2) };
    const dx = grad(y, [x], dy)[0];
    const [got, gotDx, back] = await evaluate(device(), [y, dx, grad(dx, [dy], x)[0]], feeds);
    expect(got).toEqual(feeds.x.slice(index * 10, index * 10 + 10));
    expect(gotDx).toEqual(
      Float32Array.from({ length: 30 }, (_, i) => (Math.floor(i / 10) === index ? feeds.dy[i % 10] : 0)),
    );
    expect(back).toEqual(got);
  });
});

it('refuses a row that is not there', () => {
  expect(() => row(input('x', [3, 2]), 3)).toThrow(/no row 3.*\[3, 2\]/);
});

it('grad does not look behind stop_gradient', () => {
  const x = input('x', [4]);
  expect(() => grad(sum(stopGradient(x)), [x])).toThrow(/does not depend/);
  // d/dx (x · stop(x)) is stop(x) alone: no zeros are made and added.
  const [dx] = grad(sum(mul(x, stopGradient(x))), [x]);
  expect(dx.op.name).toBe('pointwise');
  expect(dx.inputs.some((t) => t.op.name === 'stop_gradient')).toBe(true);
});
