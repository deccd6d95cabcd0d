import { describe, expect, it } from 'vitest';
import { grad } from '../../engine/autodiff.ts';
import { Parameter } from '../../engine/device/parameter.ts';
import { isUpdate, type Explanation, type Settings } from '../../engine/explain/explanation.ts';
import { EXPLANATIONS } from '../../engine/explain/explanations.ts';
import { work } from '../../engine/explain/work.ts';
import { defineOp } from '../../engine/op.ts';
import { assign, ema } from '../../engine/ops/assign.ts';
import { batchNormStats } from '../../engine/ops/batch_norm.ts';
import { cast } from '../../engine/ops/cast.ts';
import { argMax, argMin } from '../../engine/ops/fold.ts';
import { conv2d } from '../../engine/ops/conv2d.ts';
import { gather } from '../../engine/ops/gather.ts';
import { constant, input, reshape, stopGradient } from '../../engine/ops/leaves.ts';
import { add, binary, mul, unary } from '../../engine/ops/pointwise.ts';
import { maxPool2d } from '../../engine/ops/pool.ts';
import { dropout, randomUniform } from '../../engine/ops/random.ts';
import { compile } from '../../engine/program/program.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { POINTWISE, type PointwiseName } from '../../kernels/pointwise/pointwise.ts';
import { EVALUATORS, evaluate, ordered } from '../../web/plain/evaluate.ts';
import { PlainDevice } from '../../web/plain/plain_device.ts';
import { UPDATES } from '../../web/plain/updates.ts';
import { evaluateArithmetic } from '../engine/arithmetic.ts';
import { describeAdapters } from '../gpu.ts';
import { byHand } from '../reference/by_hand.ts';
import { evaluateGraph } from '../reference/interpreter.ts';
import { randomUniform as drawn } from '../reference/random.ts';
import { UNIT } from '../tolerance.ts';

const NAMED = EXPLANATIONS.map((explanation) => [explanation.name, explanation] as const);

/** Every combination of an explanation's settings. */
function settingsOf({ settings }: Explanation): Settings[] {
  return settings.reduce<Settings[]>(
    (all, { name, choices }) => all.flatMap((s) => choices.map((choice) => ({ ...s, [name]: choice }))),
    [{}],
  );
}

/** What reading as f32 rounds off; and less than 2^6 operations in float64 on numbers below 2^7. */
const bound = (want: number) => UNIT * Math.abs(want) + 2 ** -40;

describe('without a GPU', () => {
  it.each(NAMED)('%s: its numbers are those worked out by hand', async (_, explanation) => {
    for (const settings of settingsOf(explanation)) {
      using device = new PlainDevice();
      const values = await work(device, explanation, settings);
      for (const { name } of explanation.results) {
        const want = byHand(explanation.name, name, values, settings);
        const { data } = values[name];
        expect(data.length).toBe(want.length);
        want.forEach((w, i) => {
          if (!(Math.abs(data[i] - w) <= bound(w)))
            expect.fail(`${name}[${i}] with ${JSON.stringify(settings)} is ${data[i]}, by hand ${w}`);
        });
      }
      expect(device.memory.buffers).toBe(0);
    }
  });
});

describeAdapters('without a GPU and with one', (device) => {
  it.each(NAMED)('%s: the numbers are the same, but for the rounding of f32', async (_, explanation) => {
    for (const settings of settingsOf(explanation)) {
      using plain = new PlainDevice();
      const [ours, gpu] = [await work(plain, explanation, settings), await work(device(), explanation, settings)];
      for (const { name, behind } of explanation.results) {
        const { shape } = ours[name];
        for (let i = 0; i < ours[name].data.length; i++) {
          const at = shape.map((length, axis) => Math.floor(i / sizeAfter(shape, axis)) % length);
          const { error } = evaluateArithmetic(behind(at, gpu, settings).arithmetic);
          const [a, b] = [ours[name].data[i], gpu[name].data[i]];
          if (!(Math.abs(a - b) <= error + bound(a)))
            expect.fail(`${name}[${at}] with ${JSON.stringify(settings)}: ${a} and ${b} on the GPU, allowed ${error}`);
        }
      }
    }
  });
});

const sizeAfter = (shape: readonly number[], axis: number) => shape.slice(axis + 1).reduce((a, b) => a * b, 1);

