import { expect, it } from 'vitest';
import { batchNormInference } from '../../engine/ops/batch_norm.ts';
import { conv2d } from '../../engine/ops/conv2d.ts';
import { input } from '../../engine/ops/leaves.ts';
import { add, maximum, mul, relu } from '../../engine/ops/pointwise.ts';
import { broadcastTo, mean, sum } from '../../engine/ops/reduce.ts';
import { compile } from '../../engine/program/program.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { describeAdapters } from '../gpu.ts';
import { randomArray } from '../random.ts';
import { evaluateGraph } from '../reference/interpreter.ts';
import { expectWithin, sumBound } from '../tolerance.ts';

/*
 * Graphs as they are compiled, as they are under keep: 'all', where nothing is rewritten, and in float64. All functions
 * here add, multiply and cut off: what they make of absolute values bounds how much rounding there can be. What is
 * rewritten when, rewriting.test.ts shows.
 */

const FULL = [2, 2, 3, 4] as const;
const shapes = {
  x: FULL,
  y: FULL,
  z: FULL,
  channel: [4],
  sampleChannel: [2, 1, 1, 4],
  filter: [1, 1, 4, 4],
  stats: [2, 4],
  gamma: [4],
  beta: [4],
};
const t = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, input(name, shape)])) as Record<
  keyof typeof shapes,
  Tensor
>;
const feeds = Object.fromEntries(Object.values(t).map((leaf, i) => [leaf.name!, randomArray(leaf.size, 30 + i)]));
// Negative means, which are added, and variances of at least a quarter.
feeds.stats = Float32Array.from([...randomArray(4, 50, -1, 0), ...randomArray(4, 51, 0.25, 1)]);
const magnitudes = Object.fromEntries(
  Object.entries(feeds).map(([name, values]) => [name, name === 'stats' ? values : values.map(Math.abs)]),
);

const product = mul(t.x, t.y);
const conv = conv2d(t.x, t.filter);
const normed = batchNormInference(conv, t.stats, t.gamma, t.beta, { epsilon: 1e-3, activation: 'relu' });
const middle = mul(add(t.x, t.y), t.z);
const repeated = broadcastTo(t.sampleChannel, FULL);

/** What is compiled, and the most roundings between a leaf and an output. */
const CASES: Record<string, readonly [number, readonly Tensor[]]> = {
  'a summed product that nobody else reads': [13, [sum(product)]],
  'a summed product that another reads': [13, [sum(product), add(product, t.z)]],
  'a summed product that is asked for': [13, [sum(product, [1, 2]), product]],
  'a chain': [8, [maximum(mul(add(mul(middle, 3), t.channel), t.sampleChannel), 0.25)]],
  'a chain that is asked for in the middle': [8, [mul(add(middle, t.channel), 3), middle]],
  'a chain that is read in the middle': [8, [mul(relu(middle), 3), add(middle, 1)]],
  'the chain on the right of a sum': [8, [add(t.x, relu(mul(t.y, t.z)))]],
  'operands that are repeated': [8, [add(mul(repeated, t.x), broadcastTo(t.channel, FULL)), mul(t.y, repeated)]],
  // A batch norm is a root, a quotient, a product and two sums of numbers that are within a few roundings.
  'a folded batch norm and a residual': [4 + 16, [add(t.y, normed)]],
  'a batch norm of what another reads': [4 + 16, [normed, mul(conv, 2)]],
  'a convolution that is asked for': [4 + 16, [relu(add(conv, t.channel)), conv]],
  'two convolutions in a sum': [2 * 4 + 16, [relu(add(conv, conv2d(t.y, t.filter))), mean(normed, [1, 2])]],
};

describeAdapters('a graph, rewritten and not', (device) => {
  it.each(Object.keys(CASES))('%s', async (title) => {
    const [roundings, outputs] = CASES[title];
    const want = evaluateGraph(outputs, new Map(Object.entries(feeds)));
    const size = evaluateGraph(outputs, new Map(Object.entries(magnitudes)));
    const steps: number[] = [];
    for (const keep of [undefined, 'all'] as const) {
      using program = await compile(device(), { outputs, ...(keep && { keep }) });
      const used = program.inputTensors.map(({ name }) => name!);
      program.run(Object.fromEntries(used.map((name) => [name, feeds[name]])));
      steps.push(program.steps.length);
      for (const [o, output] of outputs.entries()) {
        const bound = (i: number) => sumBound(roundings, size.get(output)![i]);
        expectWithin(await program.read(output), want.get(output)!, bound, `keep ${keep}, output ${o}`);
      }
    }
    expect(steps[0], 'steps, rewritten').toBeLessThanOrEqual(steps[1]);
  });
});
