import { expect, it } from 'vitest';
import { input } from '../../engine/ops/leaves.ts';
import { mul, square } from '../../engine/ops/pointwise.ts';
import { slice, split } from '../../engine/ops/slice.ts';
import { compile } from '../../engine/program/program.ts';
import type { Shape, Tensor } from '../../engine/tensor.ts';
import { describeAdapters } from '../gpu.ts';
import { randomArray } from '../random.ts';

/*
 * A part of a temporary that lies together, where a binding can begin, is no copy but a view. What is read from it is
 * what a copy holds: `keep: 'all'` makes copies.
 */
const PARTS: readonly [string, Shape, (x: Tensor) => Tensor[], copies: number][] = [
  ['halves of a batch', [4, 3, 5, 64], (x) => split(x, [2, 2], 0), 0],
  ['a slice of a slice', [6, 64], (x) => [slice(slice(x, [1, 0], [4, 64]), [2, 0], [1, 64])], 0],
  ['a part of an odd size at the end', [65, 64], (x) => split(x, [64, 1], 0), 0],
  ['one number at the end, whose smallest binding is larger', [65], (x) => split(x, [64, 1], 0), 2],
  ['parts that begin anywhere', [6, 5], (x) => split(x, [2, 4], 0), 2],
  ['columns', [4, 128], (x) => split(x, [64, 64], 1), 2],
  ['every second row', [4, 64], (x) => [slice(x, [0, 0], [2, 64], [2, 1])], 1],
];

describeAdapters('parts of temporaries', (device) => {
  it.each(PARTS)('%s', async (_, shape, partsOf, copies) => {
    const x = input('x', shape);
    const outputs = partsOf(square(x)).map((part) => mul(part, 3));
    using program = await compile(device(), { outputs });
    using copied = await compile(device(), { outputs, keep: 'all' });
    const isCopy = ({ launch }: { launch: { kernel: { name: string } } }) => launch.kernel.name.startsWith('copy_');
    expect(program.steps.filter(isCopy).length).toBe(copies);
    expect(copied.steps.filter(isCopy).length).toBeGreaterThan(0);
    const feeds = { x: randomArray(x.size, 1) };
    program.run(feeds);
    copied.run(feeds);
    for (const y of outputs) expect([...(await program.read(y))]).toEqual([...(await copied.read(y))]);
  });
});