type Leaves = ReadonlyMap<string, number[]>;
interface Graph {
  readonly roots: readonly Tensor[];
  readonly leaves: Leaves;
}

/** An explanation's example: what it gives and the gradients, from operands that are no whole numbers. */
function graphOf(explanation: Explanation, settings: Settings): Graph {
  const operands = explanation.operands(settings);
  const tensors = Object.fromEntries(operands.map(({ name, shape, dtype }) => [name, input(name, shape, dtype)]));
  const y = explanation.apply(tensors, settings);
  const dy = input('dy', y.shape);
  const wrt = explanation.results.slice(1).map(({ of }) => tensors[of!]);
  const uneven = (v: number, i: number) => v + 0.37 * Math.sin(i + 1);
  const leaves = new Map(
    operands.map(({ name, data, dtype }) => [name, dtype === 'u32' ? [...data] : data.map(uneven)]),
  );
  leaves.set(
    'dy',
    Array.from({ length: y.size }, (_, i) => uneven(1, i)),
  );
  return { roots: [y, ...grad(y, wrt, dy)], leaves };
}

/** Numbers that every function meets, paired with one another. */
const SPECIAL = [NaN, Infinity, -Infinity, 0, -0, 1, -1, 0.5, 1.5, 2.5, -2.5, -3, 3, 7.25, -0.01, 1e-9, -40, 60];
const PAIRS = SPECIAL.flatMap((v) => SPECIAL.map((s) => [v, s]));
const pairs = (() => {
  const leaves = new Map([0, 1].map((k) => [['v', 's'][k], PAIRS.map((pair) => pair[k])]));
  const [v, s] = ['v', 's'].map((name) => input(name, [PAIRS.length]));
  return { leaves, v, s };
})();

const SEED = [4_000_000_000, 17];
/** The first number that the seed gives, from 0.5 on: f32 has no more digits there than random numbers have. */
const firstRandom = () => drawn(12, SEED[0], SEED[1], 5).find((v) => v >= 0.5)!;

/** What no explanation has. */
const OTHERS: Graph = (() => {
  const x = input('x', [4, 3]);
  const indices = input('indices', [3], 'u32');
  const [image, w] = [input('image', [1, 3, 3, 4]), input('w', [2, 2, 2, 6])];
  const grouped = conv2d(image, w, { groups: 2 });
  const dy = input('dy', grouped.shape);
  const seed = input('seed', [2], 'u32');
  return {
    roots: [
      argMax(x, 1),
      ...[0, 1].flatMap((axis) => [true, false].map((selectLastIndex) => argMin(x, axis, { selectLastIndex }))),
      ...[0, 1].flatMap((axis) => [true, false].map((selectLastIndex) => argMax(x, axis, { selectLastIndex }))),
      cast(x, 'u32'),
      cast(cast(x, 'u32'), 'f32'),
      batchNormStats(x),
      stopGradient(x),
      randomUniform([3, 3], seed, { stream: 5 }),
      gather(x, indices, 0),
      gather(x, indices, 1),
      mul(x, constant(Float32Array.of(1, 2, 3), [3])),
      maxPool2d(reshape(x, [1, 4, 3, 1]), { size: 2, stride: 1 }),
      grouped,
      ...grad(grouped, [image, w], dy),
      // A rate between two f32 numbers, the lower of which is drawn.
      dropout(x, seed, { stream: 5, rate: firstRandom() + 0.4 * 2 ** -24 }),
    ],
    leaves: new Map([
      ['x', [1, 3, 3, -2, NaN, 4, NaN, 1, NaN, 2 ** 33, 0.3, -1]],
      ['indices', [2, 0, 7]],
      ['image', Array.from({ length: 36 }, (_, i) => Math.sin(i))],
      ['w', Array.from({ length: 48 }, (_, i) => Math.cos(i))],
      ['dy', Array.from({ length: 24 }, (_, i) => Math.sin(3 * i))],
      ['seed', SEED],
    ]),
  };
})();

const EXPLAINED = EXPLANATIONS.filter((explanation) => !isUpdate(explanation));
const GRAPHS: readonly (readonly [string, readonly Graph[]])[] = [
  ...EXPLAINED.map((e) => [e.name, settingsOf(e).map((settings) => graphOf(e, settings))] as const),
  ['others', [OTHERS]],
];

/** Two ways to add up the same numbers in float64 differ by this share of them at most; they are sums of 2^6. */
const SHARE = 2 ** -45;

