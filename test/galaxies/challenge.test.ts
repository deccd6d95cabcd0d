import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDevice, type Device } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { challengeRmse } from '../../galaxies/challenge/rmse.ts';
import { challenge } from '../../galaxies/challenge/task.ts';
import { CHALLENGE_COLUMNS, firstColumn } from '../../galaxies/columns.ts';
import type { Galaxies } from '../../galaxies/galaxy.ts';
import { openDataset } from '../../galaxies/open_dataset.node.ts';
import { storedTask, taskOf, type TaskChoice } from '../../galaxies/tasks.ts';
import type { TrainOptions } from '../../vision/train/options.ts';
import { predictExamples } from '../../vision/answer/predictor.ts';
import { SILENT, type Progress } from '../../vision/progress.ts';
import { RUN_FILES, trainNetwork, type Trained } from '../../vision/train/train.node.ts';
import { NO_AUGMENTATION } from '../../vision/view/view.ts';
import { restoreModel } from '../../models/build_network.ts';
import { unpackModel } from '../../models/formats/model_file.ts';
import { ParameterSet } from '../../models/parameter_set.ts';
import { randomArray } from '../random.ts';
import { writeRandomB0 } from './b0_weights.ts';
import { DRAWN, TINY, scratchFolder } from '../vision/training.ts';

const WIDTH = CHALLENGE_COLUMNS.length;
const scratch = scratchFolder();

describe('the RMSE of the challenge', () => {
  const votes = [0, 1, 2, 3].map((n) => randomArray(WIDTH, n, 0, 1));
  it('is that of all numbers together, and of a question those of its columns', () => {
    const predictions = Float64Array.from(
      votes.flatMap((row) => [...row]),
      (v, i) => v + (i % WIDTH < 3 ? 0.2 : 0.1),
    );
    const { rmse, perQuestion, perColumn } = challengeRmse(predictions, votes);
    expect(rmse).toBeCloseTo(Math.sqrt((3 * 0.04 + 34 * 0.01) / 37), 12);
    expect(perQuestion.map(({ rmse: r }) => r)).toEqual(
      [0.2, ...Array<number>(10).fill(0.1)].map((v) => expect.closeTo(v, 12)),
    );
    expect(perColumn.map(({ name }) => name)).toEqual(CHALLENGE_COLUMNS);
    expect([perColumn[2].rmse, perColumn[3].rmse]).toEqual([expect.closeTo(0.2, 12), expect.closeTo(0.1, 12)]);
  });
  it('stands beside that of the means', () => {
    const means = CHALLENGE_COLUMNS.map((_, c) => votes.reduce((sum, row) => sum + row[c], 0) / votes.length);
    const { rmse, constant, perColumn } = challengeRmse(
      votes.flatMap(() => means),
      votes,
    );
    expect(constant).toBeCloseTo(rmse, 12);
    for (const column of perColumn) expect(column.constant).toBeCloseTo(column.rmse, 12);
  });
  it('refuses rows that do not fit', () =>
    expect(() => challengeRmse([1, 2, 3], votes)).toThrow(/3 fractions are not 4 rows of 37/));
});

describe('galaxies without the 37 fractions', () => {
  const dataset = (all: boolean): Galaxies => ({
    name: 'sky',
    notes: [],
    load: () => Promise.reject(new Error('no image')),
    close: async () => {},
    examples: [0, 1, 2].map((i) => ({
      id: `${i}`,
      votes: { smooth: 1, featured: 0, artifact: 0, ...(all && i > 0 && { all: new Float32Array(WIDTH) }) },
    })),
  });
  const sides = { valFraction: 0, trainOnly: null };
  it('are left out, and a dataset of them is refused by a sentence that says what is missing', () => {
    expect(challenge('tree').split(dataset(true), sides).train).toEqual([1, 2]);
    expect(() => challenge('tree').split(dataset(false), sides)).toThrow(
      /sky has no vote fractions .* 37 columns, Class1\.1 to Class11\.6/,
    );
    expect(() => challenge('tree').prepare(dataset(true), sides)).toThrow(
      /no galaxy with votes is on the validation side/,
    );
  });
});

