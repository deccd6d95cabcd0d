import { expect, it } from 'vitest';
import type { Device } from '../../engine/device/device.ts';
import { Parameter } from '../../engine/device/parameter.ts';
import { ParameterPool } from '../../engine/device/parameter_pool.ts';
import { ema, updateRunningStats } from '../../engine/ops/assign.ts';
import { batchNorm, batchNormStats } from '../../engine/ops/batch_norm.ts';
import { conv2d } from '../../engine/ops/conv2d.ts';
import { input, reshape } from '../../engine/ops/leaves.ts';
import { matmul } from '../../engine/ops/matmul.ts';
import { add, mul, square } from '../../engine/ops/pointwise.ts';
import { globalAvgPool } from '../../engine/ops/pool.ts';
import { mean, sum } from '../../engine/ops/reduce.ts';
import { softmaxCrossEntropy } from '../../engine/ops/softmax_cross_entropy.ts';
import type { ProgramSpec } from '../../engine/program/program.ts';
import { outline } from '../../engine/program/outline.ts';
import {
  DEFAULT_ADAM,
  DEFAULT_SGD,
  TrainStep,
  trainingProgram,
  type AdamOptions,
  type SgdOptions,
} from '../../engine/train/train_step.ts';
import { describeAdapters } from '../gpu.ts';
import { randomArray } from '../random.ts';
import { asHardware } from './as_adapter.ts';

/*
 * What is changed in one launch must be what was changed in many, to the last bit: the same network with its parameters
 * in pools and without. That the step itself is right, optimizer_ops.test.ts and the models' tests show.
 */

const CHANNELS = 64; // rows of a batch norm's sums begin where a binding may on every adapter

interface Variant {
  readonly channels?: number;
  readonly frozen?: readonly string[];
  readonly adam?: Partial<AdamOptions>;
  readonly sgd?: Partial<SgdOptions>;
  readonly spec?: Pick<ProgramSpec, 'recompute' | 'precision'>;
}

/** Three steps of a small network; the values of all parameters and moments, and how many launches changed them. */
async function trained(
  device: Device,
  pooled: boolean,
  { channels = CHANNELS, frozen = [], adam, sgd, spec }: Variant,
) {
  const shapes = {
    'a.w': [3, 3, 4, channels],
    'a.gamma': [channels],
    'a.beta': [channels],
    'b.w': [1, 1, channels, channels],
    'b.gamma': [channels],
    'b.beta': [channels],
    one: [channels],
    same: [channels],
    'dense.w': [channels, 4],
    table: [2, 4],
    'dense.b': [4],
  };
  const pools = ['vectors', 'filters'].map((name) => new ParameterPool(device, name));
  const all = new Map(
    Object.entries(shapes).map(([name, shape], i) => {
      const values = randomArray(
        shape.reduce((n, d) => n * d, 1),
        i,
        -0.5,
        0.5,
      );
      return [name, new Parameter(device, name, shape, values, pooled ? pools[shape.length > 1 ? 1 : 0] : undefined)];
    }),
  );
  const p = (name: keyof typeof shapes) => all.get(name)!.tensor;
  const norm = (name: 'a' | 'b', padding: 'same' | 'valid', from: Parameters<typeof conv2d>[0]) =>
    batchNorm(conv2d(from, p(`${name}.w`), { padding }), p(`${name}.gamma`), p(`${name}.beta`), { activation: 'relu' })
      .y;
  const [x, targets] = [input('x', [2, 5, 6, 4]), input('targets', [2, 4])];
  // Two parameters that have the same gradient, in the same memory.
  const biased = add(add(norm('b', 'valid', norm('a', 'same', x)), p('one')), p('same'));
  // The gradient of the table is what that of the filters before it is made from.
  const logits = add(add(matmul(globalAvgPool(biased), p('dense.w')), p('table')), p('dense.b'));
  const loss = reshape(mean(softmaxCrossEntropy(logits, targets)), []);
  const trainable = [...all.values()].filter(({ name }) => !frozen.includes(name));
  const optimizer = sgd ? { sgd: { ...DEFAULT_SGD, ...sgd } } : { adam: { ...DEFAULT_ADAM, ...adam } };
  try {
    using step = await TrainStep.create(device, { loss, trainable, ...optimizer, ...spec });
    const feeds = { x: randomArray(x.size, 20), targets: Float32Array.of(1, 0, 0, 0, 0, 0, 1, 0) };
    for (let i = 0; i < 3; i++) step.run(feeds, 0.01);
    const values: Record<string, number[]> = {};
    for (const { name } of all.values()) values[name] = [...(await all.get(name)!.read())];
    for (const [name, { data }] of await step.state()) values[name] = [...data];
    return {
      values,
      launches: step.program.steps.filter(({ launch }) => /^(adam|sgd)$/.test(launch.kernel.name)).length,
      loss: (await step.read(loss))[0],
    };
  } finally {
    for (const parameter of all.values()) parameter[Symbol.dispose]();
  }
}

