import { describe, expect, it } from 'vitest';
import { grad } from '../../engine/autodiff.ts';
import { openDevice } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { input } from '../../engine/ops/leaves.ts';
import { mul } from '../../engine/ops/pointwise.ts';
import { sum } from '../../engine/ops/reduce.ts';
import { logSoftmax, softmax, softmaxCrossEntropy } from '../../engine/ops/softmax_cross_entropy.ts';
import { compile } from '../../engine/program/program.ts';
import { UserError } from '../../engine/user_error.ts';
import { expectGradient } from '../finite_differences.ts';
import { describeBothWays, evaluate } from '../gpu.ts';
import { randomArray } from '../random.ts';
import { listsAlong } from '../reference/fold.ts';
import * as reference from '../reference/softmax_cross_entropy.ts';
import { expectWithin, functionBound, sumBound } from '../tolerance.ts';

it('the reference agrees with finite differences', () => {
  const f64 = (a: Float32Array) => Float64Array.from(a);
  const [rows, classes] = [3, 5];
  const [x, t, dy, dLoss] = [
    f64(randomArray(15, 1, -3, 3)),
    f64(randomArray(15, 2, 0, 1)),
    f64(randomArray(15, 3)),
    f64(randomArray(rows, 4)),
  ];
  expectGradient(([v]) => reference.softmax(v, classes), [x], dy, [reference.softmaxInputGrad(x, dy, classes)]);
  expectGradient(([v]) => reference.logSoftmax(v, classes), [x], dy, [reference.logSoftmaxInputGrad(x, dy, classes)]);
  const { dx, dt } = reference.crossEntropyGradients(x, t, dLoss, classes);
  expectGradient(([a, b]) => reference.crossEntropy(a, b, classes), [x, t], dLoss, [dx, dt]);
});

