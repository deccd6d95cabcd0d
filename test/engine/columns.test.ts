import { expect, it } from 'vitest';
import { grad } from '../../engine/autodiff.ts';
import { openDevice } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { columns, placeColumns } from '../../engine/ops/columns.ts';
import { input } from '../../engine/ops/leaves.ts';
import { compile } from '../../engine/program/program.ts';
import { describeAdapters, evaluate } from '../gpu.ts';
import { randomArray } from '../random.ts';
import { evaluateGraph } from '../reference/interpreter.ts';

describeAdapters('columns', (device) => {
  it.each([
    [5, 7, 0, 3],
    [5, 7, 4, 3],
    [1, 37, 36, 1],
    [70, 3, 0, 3],
    [2, 70, 1, 68],
  ])('of [%d, %d] from %d on, %d of them, and back among zeros', async (rows, width, from, count) => {
    const [x, dy] = [input('x', [rows, width]), input('dy', [rows, count])];
    const y = columns(x, from, count);
    const [dx] = grad(y, [x], dy);
    const outputs = [y, dx, grad(dx, [dy], x)[0], placeColumns(dy, from, width)];
    const feeds = { x: randomArray(x.size, 1), dy: randomArray(dy.size, 2) };
    const got = await evaluate(device(), outputs, feeds);
    const rowsOf = (values: Float32Array, n: number) =>
      Array.from({ length: rows }, (_, r) => [...values.subarray(r * n, (r + 1) * n)]);
    expect(rowsOf(got[0], count)).toEqual(rowsOf(feeds.x, width).map((row) => row.slice(from, from + count)));
    const zeros = (n: number) => Array<number>(n).fill(0);
    expect(rowsOf(got[1], width)).toEqual(
      rowsOf(feeds.dy, count).map((row) => [...zeros(from), ...row, ...zeros(width - from - count)]),
    );
    expect(got[2]).toEqual(got[0]);
    expect(got[3]).toEqual(got[1]);
    // What the graph's interpreter takes for the truth elsewhere.
    const want = evaluateGraph(outputs, new Map(Object.entries(feeds)));
    outputs.forEach((t, i) => expect([...got[i]]).toEqual([...want.get(t)!]));
  });

  it('runs over the last of several dimensions', async () => {
    const x = input('x', [2, 3, 4]);
    const values = randomArray(24, 1);
    const [got] = await evaluate(device(), [columns(x, 1, 2)], { x: values });
    expect([...got]).toEqual([...values].filter((_, i) => i % 4 === 1 || i % 4 === 2));
  });
});

it('columns that are not there are refused', () => {
  const x = input('x', [3, 2]);
  for (const [from, count] of [
    [0, 3],
    [2, 1],
    [-1, 1],
    [0, 0],
    [0.5, 1],
  ])
    expect(() => columns(x, from, count)).toThrow(/columns: there are no .*\[3, 2\]/);
  expect(() => placeColumns(x, 1, 2)).toThrow(/2 columns from 1 on do not fit into 2/);
  expect(() => columns(input('s', []), 0, 1)).toThrow(/columns/);
});

it('columns compile on the null backend', async () => {
  using device = await openDevice({ gpu: openGpu({ backend: 'null' }) });
  const x = input('x', [3, 5]);
  using program = await compile(device, { outputs: [columns(x, 1, 2), placeColumns(x, 2, 9)] });
  expect(program.steps.length).toBe(2);
});