const CHALLENGE: TrainOptions<TaskChoice> = {
  ...TINY,
  task: { name: 'challenge', head: 'tree' },
  augmentation: NO_AUGMENTATION,
  dropPath: 0,
  dropout: 0,
  tune: { epochs: 6, learningRate: 5e-3 },
};

// On lavapipe alone, as the trainings of the other task.
describe('a training for the challenge', () => {
  let opened: Device;
  beforeAll(async () => {
    opened = await openDevice({ gpu: openGpu({ adapter: 'lavapipe' }) });
  });
  afterAll(() => {
    const { buffers } = opened.memory;
    opened[Symbol.dispose]();
    expect(buffers, 'buffers still alive').toBe(0);
  });

  async function train<T>(
    changed: Partial<TrainOptions<TaskChoice>>,
    folder: string,
    look: (trained: Trained, dataset: Galaxies) => T,
    progress: Progress = SILENT,
  ): Promise<Awaited<T>> {
    const options = { ...CHALLENGE, ...changed };
    const dataset = await openDataset(options.data, { size: DRAWN });
    using trained = await trainNetwork(opened, dataset, taskOf(options.task), options, { folder, progress });
    return await look(trained, dataset);
  }

  it.each<[string, Partial<TrainOptions<TaskChoice>>]>([
    ['vgg_small, the tree', {}],
    ['vgg_small, independent sigmoids', { task: { name: 'challenge', head: 'independent' } }],
    ['a narrow galaxy_vgg', { model: 'galaxy_vgg', width: 0.125, size: 64 }],
  ])('learns: %s', async (_, changed) => {
    const { history } = await train(changed, scratch.next(), ({ state }) => state);
    const losses = history.map(({ train: { loss } }) => loss);
    expect(losses[losses.length - 1], losses.join()).toBeLessThan(0.75 * losses[0]);
    for (const {
      train: { loss, RMSE },
      validation,
    } of history) {
      expect(RMSE).toBeCloseTo(Math.sqrt(loss), 6);
      expect(validation!.RMSE).toBeCloseTo(Math.sqrt(validation!.loss), 12);
    }
  });

  it('fine-tunes weights in two phases', async () => {
    const weights = join(scratch.path, 'b0.safetensors');
    await writeRandomB0(weights);
    const twoPhases: Partial<TrainOptions<TaskChoice>> = {
      data: 'synthetic:16',
      model: 'efficientnet_b0',
      weights,
      batchNorm: 'running',
      batch: 4,
      head: { epochs: 4, learningRate: 1e-3 },
      tune: { epochs: 1, learningRate: 1e-4 },
    };
    const { history } = await train(twoPhases, scratch.next(), ({ state }) => state);
    expect(history.map(({ phase }) => phase)).toEqual([1, 1, 1, 1, 2]);
    // Of the training the last batch is filled up with other galaxies each time; the validation galaxies are the same.
    expect(history.map(({ validation }) => validation!.loss)).toEqual(
      history.map(({ validation }) => validation!.loss).toSorted((a, b) => b - a),
    );
  });

  it('interrupted goes on to the same bits', async () => {
    const short: Partial<TrainOptions<TaskChoice>> = {
      data: 'synthetic:32',
      tune: { epochs: 2, learningRate: 1e-3 },
      checkpointSteps: 1,
      dropout: 0.2,
    };
    const bytes = (folder: string) => readFileSync(join(folder, RUN_FILES.model));
    const whole = scratch.next();
    const history = await train(short, whole, ({ state }) => state.history);
    for (const after of [2, 5]) {
      const folder = scratch.next();
      let ticks = 0;
      const pulled: Progress = {
        ...SILENT,
        tick: () => {
          if (++ticks > after) throw new Error('the plug was pulled');
        },
      };
      await expect(train(short, folder, () => undefined, pulled)).rejects.toThrow('the plug was pulled');
      const again = await train(short, folder, ({ state }) => state.history);
      expect(bytes(folder).equals(bytes(whole)), `after ${after} steps`).toBe(true);
      expect(again.map(({ train: figures, validation }) => [figures, validation])).toEqual(
        history.map(({ train: figures, validation }) => [figures, validation]),
      );
    }
  });

  it('leaves a model file that says its task, head and columns, and predicts the same when it is restored', async () => {
    const folder = scratch.next();
    const short: Partial<TrainOptions<TaskChoice>> = {
      model: 'galaxy_vgg',
      width: 0.25,
      size: 64,
      data: 'synthetic:16',
      tune: { epochs: 1, learningRate: 1e-3 },
    };
    await train(short, folder, async ({ task, model, parameters, views }, dataset) => {
      const file = unpackModel(readFileSync(join(folder, RUN_FILES.model)), 'model');
      expect(file).toMatchObject({
        task: { name: 'challenge', head: 'tree' },
        classes: CHALLENGE_COLUMNS,
        architecture: { name: 'galaxy_vgg', config: { width: 0.25 } },
      });
      const built = restoreModel(file, 'model');
      using restored = new ParameterSet(opened, built.network.specs, built.weights, 0);
      const galaxies = dataset.examples.map((_, i) => i);
      const want = await predictExamples(
        opened,
        { network: model.network, parameters, task, views },
        galaxies,
        16,
        SILENT,
      );
      const got = await predictExamples(
        opened,
        { network: built.network, parameters: restored, task: taskOf(storedTask(file, 'model')), views },
        galaxies,
        16,
        SILENT,
      );
      expect(got).toEqual(want);
      // Averages over views obey the tree as each view does.
      const row = got.subarray(0, WIDTH);
      expect(row[0] + row[1] + row[2]).toBeCloseTo(1, 5);
      expect(row[3] + row[4]).toBeCloseTo(row[1], 5);
      expect(row[firstColumn(6)] + row[firstColumn(6) + 1]).toBeCloseTo(1, 5);
    });
  });

  it('does not go on with a run of another task, head or width', async () => {
    const folder = scratch.next();
    const short: Partial<TrainOptions<TaskChoice>> = { data: 'synthetic:24', tune: { epochs: 1, learningRate: 1e-3 } };
    await train(short, folder, () => undefined);
    await expect(
      train({ ...short, task: { name: 'challenge', head: 'independent' } }, folder, () => undefined),
    ).rejects.toThrow(/task was .*tree.* and is now .*independent/);
    await expect(train({ ...short, task: TINY.task }, folder, () => undefined)).rejects.toThrow(
      /task was .*challenge.* and is now .*smooth-or-featured/,
    );
    await expect(train({ ...short, width: 0.5 }, folder, () => undefined)).rejects.toThrow(
      /width was undefined and is now 0\.5/,
    );
  });
});

