import { describe, expect, it } from 'vitest';
import { ACTIVATIONS, chain } from '../../web/chapters/activations.ts';
import { GRAPHS, lossOf, run, smallChange } from '../../web/chapters/graph.ts';
import { METHODS, contours, descend, valley } from '../../web/chapters/valley.ts';
import { adamStep, sgdStep } from '../reference/optimizer.ts';

describe('the figure of a graph', () => {
  it.each(Object.entries(GRAPHS))(
    '%s: each cotangent is what a small change of the node does to the loss',
    (_, example) => {
      const given = Object.entries(example.given).map(([name, value], i): [string, number] => [name, value + 0.1 * i]);
      for (const operands of [example.given, Object.fromEntries(given)]) {
        const { values, cotangents } = run(example, operands);
        expect(cotangents.size).toBe(example.nodes.length);
        // A node is put to a number of its own by making it an operand.
        for (const { name } of example.nodes) {
          const nodes = example.nodes.map((node) => (node.name === name ? { ...node, op: undefined } : node));
          const all = Object.fromEntries(values);
          const { slope } = smallChange({ ...example, nodes }, all, name, 1e-6);
          expect(cotangents.get(name), name).toBeCloseTo(slope, 5);
        }
      }
    },
  );

  it('adds up the cotangents of a value that is used twice, and says what came from where', () => {
    const { steps, cotangents } = run(GRAPHS.residual);
    const toX = steps.flatMap(({ flows }) => flows).filter(({ to }) => to === 'x');
    expect(toX.map(({ from, product, before }) => [from, product, before])).toEqual([
      ['y', 4, undefined],
      ['p', 2, 4],
    ]);
    expect(cotangents.get('x')).toBe(6);
  });

  it('takes a step for each node forwards, one for the seed, and one for each node backwards', () => {
    for (const example of Object.values(GRAPHS)) {
      const computed = example.nodes.filter(({ op }) => op).map(({ name }) => name);
      const named = run(example).steps.map(({ kind, node }) => `${kind} ${node.name}`);
      expect(named).toEqual([
        ...computed.map((name) => `forwards ${name}`),
        `seed ${lossOf(example)}`,
        ...[...computed].reverse().map((name) => `backwards ${name}`),
      ]);
      // No node is computed before its inputs, and none hands on before all of its users did.
      for (const [i, { inputs = [] }] of example.nodes.entries())
        for (const input of inputs) expect(example.nodes.findIndex(({ name }) => name === input)).toBeLessThan(i);
    }
  });
});

describe('the figure of activations', () => {
  it.each(ACTIVATIONS)('$name: its slope is that of its value', ({ value, slope }) => {
    for (let x = -4.95; x < 5; x += 0.3) expect(slope(x)).toBeCloseTo((value(x + 1e-6) - value(x - 1e-6)) / 2e-6, 6);
  });

  it.each(ACTIVATIONS)('$name: what a chain leaves of a change is what it does to a change', (activation) => {
    for (const residual of [false, true]) {
      const through = (x: number) =>
        Array(6)
          .fill(0)
          .reduce<number>((at) => activation.value(0.75 * at) + (residual ? at : 0), x);
      const links = chain(activation, { layers: 6, weight: 0.75, x: 1.3, residual });
      expect(links[5].output).toBeCloseTo(through(1.3), 10);
      const want = (through(1.3 + 1e-5) - through(1.3 - 1e-5)) / 2e-5;
      expect(Math.abs(links[5].product / want - 1)).toBeLessThan(1e-4);
    }
  });

  it('lets a change vanish with sigmoids, and keeps it with ReLUs or with residual connections', () => {
    const left = (name: string, residual = false) =>
      chain(ACTIVATIONS.find((a) => a.name === name)!, { layers: 10, weight: 1, x: 1, residual })[9].product;
    expect(left('sigmoid')).toBeLessThan(0.25 ** 10);
    expect(left('ReLU')).toBe(1);
    expect(left('sigmoid', true)).toBeGreaterThan(1);
  });
});

describe('the figure of a valley', () => {
  it('goes down as SGD, momentum and Adam do', () => {
    const steps = 120;
    const paths = descend({ steps, rates: { sgd: 0.01, momentum: 0.008, adam: 0.1 }, momentum: 0.9 });
    const by = 1e-6;
    const gradient = ([a, b]: Float64Array) => [
      (valley(a + by, b) - valley(a - by, b)) / (2 * by),
      (valley(a, b + by) - valley(a, b - by)) / (2 * by),
    ];
    const start = () => ({ w: Float64Array.of(-1.2, 1.4), m: new Float64Array(2), v: new Float64Array(2) });
    const [sgd, momentum, adam] = [start(), start(), start()];
    for (let t = 1; t <= steps; t++) {
      sgdStep(sgd, gradient(sgd.w), 0.01, 0, false, 0);
      sgdStep(momentum, gradient(momentum.w), 0.008, 0.9, false, 0);
      adamStep(adam, gradient(adam.w), t, 0.1, { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 });
      // A central difference is good to about 1e-9 here; the steps neither grow nor fork.
      for (const [method, { w }] of [
        ['sgd', sgd],
        ['momentum', momentum],
        ['adam', adam],
      ] as const)
        for (const i of [0, 1]) expect(paths[method][t][i], `${method}, step ${t}`).toBeCloseTo(w[i], 5);
    }
    for (const method of METHODS) expect(valley(...paths[method][steps])).toBeLessThan(valley(-1.2, 1.4));
  });

  it('leaves the valley where the rate of SGD is too large', () => {
    const { sgd } = descend({ steps: 120, rates: { sgd: 0.08, momentum: 0.01, adam: 0.1 }, momentum: 0.9 });
    expect(valley(...sgd[120])).not.toBeLessThan(1e9);
  });

  it('draws lines on which the loss is the same', () => {
    const pieces = contours([-2, 2], [-1, 3], [1, 8]);
    expect(pieces.length).toBeGreaterThan(100);
    const losses = pieces.map(([a, b]) => valley(a, b));
    for (const loss of losses) expect(Math.min(Math.abs(loss - 1), Math.abs(loss - 8))).toBeLessThan(0.5);
  });
});
