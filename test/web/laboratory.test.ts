import { beforeAll, describe, expect, it } from 'vitest';
import { openDevice } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { avgPoolTerms, convTerms, offsetOf } from '../../engine/explain/terms.ts';
import { sizeOf } from '../../engine/tensor.ts';
import type { DeviceNews } from '../../web/common/device_keeper.ts';
import { mapTiles, parameterTiles } from '../../web/learn/arrangement.ts';
import { explain, targetOf } from '../../web/learn/explain.ts';
import type { Selection } from '../../web/learn/explanation.ts';
import { receptiveFields } from '../../web/learn/fields.ts';
import { excerpt, LINES, type LineName } from '../../web/learn/kernel_lines.ts';
import { batchOf } from '../../web/learn/batches.ts';
import { Laboratory, HISTORY } from '../../web/learn/laboratory.ts';
import { layersFromText, type LayerSpec } from '../../web/learn/layer_spec.ts';
import { softmaxOf } from '../../web/learn/layer_sums.ts';
import { planLayers } from '../../web/learn/network.ts';
import { DEFAULT_SETTINGS, type Settings } from '../../web/learn/settings.ts';
import { drawSky, TRAINING, type Sky } from '../../web/learn/sky.ts';
import type { View } from '../../web/learn/view.ts';
import { ADAPTERS } from '../gpu.ts';
import { expectAgreement, explanationBound, lossBound } from './rounding.ts';

let sky: Sky;
beforeAll(async () => {
  sky = await drawSky();
});

/** Runs `work` in a laboratory on an adapter; at its end every buffer must be given back. */
async function within<R>(
  adapter: string,
  settings: Partial<Settings>,
  work: (laboratory: Laboratory, news: DeviceNews[]) => Promise<R>,
): Promise<R> {
  const news: DeviceNews[] = [];
  const devices: Awaited<ReturnType<typeof openDevice>>[] = [];
  const open = async () => {
    devices.push(await openDevice({ gpu: openGpu({ adapter }) }));
    return devices[devices.length - 1];
  };
  const laboratory = new Laboratory(sky, { ...DEFAULT_SETTINGS, ...settings }, (what) => news.push(what), open);
  try {
    return await work(laboratory, news);
  } finally {
    await laboratory.close();
    expect(devices.map(({ memory }) => memory.buffers)).toEqual(devices.map(() => 0));
  }
}

const losses = async (laboratory: Laboratory, steps: number): Promise<number[]> => {
  const made: number[] = [];
  for (let i = 0; i < steps; i++) made.push((await laboratory.train()).loss);
  return made;
};
const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

/** Settings that differ in everything a layer's formulas depend on. */
const VARIANTS: Partial<Settings>[] = [
  {},
  { filterSize: 5, stride: 2, padding: 'valid', activation: 'silu', pooling: 'average' },
  { activation: 'tanh', batchNorm: true, stride: 2 },
  { filterSize: 1, activation: 'sigmoid', batchNorm: true, pooling: 'average' },
];

/** A network of one's own, with every kind of layer. */
const OWN = layersFromText(
  'conv filters=4 size=5 stride=2; norm; activation; depthwise; activation name=silu; residual from=3; ' +
    'squeezeExcite units=3; pool how=average size=3; conv filters=6 padding=valid; pool; dense units=5; activation name=tanh; dense',
);

/** The layer without a kink: differences are taken of straight lines. */
const smooth = (layer: LayerSpec): LayerSpec =>
  layer.kind === 'activation'
    ? { ...layer, name: 'silu' }
    : layer.kind === 'pool'
      ? { ...layer, how: 'average' }
      : layer;

