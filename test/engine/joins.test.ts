import { expect, it } from 'vitest';
import type { Device } from '../../engine/device/device.ts';
import { Parameter } from '../../engine/device/parameter.ts';
import { ParameterPool } from '../../engine/device/parameter_pool.ts';
import { conv2d } from '../../engine/ops/conv2d.ts';
import { input, reshape } from '../../engine/ops/leaves.ts';
import { add, relu, square } from '../../engine/ops/pointwise.ts';
import { sum } from '../../engine/ops/reduce.ts';
import { DEFAULT_ADAM, TrainStep } from '../../engine/train/train_step.ts';
import type { Precision } from '../../engine/program/precision.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { describeAdapters } from '../gpu.ts';
import { randomArray } from '../random.ts';
import { expectWithin, sumBound } from '../tolerance.ts';
import { asHardware } from './as_adapter.ts';

/*
 * Sums, and small products, whose results lie side by side are made by one launch on GPUs. With parameters that lie in
 * no pool nothing lies side by side, and each is made by a launch of its own.
 */

/** A parameter p, pixels x that it meets, and the y whose squares are summed to the loss. */
interface Kind {
  readonly shapes: readonly (readonly [p: readonly number[], x: readonly number[]])[];
  y(x: Tensor, p: Tensor): Tensor;
}

/** y = relu(x + p): the gradient of p is a sum over rows. More than a launch takes, of four in a Value and one. */
const SUMS: Kind = {
  shapes: [
    [4, 3],
    [12, 100],
    [64, 700],
    [8, 33],
    [6, 40],
    [256, 9],
    [20, 129],
    [1, 300],
    [16, 2],
    [32, 64],
    [10, 17],
    [516, 21],
  ].map(([channels, rows]) => [[channels], [1, rows, 1, channels]]),
  y: (x, p) => relu(add(x, p)),
};

/** y = relu(x) · p: the gradient of p is relu(x)ᵀ · dy. */
const PRODUCTS: Kind = {
  shapes: [
    [5, 3, 7],
    [16, 8, 32],
    [1, 12, 40],
    [40, 1, 9],
    [33, 6, 200],
    [10, 240, 32],
    [2, 2, 2],
  ].map(([k, n, rows]) => [
    [1, 1, k, n],
    [1, rows, 1, k],
  ]),
  y: (x, p) => conv2d(relu(x), p),
};

const sizeOf = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);

interface Options {
  /** Of which input a number is infinite, the last one. */
  readonly spoilt?: number;
  readonly precision?: Precision;
}

/** What Adam makes of the gradients in a first step. */
async function stepOf(device: Device, pooled: boolean, { shapes, y }: Kind, { spoilt, precision }: Options = {}) {
  const pool = new ParameterPool(device, 'pool');
  const parameters = shapes.map(
    ([p], i) => new Parameter(device, `p${i}`, p, randomArray(sizeOf(p), i), pooled ? pool : undefined),
  );
  const squares = shapes.map(([, x], i) => square(y(input(`x${i}`, x), parameters[i].tensor)));
  const loss = reshape(squares.map((each) => reshape(sum(each), [1])).reduce(add), []);
  try {
    const lossScale = { initial: 1, growAfter: 2000 };
    const spec = { loss, trainable: parameters, adam: DEFAULT_ADAM, lossScale, precision };
    using step = await TrainStep.create(device, spec);
    const values = shapes.map(([, x], i) => randomArray(sizeOf(x), 20 + i));
    if (spoilt !== undefined) values[spoilt][values[spoilt].length - 1] = Infinity;
    step.run(Object.fromEntries(values.map((x, i) => [`x${i}`, x])), 0.01);
    const state = await step.state();
    return {
      kernels: step.program.steps.map(({ launch }) => launch.kernel.name),
      halves: step.program.steps.flatMap(({ launch: { kernel, aliases } }) =>
        kernel.bindings
          .filter(({ storage }) => storage !== undefined && aliases?.[storage]?.includes('f16'))
          .map(({ name }) => `${kernel.name}.${name}`),
      ),
      values,
      changed: await step.changed(),
      moments: shapes.map((_, i) => state.get(`p${i}/m`)!.data),
      weights: await Promise.all(parameters.map((p) => p.read())),
    };
  } finally {
    for (const parameter of parameters) parameter[Symbol.dispose]();
  }
}

const count = ({ kernels }: { kernels: readonly string[] }, name: RegExp): number =>
  kernels.filter((kernel) => name.test(kernel)).length;