function expectSame({ roots, leaves }: Graph, share = SHARE): void {
  const want = evaluateGraph(roots, leaves);
  const got = evaluate(ordered(roots), (t) => Float64Array.from(leaves.get(t.name!)!));
  for (const [t, values] of got) {
    const magnitude = Math.max(
      1,
      ...t.inputs.flatMap((x) => Array.from(want.get(x)!, Math.abs)).filter(Number.isFinite),
    );
    want.get(t)!.forEach((w, i) => {
      const isSame =
        Object.is(values[i] + 0, w + 0) || Math.abs(values[i] - w) <= share * magnitude * Math.max(1, Math.abs(w));
      if (!isSame) expect.fail(`${t}, element ${i}: ${values[i]}, the reference ${w}`);
    });
    expect(values.length).toBe(t.size);
  }
}

describe('op by op, in float64', () => {
  it.each(GRAPHS)('%s is what the reference is', (_, graphs) => graphs.forEach((graph) => expectSame(graph)));

  it.each(Object.keys(POINTWISE) as PointwiseName[])('the function %s is that of the reference, NaN too', (name) => {
    const { leaves, v, s } = pairs;
    expectSame({ roots: [binary(name, v, s), unary(name, v), binary(name, v, 2)], leaves }, 2 ** -40);
  });

  it('each evaluator is met', () => {
    const met = new Set(
      GRAPHS.flatMap(([, graphs]) => graphs.flatMap(({ roots }) => ordered(roots))).map((t) => t.op.name),
    );
    // Of steps of training, which are whole in test/engine/training.test.ts.
    const ofSteps = ['parameter', 'guard', 'adam_hyper'];
    expect([...met, ...ofSteps].sort()).toEqual(Object.keys(EVALUATORS).sort());
  });
});

describe('a program without a GPU', () => {
  it('changes parameters behind all that reads them, keeps them as f32, and leaves undone what a guard forbids', async () => {
    using device = new PlainDevice();
    using p = new Parameter(device, 'p', [2], [1, 2]);
    using q = new Parameter(device, 'q', [2], [10, 20]);
    const x = input('x', [2]);
    const sum = add(p.tensor, x);
    using program = await compile(device, {
      outputs: [sum, p.tensor],
      updates: [assign(p.tensor, mul(q.tensor, 1)), ema(q.tensor, sum, 0.25)],
    });
    program.run({ x: [0.1, 0.2] });
    expect([...(await program.read(sum))]).toEqual([
      Math.fround(1 + Math.fround(0.1)),
      Math.fround(2 + Math.fround(0.2)),
    ]);
    expect([...(await p.read())]).toEqual([10, 20]);
    expect(await program.read(p.tensor)).toEqual(await p.read());
    expect([...(await q.read())]).toEqual(
      [10 + 0.25 * (1 + Math.fround(0.1) - 10), 20 + 0.25 * (2 + Math.fround(0.2) - 20)].map(Math.fround),
    );
    p.write([5, 6]);
    program.run({ x: [1, 1] });
    expect([...(await program.read(sum))]).toEqual([6, 7]);
    expect(Object.keys(UPDATES).sort()).toEqual(['adam', 'assign', 'ema', 'sgd']);
  });

  it('refuses an op that it has not by its name, feeds that do not fit, and work after its end', async () => {
    using device = new PlainDevice();
    const strange = defineOp<'x'>({ name: 'strange', inputs: ['x'], shape: ([x]) => x.shape });
    const x = input('x', [2]);
    await expect(compile(device, { outputs: [strange([x], {})] })).rejects.toThrow(
      'without a GPU there is no op strange',
    );
    const y = mul(x, 2);
    const program = await compile(device, { outputs: [y] });
    expect(() => program.run({ x: [1] })).toThrow('holds 2 numbers and was given 1');
    expect(() => program.run({})).toThrow('no value for input x');
    expect(() => program.run({ x: [1, 2], z: [1] })).toThrow('has no input z');
    await expect(program.read(x)).rejects.toThrow("is not among the program's outputs");
    program[Symbol.dispose]();
    expect(() => program.run({ x: [1, 2] })).toThrow('is used after it was disposed');
    device[Symbol.dispose]();
    expect(await device.lost).toBe('it was closed');
    await expect(compile(device, { outputs: [y] })).rejects.toThrow('the device is used after it was disposed');
  });
});
