import { describe, expect, it } from 'vitest';
import { grad } from '../../engine/autodiff.ts';
import { batchNorm } from '../../engine/ops/batch_norm.ts';
import { constant, input, reshape, stopGradient } from '../../engine/ops/leaves.ts';
import { abs, add, div, exp, log, mul, relu, sigmoid, silu, sqrt, square, tanh } from '../../engine/ops/pointwise.ts';
import { maxPool2d } from '../../engine/ops/pool.ts';
import { sum } from '../../engine/ops/reduce.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { UserError } from '../../engine/user_error.ts';
import { describeAdapters, evaluate } from '../gpu.ts';
import { evaluateGraph } from '../reference/interpreter.ts';
import { expectWithin, functionBound } from '../tolerance.ts';

const at = (t: Tensor, x: readonly number[]) => [...evaluateGraph([t], new Map([['x', x]])).get(t)!];

describe('grad', () => {
  const x = input('x', [3]);

  it('differentiates x³ once, twice and three times', () => {
    const cube = sum(mul(mul(x, x), x));
    const [first] = grad(cube, [x]);
    const [second] = grad(sum(first), [x]);
    const [third] = grad(sum(second), [x]);
    const points = [-1.5, 0.5, 2];
    expect(at(first, points)).toEqual(points.map((v) => 3 * v * v));
    expect(at(second, points)).toEqual(points.map((v) => 6 * v));
    expect(at(third, points)).toEqual([6, 6, 6]);
  });

  it('adds what comes back over several ways', () => {
    // y = x² + 2x, with x used three times
    const [dx] = grad(sum(mul(x, mul(x, 1)), [0]), [x]);
    expect(at(dx, [1, 2, 3])).toEqual([2, 4, 6]);
  });

  it('takes a seed as the cotangent', () => {
    const [dx] = grad(square(x), [x], constant(0.5, [3]));
    expect(at(dx, [1, 2, 3])).toEqual([1, 2, 3]);
  });

  it('does not look behind stop_gradient, and beside it does', () => {
    const [dx] = grad(sum(mul(stopGradient(x), x)), [x]);
    expect(at(dx, [1, 2, 3])).toEqual([1, 2, 3]);
    expect(() => grad(sum(stopGradient(square(x))), [x])).toThrow(/does not depend on x/);
  });

  it('gives the gradient at values within the graph, and at the whole itself', () => {
    const y = square(x);
    const loss = sum(mul(y, 3));
    const [dy, dx, dLoss] = grad(loss, [y, x, loss]);
    expect(at(dy, [1, 2, 3])).toEqual([3, 3, 3]);
    expect(at(dx, [1, 2, 3])).toEqual([6, 12, 18]);
    expect(at(dLoss, [1, 2, 3])).toEqual([1]);
  });

  it('lets a rule change cotangents on the way', () => {
    const y = sum(mul(relu(x), constant(-1, [3])));
    const cut = grad(y, [x], undefined, (t, dy) =>
      (t.attrs as { stages?: readonly { op: string }[] }).stages?.[0].op === 'relu' ? relu(dy) : dy,
    );
    expect(at(cut[0], [1, 2, -3])).toEqual([0, 0, 0]);
    expect(at(grad(y, [x])[0], [1, 2, -3])).toEqual([-1, -1, 0]);
  });

  it('refuses what has no gradient, with a sentence', () => {
    const fail = (f: () => unknown, message: RegExp) => {
      expect(f).toThrow(UserError);
      expect(f).toThrow(message);
    };
    fail(() => grad(square(x), [x]), /only a scalar has a gradient.*\[3\]/);
    fail(() => grad(square(x), [x], constant(1, [2])), /seed must have the shape.*\[3\].*\[2\]/);
    fail(() => grad(sum(square(x)), [input('other', [2])]), /does not depend on other/);
    const image = input('image', [1, 4, 4, 1]);
    const [once] = grad(sum(maxPool2d(image, { size: 2 })), [image]);
    fail(
      () => grad(sum(square(once)), [image]),
      /max_pool2d_input_grad is not differentiable with respect to its input x.*: max_pool2d has first derivatives only/,
    );
    const [rows, gamma, beta] = [input('rows', [4, 3]), input('gamma', [3]), input('beta', [3])];
    for (const wrt of [rows, gamma]) {
      const [first] = grad(sum(square(batchNorm(rows, gamma, beta).y)), [wrt]);
      fail(() => grad(sum(square(first)), [rows]), /batch_norm_\w+ is not.*: batch norm has first derivatives only/);
    }
  });

  it('differentiates a chain that is deeper than the call stack', () => {
    let y: Tensor = input('x', [1]);
    const from = y;
    for (let i = 0; i < 20_000; i++) y = mul(y, 1);
    const [dx] = grad(reshape(y, []), [from]);
    expect(dx.shape).toEqual([1]);
  });
});

describe('second derivatives', () => {
  const x = input('x', [4]);
  const points = [-2, -0.3, 0.25, 1.5];
  const functions: Record<string, [(t: Tensor) => Tensor, (v: number) => number]> = {
    sigmoid: [sigmoid, (v) => 1 / (1 + Math.exp(-v))],
    tanh: [tanh, Math.tanh],
    silu: [silu, (v) => v / (1 + Math.exp(-v))],
    relu: [(t) => square(relu(t)), (v) => Math.max(0, v) ** 2],
    abs: [(t) => mul(abs(t), square(t)), (v) => Math.abs(v) ** 3],
    'exp of a quotient': [(t) => exp(div(t, add(square(t), 1))), (v) => Math.exp(v / (v * v + 1))],
    'log and sqrt': [
      (t) => mul(log(add(square(t), 1)), sqrt(add(square(t), 2))),
      (v) => Math.log(v * v + 1) * Math.sqrt(v * v + 2),
    ],
  };
  it.each(Object.keys(functions))('of %s agree with differences in float64', (name) => {
    const [op, f] = functions[name];
    const got = at(grad(sum(grad(sum(op(x)), [x])[0]), [x])[0], points);
    const h = 1e-4;
    // Central second difference: rounding 1e-16/h² = 1e-8, truncation of the order h² = 1e-8.
    points.forEach((v, i) =>
      expect(Math.abs(got[i] - (f(v + h) - 2 * f(v) + f(v - h)) / h ** 2), `${name} at ${v}`).toBeLessThan(1e-6),
    );
  });
});

describeAdapters('second derivatives', (device) => {
  it('are computed by the same graph on the GPU', async () => {
    const x = input('x', [3]);
    const feeds = { x: Float32Array.of(-1, 0.25, 2) };
    const second = (y: Tensor) => grad(sum(grad(sum(y), [x])[0]), [x])[0];
    const graphs = [second(mul(mul(x, x), x)), second(silu(x)), second(tanh(x))];
    const got = await evaluate(device(), graphs, feeds);
    expect([...got[0]]).toEqual([-6, 1.5, 12]);
    got.forEach((values, k) => {
      const want = evaluateGraph([graphs[k]], new Map([['x', feeds.x]])).get(graphs[k])!;
      expectWithin(values, want, () => functionBound(3, 2));
    });
  });
});
