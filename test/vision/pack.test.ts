import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openDevice, type Device } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import type { Galaxies } from '../../galaxies/galaxy.ts';
import { openDataset } from '../../galaxies/open_dataset.node.ts';
import { taskOf } from '../../galaxies/tasks.ts';
import { SILENT } from '../../vision/progress.ts';
import { packImages } from '../../vision/train/pack.node.ts';
import { RUN_FILES, trainNetwork } from '../../vision/train/train.node.ts';
import { writeRandomB0 } from '../galaxies/b0_weights.ts';
import { DRAWN, TINY, scratchFolder } from './training.ts';

const scratch = scratchFolder();
const GIB = 2 ** 30;
let device: Device;
beforeAll(async () => {
  device = await openDevice({ gpu: openGpu({ adapter: 'lavapipe' }) });
});
afterAll(() => device[Symbol.dispose]());

/** Drawn galaxies that count how many of them were loaded. */
async function counted(): Promise<Galaxies & { loads: number }> {
  const dataset = await openDataset(TINY.data, { size: DRAWN });
  const counting = {
    ...dataset,
    loads: 0,
    load(index: number) {
      counting.loads++;
      return dataset.load(index);
    },
  };
  return counting;
}

const task = taskOf(TINY.task);

const tuned = (unfreeze: number | string): typeof TINY => {
  const phase = { epochs: 1, learningRate: 1e-3 };
  const weights = join(scratch.path, 'b0.safetensors');
  return { ...TINY, model: 'efficientnet_b0', weights, batchNorm: 'running', head: phase, tune: phase, unfreeze };
};
beforeAll(() => writeRandomB0(tuned('all').weights!));

it.each([
  { how: 'from scratch', options: TINY },
  { how: 'of all of a network with weights', options: tuned('all') },
])(
  'images decoded beforehand are not decoded in training $how, which ends with the same model',
  async ({ options }) => {
    const [plain, packed] = [scratch.next(), scratch.next()];
    const run = (folder: string) => ({ folder, progress: SILENT, packBytes: GIB });
    const train = async (folder: string) => {
      const dataset = await counted();
      using _ = await trainNetwork(device, dataset, task, options, run(folder));
      return { loads: dataset.loads, model: readFileSync(join(folder, RUN_FILES.model)) };
    };
    const before = await train(plain);
    expect(before.loads).toBeGreaterThan(0);
    const dataset = await counted();
    const first = await packImages(device, dataset, task, options, run(packed));
    expect(first.images).toBeGreaterThan(16);
    expect(first).toEqual({ images: first.images, kept: first.images, decoded: first.images });
    expect(dataset.loads).toBe(first.images);
    // One square is damaged: it alone is decoded again.
    const squares = join(packed, RUN_FILES.cache, 'squares.u8');
    const bytes = readFileSync(squares);
    bytes[100] ^= 1;
    writeFileSync(squares, bytes);
    expect(await packImages(device, dataset, task, options, run(packed))).toEqual({ ...first, decoded: 1 });
    const after = await train(packed);
    expect(after.loads).toBe(0);
    expect(after.model.equals(before.model)).toBe(true);
  },
);

it('images that come to take part in nothing keep the decoded ones where they belong', async () => {
  const plain = await openDataset(TINY.data, { size: DRAWN });
  // Before all others, as a file of an earlier name is, and without votes.
  const stray: Galaxies = {
    ...plain,
    examples: [{ id: 'a-stray', votes: null }, ...plain.examples],
    load: (index) => plain.load(Math.max(0, index - 1)),
  };
  const run = { folder: scratch.next(), progress: SILENT, packBytes: GIB };
  const { kept } = await packImages(device, plain, task, TINY, run);
  const model = async (dataset: Galaxies, folder: string) => {
    using _ = await trainNetwork(device, dataset, task, TINY, { ...run, folder });
    return readFileSync(join(folder, RUN_FILES.model));
  };
  expect(await packImages(device, stray, task, TINY, run)).toEqual({ images: kept, kept, decoded: 0 });
  expect((await model(stray, run.folder)).equals(await model(plain, scratch.next()))).toBe(true);
});

it('images are not decoded beforehand for a frozen front, which looks at each image once', async () => {
  const run = { folder: scratch.next(), progress: SILENT, packBytes: GIB };
  await expect(packImages(device, await counted(), task, tuned(2), run)).rejects.toThrow(
    /a training with a frozen front decodes its images once in any case/,
  );
});

it('what finds no room is decoded in training, and other options find nothing', async () => {
  const folder = scratch.next();
  const few = { folder, progress: SILENT, packBytes: 100_000 };
  const { images, kept } = await packImages(device, await counted(), task, TINY, few);
  expect(kept).toBeGreaterThan(0);
  expect(kept).toBeLessThan(images);
  await expect(packImages(device, await counted(), task, { ...TINY, seed: 9 }, few)).rejects.toThrow(
    /a run with other options/,
  );
  expect(existsSync(join(folder, RUN_FILES.config))).toBe(true);
});