describeBothWays('softmax and cross entropy', (device) => {
  it.each([
    [1, 1],
    [3, 2],
    [4, 37],
    [70, 5],
    [2, 1000],
    [3, 64],
    [5, 131],
  ])('%d rows of %d classes, soft targets that do not sum to 1', async (rows, classes) => {
    const [x, t, dy, dLoss] = [
      input('x', [rows, classes]),
      input('t', [rows, classes]),
      input('dy', [rows, classes]),
      input('dLoss', [rows]),
    ];
    const feeds = {
      x: randomArray(x.size, 1, -4, 4),
      t: randomArray(t.size, 2, 0, 1),
      dy: randomArray(dy.size, 3),
      dLoss: randomArray(rows, 4, -2, 2),
    };
    const [s, l, loss] = [softmax(x), logSoftmax(x), softmaxCrossEntropy(x, t)];
    const got = await evaluate(
      device(),
      [s, l, loss, grad(s, [x], dy)[0], grad(l, [x], dy)[0], ...grad(loss, [x, t], dLoss)],
      feeds,
    );
    const [wantS, wantL] = [reference.softmax(feeds.x, classes), reference.logSoftmax(feeds.x, classes)];
    // Exponents x − max lie in (-8, 0]; exp, the sum of `classes` of them and the division or logarithm.
    const relative = sumBound(classes, 1) + functionBound(3, 1);
    expectWithin(got[0], wantS, (i) => relative * wantS[i], 'softmax');
    expectWithin(got[1], wantL, (i) => relative + functionBound(1, Math.abs(wantL[i])), 'log softmax');
    const rowSum = (v: ArrayLike<number>, f: (v: number) => number) =>
      Float64Array.from({ length: rows }, (_, n) =>
        Array.from({ length: classes }, (_, k) => f(v[n * classes + k])).reduce((a, b) => a + b, 0),
      );
    const total = rowSum(feeds.t, Math.abs);
    const wantLoss = reference.crossEntropy(feeds.x, feeds.t, classes);
    expectWithin(
      got[2],
      wantLoss,
      (n) => relative * total[n] + sumBound(classes, wantLoss[n]) + functionBound(1, wantLoss[n]),
      'loss',
    );
    const spread = rowSum(feeds.dy, Math.abs);
    const row = (i: number) => Math.floor(i / classes);
    // dx = s·(dy − Σ dy·s): two softmaxes and a sum.
    const size = (i: number) => wantS[i] * (1 + spread[row(i)]);
    expectWithin(
      got[3],
      reference.softmaxInputGrad(feeds.x, feeds.dy, classes),
      (i) => 4 * relative * size(i),
      'softmax gradient',
    );
    expectWithin(
      got[4],
      reference.logSoftmaxInputGrad(feeds.x, feeds.dy, classes),
      (i) => 4 * relative * (1 + spread[row(i)]),
      'log softmax gradient',
    );
    const want = reference.crossEntropyGradients(feeds.x, feeds.t, feeds.dLoss, classes);
    expectWithin(got[5], want.dx, (i) => 2 * 4 * relative * (wantS[i] * total[row(i)] + feeds.t[i]), 'logits gradient');
    expectWithin(got[6], want.dt, (i) => 2 * (2 * relative + functionBound(2, Math.abs(wantL[i]))), 'targets gradient');
  });

  it.each([0, 1, 2, -2])('of axis %d', async (axis) => {
    const shape = [3, 5, 4];
    const [x, dy] = [input('x', shape), input('dy', shape)];
    const feeds = { x: randomArray(60, 1, -4, 4), dy: randomArray(60, 2) };
    const [s, l] = [softmax(x, axis), logSoftmax(x, axis)];
    const got = await evaluate(device(), [s, l, grad(s, [x], dy)[0], grad(l, [x], dy)[0]], feeds);
    const lists = listsAlong(shape, [axis < 0 ? axis + 3 : axis]);
    const classes = lists[0].length;
    const [flatX, flatDy] = [feeds.x, feeds.dy].map((v) => lists.flat().map((i) => v[i]));
    const wants = [
      reference.softmax(flatX, classes),
      reference.logSoftmax(flatX, classes),
      reference.softmaxInputGrad(flatX, flatDy, classes),
      reference.logSoftmaxInputGrad(flatX, flatDy, classes),
    ];
    // Probabilities and their slopes are at most 1, logarithms 10, sums of cotangents the number of classes.
    const bounds = [1, 10, 2, 2 * classes].map((size) => functionBound(4, size) + sumBound(classes, size));
    wants.forEach((want, k) =>
      expectWithin(
        lists.flat().map((i) => got[k][i]),
        want,
        () => bounds[k],
        `result ${k}`,
      ),
    );
  });

  // Of 200 classes, many threads share a row.
  it.each([3, 200])('logits of 10,000 overflow nothing, in %d classes', async (classes) => {
    const [x, t] = [input('x', [2, classes]), input('t', [2, classes])];
    const loss = softmaxCrossEntropy(x, t);
    const row = (...first: number[]) => [...first, ...Array<number>(classes - first.length).fill(-1e4)];
    const ofOne = (at: number) => Array.from({ length: classes }, (_, k) => +(k === at));
    const [got, dx, s] = await evaluate(device(), [loss, grad(loss, [x], input('dLoss', [2]))[0], softmax(x)], {
      x: Float32Array.from([...row(0, 1e4), ...row()]),
      t: Float32Array.from([...ofOne(0), ...ofOne(0)]),
      dLoss: Float32Array.of(1, 1),
    });
    const even = Array<number>(classes).fill(1 / classes);
    expectWithin(got, [1e4, Math.log(classes)], (i) => functionBound(2, [1e4, Math.log(classes)][i]));
    expectWithin(dx, [-1, 1, ...row().slice(2).fill(0), 1 / classes - 1, ...even.slice(1)], () => functionBound(2, 1));
    expectWithin(s, [...ofOne(1), ...even], () => functionBound(2, 1));
  });

  it('has second derivatives', async () => {
    const [N, K] = [3, 4];
    const [x, t, dLoss, c] = [input('x', [N, K]), input('t', [N, K]), input('dLoss', [N]), input('c', [N, K])];
    const [dx] = grad(softmaxCrossEntropy(x, t), [x], dLoss);
    const feeds = {
      x: randomArray(N * K, 1),
      t: randomArray(N * K, 2),
      dLoss: randomArray(N, 3),
      c: randomArray(N * K, 4),
    };
    // <c, dlogits> and its derivatives, by central differences of the reference in float64.
    const along = (at: Record<'x' | 't' | 'dLoss', Float64Array>) =>
      reference
        .crossEntropyGradients(at.x, at.t, at.dLoss, K)
        .dx.reduce((sum: number, v: number, i: number) => sum + v * feeds.c[i], 0);
    const got = await evaluate(device(), grad(sum(mul(dx, c)), [x, t, dLoss]), feeds);
    (['x', 't', 'dLoss'] as const).forEach((name, k) => {
      const h = 1e-4;
      const moved = (i: number, by: number) => {
        const at = {
          x: Float64Array.from(feeds.x),
          t: Float64Array.from(feeds.t),
          dLoss: Float64Array.from(feeds.dLoss),
        };
        at[name][i] += by;
        return along(at);
      };
      expect(got[k].length).toBe(feeds[name].length);
      got[k].forEach((v, i) => expect(v).toBeCloseTo((moved(i, h) - moved(i, -h)) / (2 * h), 5));
    });
  });

  it('softmax runs over the last of several dimensions', async () => {
    const x = input('x', [2, 3, 4]);
    const values = randomArray(24, 1);
    const [got] = await evaluate(device(), [softmax(x)], { x: values });
    expectWithin(got, reference.softmax(values, 4), () => functionBound(3, 1));
  });
});

describe('softmax and cross entropy', () => {
  it('refuses shapes that do not fit', () => {
    expect(() => softmaxCrossEntropy(input('x', [2, 3]), input('t', [2, 4]))).toThrow(UserError);
    expect(() => softmaxCrossEntropy(input('x', [2, 3]), input('t', [2, 4]))).toThrow(/\[2, 3\].*\[2, 4\]/);
    expect(() => softmax(input('x', []))).toThrow(/last dimension/);
  });

  it('compiles in every variant', async () => {
    using device = await openDevice({ gpu: openGpu({ backend: 'null' }) });
    const [x, t] = [input('x', [2, 3]), input('t', [2, 3])];
    const loss = softmaxCrossEntropy(x, t);
    using program = await compile(device, {
      outputs: [softmax(x), logSoftmax(x), grad(loss, [x], input('d', [2]))[0], loss],
    });
    expect(program.steps.length).toBe(4);
  });
});
