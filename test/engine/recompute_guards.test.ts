import { describe, expect, it } from 'vitest';
import { grad } from '../../engine/autodiff.ts';
import { batchNorm } from '../../engine/ops/batch_norm.ts';
import { conv2d } from '../../engine/ops/conv2d.ts';
import { input, reshape } from '../../engine/ops/leaves.ts';
import { matmul } from '../../engine/ops/matmul.ts';
import { add, mul, sigmoid, silu } from '../../engine/ops/pointwise.ts';
import { mean, sum } from '../../engine/ops/reduce.ts';
import { buildGraph } from '../../engine/program/graph.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { plainCapabilities } from './as_adapter.ts';
import { randomArray } from '../random.ts';
import { evaluateRewritten } from '../reference/rewritten.ts';

/*
 * What is computed a second time and what is not, in float64 and without a GPU: the numbers keep their bits, nothing is
 * read before it is made, and less is alive at once.
 */

/** Just above what recompute.ts holds in any case, and with less than that in [1, 1, 1, 4]. */
const IMAGE = [1, 64, 65, 4] as const;
const HELD = 16_384;

interface Case {
  readonly leaves: Map<string, Float32Array>;
  readonly outputs: readonly Tensor[];
}

/** A chain of convolutions as networks have them, with what may stand between them. */
function network(
  between: (x: Tensor, i: number) => Tensor,
  asked: (seen: readonly Tensor[]) => readonly Tensor[] = () => [],
): Case {
  const leaves = new Map<string, Float32Array>();
  const leaf = (name: string, shape: readonly number[]) => {
    const t = input(name, shape);
    leaves.set(name, randomArray(t.size, leaves.size, -0.5, 0.7));
    return t;
  };
  const x = leaf('x', IMAGE);
  const filters: Tensor[] = [];
  const seen = [x];
  for (let i = 0; i < 6; i++) {
    const filter = leaf(`w${i}`, [1, 1, 4, 4]);
    filters.push(filter);
    const [gamma, beta] = [leaf(`g${i}`, [4]), leaf(`b${i}`, [4])];
    const conv = conv2d(seen[seen.length - 1], filter).named(`conv ${i}`);
    const normed = batchNorm(conv, gamma, beta, { activation: 'silu' }).y.named(`norm ${i}`);
    seen.push(between(normed, i).named(`block ${i}`));
  }
  const loss = reshape(mean(mul(seen[seen.length - 1], seen[seen.length - 1])), []);
  return { leaves, outputs: [loss, ...grad(loss, [...filters, x]), ...asked(seen)] };
}

const gate = (x: Tensor) => mul(x, sigmoid(mean(x, [1, 2])));
const asMatrix = (x: Tensor, m: Tensor) => reshape(matmul(reshape(x, [64 * 65, 4]), m), IMAGE);

const CASES: Record<string, () => Case> = {
  'a chain': () => network((x) => silu(x)),
  'residual blocks': () => {
    let before: Tensor | undefined;
    return network((x) => (before = before ? add(x, before) : x));
  },
  gates: () => network((x) => gate(x)),
  views: () => {
    const m = input('m', [4, 4]);
    const made = network((x, i) => (i === 2 || i === 4 ? silu(asMatrix(x, m)) : x));
    made.leaves.set('m', randomArray(16, 99));
    return made;
  },
  'activations that are asked for': () =>
    network(
      (x) => silu(x),
      (seen) => [seen[2], seen[4]],
    ),
};

/** The most numbers alive at once, each from its making to its last reader; a view lives where its source does. */
function mostAlive(order: readonly Tensor[], roots: readonly Tensor[]): number {
  const source = (t: Tensor): Tensor => (t.op.view ? source(t.inputs[0]) : t);
  const last = new Map<Tensor, number>();
  order.forEach((t, i) => {
    for (const read of t.inputs) last.set(source(read), i);
  });
  for (const t of roots) last.set(source(t), order.length);
  let most = 0;
  const alive = new Set<Tensor>();
  order.forEach((t, i) => {
    if (t.inputs.length > 0 && !t.op.view) alive.add(t);
    most = Math.max(
      most,
      [...alive].reduce((n, { size }) => n + size, 0),
    );
    for (const old of alive) if ((last.get(old) ?? i) <= i) alive.delete(old);
  });
  return most;
}

describe('what is computed again', () => {
  it.each(Object.keys(CASES))('%s: the same bits, from less', (title) => {
    const { leaves, outputs } = CASES[title]();
    const run = (level: 'none' | 'cheap' | 'blocks') => {
      const { order, resolve } = buildGraph(outputs, level, plainCapabilities(true));
      const roots = outputs.map(resolve);
      const values = evaluateRewritten(order, leaves);
      return { order, roots, values: roots.map((t) => values.get(t)!), alive: mostAlive(order, roots) };
    };
    const whole = run('none');
    const isAgain = (t: Tensor) => t.names.some((name) => name.endsWith(' again'));
    expect(whole.order.filter(isAgain)).toEqual([]);
    const asked = new Set(whole.roots.flatMap(({ names }) => names.map((name) => `${name} again`)));
    for (const level of ['cheap', 'blocks'] as const) {
      const less = run(level);
      outputs.forEach((output, o) => expect(less.values[o], `${level}: ${output}`).toEqual(whole.values[o]));
      // What is cheap may be made again from what takes as much; blocks are what is done it for.
      if (level === 'cheap') expect(less.alive).toBeLessThanOrEqual(whole.alive);
      else expect(less.alive).toBeLessThan(0.9 * whole.alive);
      const again = less.order.filter(isAgain);
      expect(again.length, level).toBeGreaterThan(0);
      for (const t of again) {
        expect(
          t.names.some((name) => asked.has(name)),
          `${level}: ${t} is asked for`,
        ).toBe(false);
        expect(t.inputs.length, `${level}: ${t} is a leaf`).toBeGreaterThan(0);
        expect(t.op.view || t.size >= HELD, `${level}: ${t} is small`).toBe(true);
        if (level === 'cheap') expect(t.op.view || t.op.cheap, `${t} is not cheap`).toBe(true);
      }
      // Not twice: one more making serves all late readers. And not what the gradients begin with: it is still there.
      const names = again.flatMap((t) => t.names);
      expect(names, level).not.toContain('block 5 again');
      expect(
        names.filter((name, i) => names.indexOf(name) !== i),
        level,
      ).toEqual([]);
    }
  });

  it('nothing, where all is small', () => {
    const x = input('x', [1, 8, 8, 4]);
    const w = [1, 2, 3].map((i) => input(`w${i}`, [1, 1, 4, 4]));
    const loss = sum(w.reduce((y, filter) => silu(conv2d(y, filter)), x));
    const outputs = [loss, ...grad(loss, w)];
    const ids = (level: 'none' | 'cheap' | 'blocks') =>
      buildGraph(outputs, level, plainCapabilities(true)).order.map((t) => t.op.name);
    expect(ids('cheap')).toEqual(ids('none'));
    expect(ids('blocks')).toEqual(ids('none'));
  });
});
