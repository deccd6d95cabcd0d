// What the test of Look compares: galaxies in files, models trained on others, and what the command line predicts.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { expect } from 'vitest';
import { syntheticDataset } from '../../galaxies/synthetic.ts';
import { taskOf } from '../../galaxies/tasks.ts';
import { buildModel } from '../../models/build_network.ts';
import { packModel } from '../../models/formats/model_file.ts';
import { initialValues } from '../../models/initialise.ts';
import type { PredictionRecord } from '../../vision/answer/prediction_record.ts';
import { toJpeg, toPng } from '../../vision/report/encode.node.ts';
import { trainedModel } from '../../vision/train/trained_model.ts';
import { PAGE_TRAINING } from '../../web/look/training.ts';
import { succeed } from '../cli/cli.ts';
import { SHAPES } from '../cli/shapes.ts';
import { adaptersBound, expectWithin } from '../tolerance.ts';
import { byId, numbersOf } from './look_page.ts';

type Predictions = ReadonlyMap<string, PredictionRecord>;

/** Galaxies that the page draws of itself. */
export const DRAWN = 8;
const SIZE = 48;
const TRAINING = `--model vgg_small --size ${SIZE} --crop 160 --batch 16 --epochs 1 --tta 1 --data synthetic:40`;
/** Lengths of the sums of vgg_small: four convolutions, the mean over the last image, the classifier. */
export const SUMS = [27, 9 * 16, 9 * 32, 9 * 64, (SIZE / 8) ** 2, 64];
/**
 * Of a probability or a fraction: its slope by a logit is at most 1/4, and the products behind a logit of so small a
 * network do not sum to more than 16.
 */
const PREDICTED = 4 * adaptersBound(SUMS);

/** Makes the folder and four galaxies in it; their files. */
export async function writeImages(folder: string): Promise<string[]> {
  mkdirSync(folder);
  const dataset = syntheticDataset(4, 3);
  writeFileSync(join(folder, 'a.jpg'), toJpeg(await dataset.load(0)));
  writeFileSync(join(folder, 'b.png'), toPng(await dataset.load(1)));
  // Every amount of alpha with every brightness, over black.
  const { width, height, data } = await dataset.load(2);
  const png = new PNG({ width, height });
  for (let i = 0; i < width * height; i++)
    png.data.set([data[i * 3], 255 - data[i * 3 + 1], (i * 7) & 255, (i >> 3) & 255], i * 4);
  writeFileSync(join(folder, 'c.png'), PNG.sync.write(png));
  writeFileSync(join(folder, 'd.jpg'), toJpeg(await dataset.load(3), 60));
  return readdirSync(folder)
    .sort()
    .map((name) => join(folder, name));
}

/** Trains a network for either task, each in a folder of its own; their files. */
export async function trainModels(folder: string) {
  const train = async (name: string, task: string) => {
    await succeed('train', ...TRAINING.split(' '), '--task', task, '--out', join(folder, name));
    return join(folder, name, 'model.safetensors');
  };
  return { classes: await train('classes', 'smooth-or-featured'), votes: await train('votes', 'challenge') };
}

/**
 * The file of a network of the page's size that nobody trained: what it answers is as good to compare as any.
 */
export function writeClassModel(folder: string): string {
  const options = {
    ...PAGE_TRAINING,
    task: { name: 'classes', labelSmoothing: 0 } as const,
    data: 'shapes',
    crop: 48,
    shortSide: 55,
  };
  const built = buildModel(options.model, SHAPES.length);
  const weights = new Map(
    built.network.specs.map((spec) => [spec.name, { shape: spec.shape, data: initialValues(spec, 1) }]),
  );
  const file = join(folder, 'model.safetensors');
  writeFileSync(file, packModel(trainedModel(taskOf(options.task, SHAPES), built, weights, options)));
  return file;
}

/** What `tuningfork predict --json` prints of the files and of the galaxies that the page draws. */
export async function commandLinePredictions(images: string, model: string, tta = 1): Promise<Predictions> {
  const found = await Promise.all(
    [images, `synthetic:${DRAWN}:7`].map((data) =>
      succeed('predict', model, '--data', data, '--tta', String(tta), '--json'),
    ),
  );
  return byId(found.flatMap((text) => text.trimEnd().split('\n')));
}

export function expectSame(got: Predictions, want: Predictions, bound = PREDICTED): void {
  expect([...got.keys()].sort()).toEqual([...want.keys()].sort());
  for (const [id, record] of want) {
    expect(Object.keys(got.get(id)!)).toEqual(Object.keys(record));
    expectWithin(numbersOf(got.get(id)!), numbersOf(record), () => bound, id);
  }
}