describeAdapters('what lies side by side', (device) => {
  it('sums are made by few launches on a GPU, to the same bits, and right', async () => {
    const gpu = asHardware(device());
    const [joined, single] = [await stepOf(gpu, true, SUMS), await stepOf(gpu, false, SUMS)];
    expect(joined.moments).toEqual(single.moments);
    expect(joined.weights).toEqual(single.weights);
    // Seven and two of four in a Value, three of one.
    expect([count(joined, /^reduce_several$/), count(single, /^reduce_several$/)]).toEqual([3, 0]);
    expect(count(single, /^reduce/) - count(joined, /^reduce/)).toBe(12 - 3);
    // A guard looks through them all at once, and another through what it found.
    expect([count(joined, /^guard$/), count(single, /^guard$/)]).toEqual([2, 3]);
    SUMS.shapes.forEach(([[channels], [, rows]], i) => {
      const p = randomArray(channels, i);
      // The first moment begins with zero and takes a tenth of the gradient.
      const over = (f: (x: number, p: number) => number) =>
        Array.from({ length: channels }, (_, c) => {
          let total = 0;
          for (let r = 0; r < rows; r++) {
            const x = joined.values[i][r * channels + c];
            if (x + p[c] > 0) total += 0.2 * f(x, p[c]);
          }
          return total;
        });
      const magnitude = over((x, own) => Math.abs(x) + Math.abs(own));
      // Beside the additions of the sum: x + p, 1 − 0.9 in f32, and its product.
      const bound = (c: number) => sumBound(rows + 3, magnitude[c]);
      const want = over((x, own) => x + own);
      expectWithin(joined.moments[i], want, bound, `sum ${i}`);
    });
  });

  it('small products are made by few launches on a GPU, to the same bits, and right', async () => {
    const gpu = asHardware(device());
    const [joined, single] = [await stepOf(gpu, true, PRODUCTS), await stepOf(gpu, false, PRODUCTS)];
    expect(joined.moments).toEqual(single.moments);
    expect(joined.weights).toEqual(single.weights);
    expect([count(joined, /^matmul_small_several$/), count(single, /^matmul_small_several$/)]).toEqual([2, 0]);
    PRODUCTS.shapes.forEach(([[, , depth, n], [, rows]], i) => {
      const [x, p] = [joined.values[i].map((v) => Math.max(0, v)), randomArray(depth * n, i)];
      const gradient = (f: (v: number) => number) =>
        Array.from({ length: depth * n }, (_, at) => {
          const [k, c] = [Math.floor(at / n), at % n];
          let total = 0;
          for (let r = 0; r < rows; r++) {
            let y = 0;
            for (let j = 0; j < depth; j++) y += f(x[r * depth + j]) * f(p[j * n + c]);
            total += 0.2 * f(x[r * depth + k]) * y;
          }
          return total;
        });
      const magnitude = gradient(Math.abs);
      const want = gradient((v) => v);
      // The sums of both products, and the roundings of the moment.
      expectWithin(joined.moments[i], want, (at) => sumBound(rows + depth + 4, magnitude[at]), `product ${i}`);
    });
  });

  it('is made to the same bits from what is stored as f16', async () => {
    const gpu = asHardware(device());
    const precision = 'f16';
    if (!device().capabilities.f16)
      return void (await expect(stepOf(gpu, true, SUMS, { precision })).rejects.toThrow(/f16/));
    for (const [kind, bindings] of [
      [SUMS, [0, 1, 2, 3, 4, 5, 6].map((k) => `reduce_several.x${k}`)],
      [PRODUCTS, ['a', 'b'].flatMap((name) => [0, 1, 2].map((k) => `matmul_small_several.${name}${k}`))],
    ] as const) {
      const [joined, single] = [
        await stepOf(gpu, true, kind, { precision }),
        await stepOf(gpu, false, kind, { precision }),
      ];
      expect(joined.changed).toBe(true);
      expect(joined.moments).toEqual(single.moments);
      expect(joined.halves).toEqual(expect.arrayContaining(bindings));
    }
  });

  it('stays as it is on a CPU', async () => {
    for (const kind of [SUMS, PRODUCTS]) expect(count(await stepOf(device(), true, kind), /_several$/)).toBe(0);
  });

  it.each([0, 4, 7, SUMS.shapes.length - 1])('one that is not finite, number %i, changes nothing', async (spoilt) => {
    const after = await stepOf(asHardware(device()), true, SUMS, { spoilt });
    expect(after.changed).toBe(false);
    expect(after.weights).toEqual(SUMS.shapes.map(([p], i) => randomArray(sizeOf(p), i)));
  });
});