describeAdapters('updates of neighbours in one launch', (device) => {
  it.each<[string, Variant, number]>([
    // Filters up to the one whose gradient is made from its neighbour's, that one, its neighbour; vectors up to the one
    // that shares its gradient with another, that one, its neighbour.
    ['all parameters', {}, 6],
    // Between frozen ones nothing is joined, and a batch norm without its beta has sums that are no gradient.
    ['some of them frozen', { frozen: ['b.beta', 'a.w'] }, 8],
    ['weight decay', { adam: { weightDecay: 0.1 } }, 6],
    ['recomputation', { spec: { recompute: 'blocks' } }, 6],
    ['stochastic gradient descent', { sgd: { momentum: 0.5, nesterov: true } }, 6],
  ])('%s: the same bits, fewer launches', async (_, variant, launches) => {
    const [joined, single] = [await trained(device(), true, variant), await trained(device(), false, variant)];
    expect(joined.values).toEqual(single.values);
    expect(joined.loss).toBe(single.loss);
    expect(Number.isFinite(joined.loss)).toBe(true);
    expect([joined.launches, single.launches]).toEqual([launches, 11 - (variant.frozen?.length ?? 0)]);
  });

  it.each<[string, string[], number]>([
    ['none', [], 1],
    ['the first', ['a'], 1],
    ['the one in the middle', ['b'], 2],
    ['the last', ['c'], 1],
    // Of five: two before it, two behind it.
    ['the third', ['c'], 2],
  ])(
    'of filters side by side, %s of which is frozen: the others change to the same bits, and that one not',
    async (which, frozen, launches) => {
      const names = which === 'the third' ? ['a', 'b', 'c', 'd', 'e'] : ['a', 'b', 'c'];
      const after: Record<string, number[]>[] = [];
      for (const pooled of [true, false]) {
        const pool = new ParameterPool(device(), 'filters');
        const filters = names.map(
          (name, i) => new Parameter(device(), name, [8, 8], randomArray(64, i), pooled ? pool : undefined),
        );
        const x = input('x', [2, 8]);
        // Each filter has a gradient of its own: each sees other numbers.
        const seen = filters.map(({ tensor }, i) => matmul(mul(x, i + 1), mul(tensor, 1 / (i + 1))));
        const loss = reshape(
          mean(square(seen.reduce((sum, y, i) => add(sum, mul(y, seen[(i + 1) % seen.length]))))),
          [],
        );
        const trainable = filters.filter(({ name }) => !frozen.includes(name));
        using step = await TrainStep.create(device(), { loss, trainable, adam: DEFAULT_ADAM });
        const count = step.program.steps.filter(({ launch }) => launch.kernel.name === 'adam').length;
        expect(count).toBe(pooled ? launches : trainable.length);
        for (let i = 0; i < 2; i++) step.run({ x: randomArray(16, 9) }, 0.01);
        const values: Record<string, number[]> = {};
        for (const filter of filters) values[filter.name] = [...(await filter.read())];
        after.push(values);
        filters.forEach((filter, i) => {
          const same = values[filter.name].every((v, k) => v === randomArray(64, i)[k]);
          expect(same, filter.name).toBe(frozen.includes(filter.name));
        });
        for (const filter of filters) filter[Symbol.dispose]();
      }
      expect(after[0]).toEqual(after[1]);
    },
  );

  it('believed to be a GPU: the same bits, sums of gradients too', async () => {
    const gpu = asHardware(device());
    const variants: Variant[] = [
      {},
      { adam: { clipNorm: 0.01 } },
      { channels: 6 },
      { channels: 9, frozen: ['a.gamma'] },
      { spec: { recompute: 'blocks' } },
    ];
    for (const variant of variants) {
      const [joined, single] = [await trained(gpu, true, variant), await trained(gpu, false, variant)];
      expect(joined.values).toEqual(single.values);
      expect(joined.launches).toBeLessThan(single.launches);
    }
  });

  it('running statistics of several sizes, one of them not finite: the same bits in one launch', async () => {
    const sizes = [3, 64, 9];
    const after: number[][][] = [];
    for (const pooled of [true, false]) {
      const pool = new ParameterPool(device(), 'statistics');
      const running = sizes.map(
        (c, i) => new Parameter(device(), `r${c}`, [2, c], randomArray(2 * c, i), pooled ? pool : undefined),
      );
      // Of another momentum, in the same pool: it stays apart.
      const slow = new Parameter(device(), 'slow', [4], undefined, pooled ? pool : undefined);
      const w = new Parameter(device(), 'w', [1], Float32Array.of(1));
      const seen = sizes.map((c, i) => input(`x${i}`, [2 + i, c]));
      const stats = seen.map((x) => batchNormStats(mul(x, w.tensor)));
      const loss = reshape(sum(mul(seen[0], w.tensor)), []);
      using step = await TrainStep.create(device(), {
        loss,
        trainable: [w],
        updates: [
          ...stats.map((own, i) => updateRunningStats(running[i].tensor, own, 2 + i, 0.1)),
          ema(slow.tensor, mul(input('fast', [4]), 2), 0.5),
        ],
        adam: DEFAULT_ADAM,
      });
      const count = step.program.steps.filter(({ launch }) => launch.kernel.name === 'ema').length;
      expect(count).toBe(pooled ? 3 : 5); // with the count of steps
      const feeds = (first: number) =>
        Object.fromEntries([
          ...seen.map((x, i) => [`x${i}`, Float32Array.from(randomArray(x.size, 7 + i)).fill(first, 0, 1)]),
          ['fast', Float32Array.of(1, 2, 3, 4)],
        ]);
      const read = () => Promise.all([...running, slow].map(async (p) => [...(await p.read())]));
      step.run(feeds(0.5), 0.01);
      const good = await read();
      step.run(feeds(NaN), 0.01);
      expect(await read()).toEqual(good);
      step.run(feeds(0.25), 0.01);
      after.push(await read());
      expect(after.at(-1)).not.toEqual(good);
      for (const parameter of [...running, slow, w]) parameter[Symbol.dispose]();
    }
    expect(after[0]).toEqual(after[1]);
    expect(after[0].flat().every(Number.isFinite)).toBe(true);
  });

  it('binds no more at once than the adapter does', () => {
    // Of five filters of 256 bytes, two can be bound together.
    const bounded = Object.create(device(), {
      capabilities: { value: { ...device().capabilities, maxStorageBinding: 640 } },
    }) as Device;
    const pool = new ParameterPool(bounded, 'filters');
    const filters = ['a', 'b', 'c', 'd', 'e'].map(
      (name, i) => new Parameter(bounded, name, [8, 8], randomArray(64, i), pool),
    );
    const x = input('x', [2, 8]);
    const seen = filters.map(({ tensor }, i) => matmul(mul(x, i + 1), tensor));
    const loss = reshape(mean(square(seen.reduce((sum, y) => add(sum, y)))), []);
    const { program } = trainingProgram(bounded, { loss, trainable: filters, adam: DEFAULT_ADAM });
    const updates = outline(bounded, program).lowered.steps.filter(({ launch }) => launch.kernel.name === 'adam');
    // In vectors of four numbers.
    expect(updates.map(({ launch }) => launch.params.size)).toEqual([32, 32, 16]);
  });

  it('clipped gradients, and channels that begin where no binding may', async () => {
    for (const variant of [{ adam: { clipNorm: 0.01 } }, { channels: 6 }, { channels: 9, frozen: ['a.gamma'] }]) {
      const [joined, single] = [await trained(device(), true, variant), await trained(device(), false, variant)];
      expect(joined.values).toEqual(single.values);
      expect(joined.launches).toBeLessThan(single.launches);
    }
  });

  it('f16', async () => {
    if (!device().capabilities.f16)
      return void (await expect(trained(device(), true, { spec: { precision: 'f16' } })).rejects.toThrow(/f16/));
    const [joined, single] = [
      await trained(device(), true, { spec: { precision: 'f16' } }),
      await trained(device(), false, { spec: { precision: 'f16' } }),
    ];
    expect(joined.values).toEqual(single.values);
    expect(joined.launches).toBe(6);
  });

  it('a pool lives as long as one of its parameters', async () => {
    const before = device().memory.buffers;
    const pool = new ParameterPool(device(), 'pool');
    const [a, b] = [3, 5].map(
      (size) =>
        new Parameter(
          device(),
          `p${size}`,
          [size],
          Float32Array.from({ length: size }, (_, i) => i),
          pool,
        ),
    );
    // More than a pool takes.
    using large = new Parameter(device(), 'large', [2 ** 19 + 1], undefined, pool);
    expect([a, b, large].map((p) => p.pool)).toEqual([pool, pool, undefined]);
    expect([a.allocated, b.allocated]).toEqual([false, false]);
    expect([...(await b.read())]).toEqual([0, 1, 2, 3, 4]);
    expect(device().memory.buffers).toBe(before + 1);
    // Too late for the pool.
    using late = new Parameter(device(), 'late', [3], undefined, pool);
    expect(late.pool).toBeUndefined();
    a.write(Float32Array.of(7, 8, 9));
    b[Symbol.dispose]();
    b[Symbol.dispose]();
    expect([...(await a.read())]).toEqual([7, 8, 9]);
    a[Symbol.dispose]();
    expect(device().memory.buffers).toBe(before);
  });
});