describe('without a GPU', () => {
  it('goes through all images in each epoch, in an order of the seed and the step alone', () => {
    const settings = { ...DEFAULT_SETTINGS, batchSize: 48 };
    const steps = Array.from({ length: 8 }, (_, step) => batchOf(settings, 48 * step));
    const all = steps.flat().map(({ image }) => image);
    for (let epoch = 0; epoch < 3; epoch++) {
      expect(all.slice(epoch * TRAINING, (epoch + 1) * TRAINING).sort((a, b) => a - b)).toEqual(
        Array.from({ length: TRAINING }, (_, i) => i),
      );
    }
    expect(batchOf(settings, 5 * 48)).toEqual(steps[5]);
    expect(all.slice(0, TRAINING)).not.toEqual(all.slice(TRAINING, 2 * TRAINING));
    expect(batchOf({ ...settings, seed: 1 }, 0)).not.toEqual(steps[0]);
  });

  it.each(Object.keys(LINES) as LineName[])('finds one line of a kernel for %s', (name) => {
    const { kernel, pattern } = LINES[name];
    expect(kernel.code.split('\n').filter((line) => pattern.test(line))).toHaveLength(1);
    const { lines, at } = excerpt(name);
    expect(lines[at]).toMatch(pattern);
  });

  it.each([
    ['maps', mapTiles([1, 5, 4, 7]), [1, 5, 4, 7]],
    ['logits', mapTiles([1, 2]), [1, 2]],
    ['filters', parameterTiles([3, 2, 4, 5], []), [3, 2, 4, 5]],
    ['filters of 1 x 1', parameterTiles([1, 1, 4, 5], []), [1, 1, 4, 5]],
    ['dense weights', parameterTiles([40, 2], [1, 5, 4, 2]), [40, 2]],
    ['biases', parameterTiles([6], []), [6]],
  ] as const)('lays out every element of %s once', (_, tiles, shape) => {
    const seen: number[] = [];
    for (let row = 0; row < tiles.tileRows * tiles.tileHeight; row++) {
      for (let column = 0; column < tiles.tileColumns * tiles.tileWidth; column++) {
        const index = tiles.indexAt(row, column);
        if (!index) continue;
        expect(tiles.placeOf(index)).toEqual({ row, column });
        seen.push(offsetOf(shape, index));
      }
    }
    expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: sizeOf(shape) }, (_, i) => i));
  });

  it.each([...VARIANTS, { layers: OWN }])('outlines the rectangle around what an element sees: %o', (settings) => {
    const plans = planLayers({ ...DEFAULT_SETTINGS, ...settings });
    const view = { layers: plans.map(({ shape, ...plan }) => ({ ...plan, y: { shape } })) } as unknown as View;
    const layer = plans.findIndex(({ name }) => name === 'pool2');
    const key = (at: readonly number[]) => at.join();
    for (const place of elementsOf(plans[layer].shape, 9)) {
      // From an element back to all that its terms name, layer by layer, rows and columns only.
      const seen = new Map<number, Map<string, readonly number[]>>([[layer, new Map([['', place]])]]);
      for (let i = layer; i > 0; i--) {
        const { kind, geometry, inputs } = plans[i];
        for (const at of seen.get(i)?.values() ?? []) {
          inputs.forEach((from, which) => {
            const shape = plans[from].shape;
            const all = kind === 'mean' || shape.length === 2 || at.length === 2;
            const places = all
              ? placesIn(shape)
              : geometry
                ? (kind === 'conv' ? convTerms({ ...geometry, inChannels: 1, outChannels: 1 }) : avgPoolTerms(geometry))
                    .forward([0, at[1], at[2], 0])
                    .map(({ at: { x } }) => x)
                : [at];
            if (kind === 'scale' && which === 1) expect(shape).toHaveLength(2);
            const known = seen.get(from) ?? new Map();
            for (const found of places) known.set(key(found.slice(0, 3)), found);
            seen.set(from, known);
          });
        }
      }
      for (const field of receptiveFields(view, layer, place)) {
        const [rows, columns] = [1, 2].map((axis) => [...seen.get(field.layer)!.values()].map((at) => at[axis]));
        expect({ top: field.top, bottom: field.bottom, left: field.left, right: field.right }).toEqual({
          top: Math.min(...rows),
          bottom: Math.max(...rows),
          left: Math.min(...columns),
          right: Math.max(...columns),
        });
      }
    }
  });

  it('refuses settings with a sentence and keeps those it had', () => {
    const laboratory = new Laboratory(sky, DEFAULT_SETTINGS);
    expect(() => laboratory.restart({ ...DEFAULT_SETTINGS, batchSize: 0 })).toThrow(
      'the batch size must be a whole number from 1 to 64, not 0',
    );
    expect(() => laboratory.restart({ ...DEFAULT_SETTINGS, learningRate: NaN })).toThrow(
      'the learning rate must be a number from 0 to 1, not NaN',
    );
    expect(() => laboratory.restart({ ...DEFAULT_SETTINGS, filterSize: 4 })).toThrow(
      'the filter size must be one of 1, 3, 5, not 4',
    );
    expect(() => laboratory.seek(3)).toThrow('step 3 is not kept; one can go to steps 0 to 0');
  });
});

/** All rows and columns of maps; of numbers without space, the first. */
const placesIn = ([, height, width, channels]: readonly number[]): number[][] =>
  channels === undefined
    ? [[0, 0]]
    : Array.from({ length: height * width }, (_, i) => [0, Math.floor(i / width), i % width, 0]);

/** Up to `most` elements of an array, spread over it. */
function* elementsOf(shape: readonly number[], most: number): Generator<number[]> {
  const size = sizeOf(shape);
  const stride = Math.max(1, Math.floor(size / most));
  for (let i = 0; i < size; i += stride) {
    let rest = i;
    const at = [...shape]
      .reverse()
      .map((n) => [rest % n, (rest = Math.floor(rest / n))][0])
      .reverse();
    expect(offsetOf(shape, at)).toBe(i);
    yield at;
  }
}