describe('the task of a model file', () => {
  const file = { config: {}, classes: CHALLENGE_COLUMNS, task: { name: 'challenge', head: 'tree' } };
  it('is refused where it is unknown or does not fit the columns', () => {
    expect(storedTask(file, 'm')).toEqual({ name: 'challenge', head: 'tree' });
    expect(() => storedTask({ ...file, task: { name: 'redshift', head: 'tree' } }, 'm')).toThrow(
      /m: it was trained for the task redshift/,
    );
    expect(() => storedTask({ ...file, task: { name: 'challenge', head: 'forest' } }, 'm')).toThrow(
      /m: it has the head forest/,
    );
    expect(() => storedTask({ ...file, classes: CHALLENGE_COLUMNS.toReversed() }, 'm')).toThrow(
      /m: its outputs are Class11\.6.* not the challenge's columns/,
    );
  });
  it('is smooth or featured where none is named', () => {
    expect(storedTask({ config: {}, classes: ['smooth', 'featured'] }, 'm')).toMatchObject({
      name: 'smooth-or-featured',
      threshold: 0.6,
    });
    expect(
      storedTask(
        {
          config: { task: { threshold: 0.8 } },
          classes: ['smooth', 'featured'],
          task: { name: 'smooth-or-featured', head: 'softmax' },
        },
        'm',
      ),
    ).toMatchObject({ threshold: 0.8 });
  });
});
