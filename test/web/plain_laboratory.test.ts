import { beforeAll, describe, expect, it } from 'vitest';
import { openDevice, type Device } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { Laboratory } from '../../web/learn/laboratory.ts';
import { DEFAULT_SETTINGS, type Settings } from '../../web/learn/settings.ts';
import { drawSky, type Sky } from '../../web/learn/sky.ts';
import type { View } from '../../web/learn/view.ts';
import { PlainDevice } from '../../web/plain/plain_device.ts';
import { ADAPTERS } from '../gpu.ts';
import { randomArray } from '../random.ts';
import { expectWithin, UNIT } from '../tolerance.ts';
import { forwardBounds } from './rounding.ts';

const STEPS = 4;
const IMAGE = 3;

let sky: Sky;
beforeAll(async () => {
  sky = await drawSky();
});

/** Every number that a view shows, by its layer and name. */
const numbersOf = ({ layers }: View): [string, ArrayLike<number>][] =>
  layers.flatMap(({ name, y, dy, parameters }) => [
    [`${name}.y`, y.data] as [string, ArrayLike<number>],
    [`${name}.dy`, dy.data] as [string, ArrayLike<number>],
    ...parameters.flatMap(({ role, value, gradient }): [string, ArrayLike<number>][] => [
      [`${name}.${role}`, value.data],
      ...(gradient ? [[`d ${name}.${role}`, gradient.data] as [string, ArrayLike<number>]] : []),
    ]),
  ]);

/** A run: the views before it and behind it, and the loss of each step. */
async function run(of: Sky, settings: Settings, open: () => Promise<Device>) {
  const laboratory = new Laboratory(of, settings, () => {}, open);
  const first = await laboratory.look(IMAGE);
  const losses: number[] = [];
  for (let i = 0; i < STEPS; i++) losses.push((await laboratory.train()).loss);
  const last = await laboratory.look(IMAGE);
  await laboratory.close();
  return { first, last, losses };
}
type Run = Awaited<ReturnType<typeof run>>;

const plainly = async () => new PlainDevice();
const largestApart = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((most, v, i) => Math.max(most, Math.abs(v - b[i])), 0);

/**
 * How far rounding in f32 may take a run from the exact one: twice what runs are apart whose pixels were moved by 64
 * units in the last place, the bound on the rounding of the sums that the first layers make (27 and 54 products).
 */
async function allowedApart(exact: Run, settings: Settings): Promise<ReadonlyMap<string, number>> {
  const allowed = new Map<string, number>();
  const note = (name: string, by: number) => allowed.set(name, Math.max(allowed.get(name) ?? 0, 2 * by));
  for (let seed = 1; seed <= 3; seed++) {
    const noise = randomArray(sky.x.length, seed);
    const x = sky.x.map((v, i) => v * (1 + 64 * UNIT * Math.sign(noise[i])));
    const moved = await run({ ...sky, x }, settings, plainly);
    moved.losses.forEach((loss, i) => note(`loss ${i}`, Math.abs(loss - exact.losses[i])));
    const others = new Map(numbersOf(moved.last));
    for (const [name, values] of numbersOf(exact.last)) note(name, largestApart(values, others.get(name)!));
  }
  return allowed;
}

const VARIANTS: Partial<Settings>[] = [
  {},
  { batchNorm: true, activation: 'silu', pooling: 'average', stride: 2, padding: 'valid', filterSize: 5 },
];

describe.each(VARIANTS)('the laboratory without a GPU: %o', (variant) => {
  const settings = { ...DEFAULT_SETTINGS, batchSize: 4, ...variant };
  let [exact, allowed] = [{} as Run, new Map() as ReadonlyMap<string, number>];
  beforeAll(async () => {
    exact = await run(sky, settings, plainly);
    allowed = await allowedApart(exact, settings);
  });

  it('goes back and on to the same numbers', async () => {
    const laboratory = new Laboratory(sky, settings, () => {}, plainly);
    for (let i = 0; i < 2; i++) await laboratory.train();
    laboratory.seek(1);
    const again = [];
    for (let i = 1; i < STEPS; i++) again.push((await laboratory.train()).loss);
    expect(again).toEqual(exact.losses.slice(1));
    expect(await laboratory.look(IMAGE)).toEqual(exact.last);
    await laboratory.close();
  });

  it.each(ADAPTERS)('is that on %s, as far as f32 allows', async (adapter) => {
    const gpu = await run(sky, settings, () => openDevice({ gpu: openGpu({ adapter }) }));
    forwardBounds(exact.first).forEach((bounds, i) => {
      const { name, y } = gpu.first.layers[i];
      // The rounding of what was read, too.
      expectWithin(y.data, exact.first.layers[i].y.data, (k) => bounds[k] + UNIT * Math.abs(y.data[k]), name);
    });
    gpu.losses.forEach((loss, i) =>
      expect(Math.abs(loss - exact.losses[i]), `loss ${i}`).toBeLessThanOrEqual(allowed.get(`loss ${i}`)!),
    );
    const others = new Map(numbersOf(gpu.last));
    for (const [name, values] of numbersOf(exact.last))
      expectWithin(others.get(name)!, values, () => allowed.get(name)!, name);
  });
});
