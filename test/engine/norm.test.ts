import { describe, expect, it } from 'vitest';
import { grad } from '../../engine/autodiff.ts';
import { input } from '../../engine/ops/leaves.ts';
import { groupNorm, instanceNorm, layerNorm, rmsNorm, type LayerNormOptions } from '../../engine/ops/norm.ts';
import { compile } from '../../engine/program/program.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { UserError } from '../../engine/user_error.ts';
import { numericGradients } from '../finite_differences.ts';
import { describeAdapters, evaluate } from '../gpu.ts';
import { randomArray } from '../random.ts';
import { listsAlong } from '../reference/fold.ts';
import { groupLists, overRootMeanSquare, standardised } from '../reference/norm.ts';
import { operandAt } from '../reference/pointwise.ts';
import { UNIT, expectWithin } from '../tolerance.ts';

type Shape = readonly number[];

interface Case {
  readonly title: string;
  readonly shape: Shape;
  readonly scale: Shape;
  readonly lists: readonly (readonly number[])[];
  apply(x: Tensor, gamma: Tensor, beta: Tensor): Tensor;
  readonly rms?: true;
}

const EPSILON = 1e-3;
const layer = (shape: Shape, scale: Shape, axes: readonly number[], options: LayerNormOptions): Case => ({
  title: `layer norm of ${shape.join('x')}, ${JSON.stringify(options)}`,
  shape,
  scale,
  lists: listsAlong(shape, axes),
  apply: (x, gamma, beta) => layerNorm(x, gamma, beta, { ...options, epsilon: EPSILON }),
});
const group = (shape: Shape, groups: number): Case => ({
  title: `group norm of ${shape.join('x')} in ${groups}`,
  shape,
  scale: shape.slice(-1),
  lists: groupLists(shape, groups),
  apply: (x, gamma, beta) => groupNorm(x, groups, gamma, beta, EPSILON),
});

const CASES: Case[] = [
  layer([2, 3, 8], [8], [2], {}),
  layer([2, 3, 4, 5], [3, 4, 5], [1, 2, 3], { axis: 1 }),
  layer([2, 3, 4, 5], [4, 5], [2, 3], { axes: [-1, 2] }),
  layer([2, 6, 4], [6, 1], [1], { axes: [1] }),
  layer([3, 7], [1], [1], {}),
  group([2, 3, 2, 8], 4),
  group([2, 2, 3, 6], 1),
  {
    ...group([2, 4, 3, 3], 3),
    title: 'instance norm',
    apply: (x, gamma, beta) => instanceNorm(x, gamma, beta, EPSILON),
  },
  {
    ...layer([4, 9], [9], [1], {}),
    title: 'rms norm',
    apply: (x, gamma) => rmsNorm(x, gamma, { epsilon: EPSILON }),
    rms: true,
  },
];

describeAdapters('norms of a sample', (device) => {
  it.each(CASES)('$title, and its gradients', async ({ shape, scale, lists, apply, rms }) => {
    const [x, gamma, beta] = [input('x', shape), input('gamma', scale), input('beta', scale)];
    const y = apply(x, gamma, beta);
    const dy = input('dy', shape);
    const wrt = rms ? [x, gamma] : [x, gamma, beta];
    const feeds = {
      // Far from 0, where a variance as E[x²] − E[x]² would have lost four digits.
      x: randomArray(x.size, 1).map((v) => (rms ? v : v + 100)),
      gamma: randomArray(gamma.size, 2, 0.5, 2),
      beta: rms ? new Float32Array(beta.size) : randomArray(beta.size, 3),
      dy: randomArray(dy.size, 4),
    };
    const used = Object.fromEntries(Object.entries(feeds).filter(([name]) => !(rms && name === 'beta')));
    const [got, ...gradients] = await evaluate(device(), [y, ...grad(y, wrt, dy)], used);
    const unit = (v: ArrayLike<number>) => (rms ? overRootMeanSquare : standardised)(v, lists, EPSILON);
    const f = ([v, g, b = feeds.beta]: readonly ArrayLike<number>[]) =>
      unit(v).map((u, i) => u * g[operandAt(i, scale, shape)] + b[operandAt(i, scale, shape)]);
    // A mean of n numbers of size M is off by (n + 2)·M units, what is left without it by one M more; over the
    // deviation that is r. The deviation's own error is of that order, too, and |u| is at most √n.
    const n = lists[0].length;
    const deviation = Math.sqrt(Math.min(...lists.map((list) => spread(list.map((i) => feeds.x[i])))) + EPSILON);
    const r = (rms ? 1 : 101) / deviation;
    const error = (n + 8) * UNIT * r * (1 + Math.sqrt(n));
    expectWithin(got, f([feeds.x, feeds.gamma, feeds.beta]), () => 2 * error + 30 * UNIT * 2 * Math.sqrt(n), 'y');
    const wants = numericGradients(f, Object.values(used).slice(0, wrt.length), feeds.dy);
    // dx is γ/σ·(dy − mean(dy) − u·mean(dy·u)): two means of n terms, each with u's error twice.
    const bounds = [
      (2 / deviation) * (6 * error * Math.sqrt(n) + (n + 40) * UNIT * 3 * n),
      (x.size / gamma.size) * (error + (x.size + 10) * UNIT * Math.sqrt(n)),
      (x.size / gamma.size) * (x.size + 10) * UNIT,
    ];
    wants.forEach((want, k) => expectWithin(gradients[k], want, () => bounds[k] + 1e-8, `gradient ${k}`));
  });

  it('does without gamma and beta, and is flat where there is no variance', async () => {
    const x = input('x', [2, 4]);
    const [y] = await evaluate(device(), [layerNorm(x)], { x: [1, 1, 1, 1, -3, -1, 1, 3] });
    const d = Math.sqrt(5 + 1e-5);
    expectWithin(y, [0, 0, 0, 0, -3 / d, -1 / d, 1 / d, 3 / d], () => 20 * UNIT * 2);
  });

  it('takes five launches over the last axis, six in groups', async () => {
    const [x, g] = [input('x', [2, 8, 8, 16]), input('g', [16])];
    for (const [y, launches] of [
      [layerNorm(x, g, g), 5],
      [instanceNorm(x, g, g), 5],
    ] as const) {
      using program = await compile(device(), { outputs: [y] });
      expect(program.steps.length).toBeLessThanOrEqual(launches);
    }
  });
});

const spread = (list: readonly number[]): number => {
  const mean = list.reduce((a, b) => a + b, 0) / list.length;
  return list.reduce((sum, v) => sum + (v - mean) ** 2, 0) / list.length;
};

describe('what does not fit', () => {
  const [x, g] = [input('x', [2, 4, 4, 6]), input('g', [6])];
  it.each<[() => Tensor, RegExp]>([
    [() => groupNorm(x, 4, g, g), /6 channels do not divide into 4 groups/],
    [() => groupNorm(x, 2, g, input('b', [5])), /gamma and beta must be \[6\]/],
    [() => instanceNorm(input('y', [2, 6]), g, g), /must be \[N, H, W, C\]/],
    [() => layerNorm(x, g, g, { axes: [1], axis: 1 }), /given, not both/],
    [() => layerNorm(x, g, g, { axes: [] }), /needs an axis/],
    [() => layerNorm(x, g, g, { axis: 4 }), /there is no axis 4/],
    [() => layerNorm(x, g, g, { epsilon: -1 }), /must not be negative/],
    [() => layerNorm(x, input('c', [5]), g), /do not broadcast/],
  ])('is refused: case %#', (call, message) => {
    expect(call).toThrow(UserError);
    expect(call).toThrow(message);
  });
});