function* selectionsOf({ layers }: View, most: number): Generator<Selection> {
  for (let layer = 0; layer < layers.length; layer++) {
    const { y, parameters } = layers[layer];
    for (const part of ['y', 'dy'] as const) for (const at of elementsOf(y.shape, most)) yield { layer, part, at };
    for (const { role, value, gradient } of parameters)
      if (gradient) for (const at of elementsOf(value.shape, most)) yield { layer, part: role, at };
  }
}

describe.each(ADAPTERS)('the laboratory on %s', (adapter) => {
  it('learns', () =>
    within(adapter, { batchSize: 8 }, async (laboratory) => {
      const made = await losses(laboratory, 40);
      expect(mean(made.slice(-8))).toBeLessThan(0.7 * mean(made.slice(0, 8)));
    }));

  it('goes back and on to the same bits', () =>
    within(adapter, { batchNorm: true, stride: 2 }, async (laboratory) => {
      const made = await losses(laboratory, 6);
      const view = await laboratory.look(1);
      laboratory.seek(2);
      expect(laboratory.step).toBe(2);
      expect(await losses(laboratory, 4)).toEqual(made.slice(2));
      expect(await laboratory.look(1)).toEqual(view);
      laboratory.seek(0);
      expect(await losses(laboratory, 6)).toEqual(made);
      laboratory.restart({ ...DEFAULT_SETTINGS, batchNorm: true, stride: 2 });
      expect(await losses(laboratory, 3)).toEqual(made.slice(0, 3));
    }));

  it(
    'keeps so many steps and no more',
    () =>
      within(adapter, { batchSize: 1, filterSize: 1, stride: 2 }, async (laboratory) => {
        const made = await losses(laboratory, HISTORY + 4);
        expect(laboratory.range).toEqual({ first: 4, last: HISTORY + 4 });
        expect(() => laboratory.seek(3)).toThrow(/step 3 is not kept/);
        laboratory.seek(4);
        expect(await losses(laboratory, 2)).toEqual(made.slice(4, 6));
        // What was gone back from is still there.
        expect(laboratory.range).toEqual({ first: 4, last: HISTORY + 4 });
      }),
    900_000,
  );

  it('survives the loss of its device and goes on to the same losses', () =>
    within(adapter, { batchNorm: true }, async (laboratory, news) => {
      const whole = await losses(laboratory, 5);
      laboratory.restart({ ...DEFAULT_SETTINGS, batchNorm: true });
      const parts = await losses(laboratory, 2);
      await laboratory.lose();
      parts.push(...(await losses(laboratory, 1)));
      // In the middle of a step.
      const step = laboratory.train();
      await laboratory.lose();
      parts.push((await step).loss, ...(await losses(laboratory, 1)));
      expect(parts).toEqual(whole);
      expect(news.filter(({ state }) => state === 'lost')).toHaveLength(2);
    }));

  it.each([
    ...[...VARIANTS, { layers: OWN }].map((settings) => ({ settings, together: false })),
    { settings: { layers: OWN, batchSize: 5 }, together: true },
  ])('explains every kind of number by what adds up to it: %o', ({ settings, together }) =>
    within(adapter, settings, async (laboratory) => {
      await losses(laboratory, 2);
      const view = await laboratory.look(3, together);
      expect(view.batch?.length ?? 1).toBe(together ? 5 : 1);
      const lines = new Set<LineName>();
      let count = 0;
      for (const selection of selectionsOf(view, 40)) {
        const { computed, value, line } = explain(view, selection);
        const bound = explanationBound(view, selection);
        expect(
          Math.abs(computed - value),
          `${JSON.stringify(selection)}: ${computed} and ${value}, allowed ${bound}`,
        ).toBeLessThanOrEqual(bound);
        lines.add(line);
        count++;
      }
      expect(count).toBeGreaterThan(500);
      for (const line of ['conv', 'conv input grad', 'conv filter grad', 'matmul', 'loss', 'loss input grad'] as const)
        expect(lines).toContain(line);
      const [first] = softmaxOf(view.layers[view.layers.length - 2].y);
      expect(first).toBeGreaterThan(0);
    }),
  );

  it.each([
    { settings: { batchNorm: false } },
    { settings: { batchNorm: true, stride: 2 } },
    { settings: { layers: OWN.map(smooth) } },
    { settings: { layers: OWN.map(smooth), batchSize: 3 }, together: true },
  ])(
    'checks gradients by differences that agree, as far as rounding and curvature allow: %o',
    ({ settings, together }) =>
      within(adapter, { ...settings, activation: 'silu', pooling: 'average' }, async (laboratory) => {
        await losses(laboratory, 3);
        const image = 3;
        const view = await laboratory.look(image, together);
        const bound = lossBound(view);
        for (const selection of selectionsOf(view, 3)) {
          if (selection.layer === view.layers.length - 1) continue;
          const result = await laboratory.check(image, targetOf(view, selection), together);
          expect(result.analytic).toBe(
            explain(view, { ...selection, part: selection.part === 'y' ? 'dy' : selection.part }).value,
          );
          expectAgreement(result, bound, JSON.stringify(selection));
        }
      }),
  );
});
