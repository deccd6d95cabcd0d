import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openDevice } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { compile } from '../../engine/program/program.ts';
import { SMOOTH_OR_FEATURED } from '../../galaxies/classify/task.ts';
import type { Galaxies, Votes } from '../../galaxies/galaxy.ts';
import { label } from '../../galaxies/labels.ts';
import { openDataset } from '../../galaxies/open_dataset.node.ts';
import { syntheticDataset } from '../../galaxies/synthetic.ts';
import { storedTask, taskOf, type TaskChoice } from '../../galaxies/tasks.ts';
import { buildModel } from '../../models/build_network.ts';
import { applySegments, segmentsBetween } from '../../models/network.ts';
import { ParameterSet } from '../../models/parameter_set.ts';
import { readModel, viewsFor } from '../../vision/answer/stored_model.ts';
import { predictExamples } from '../../vision/answer/predictor.ts';
import { sidesHash } from '../../vision/data/folds.ts';
import { SILENT } from '../../vision/progress.ts';
import { loadCheckpoint } from '../../vision/train/checkpoint.node.ts';
import type { SplitOptions } from '../../vision/train/task.ts';
import { RUN_FILES, trainNetwork } from '../../vision/train/train.node.ts';
import { imageInput } from '../../vision/view/views.ts';
import { describeAdapters } from '../gpu.ts';
import { expectWithin, functionBound, sumBound } from '../tolerance.ts';
import { DRAWN, TINY, scratchFolder } from '../vision/training.ts';

const SKY = syntheticDataset(300, 5);
const SIDES: SplitOptions = { valFraction: 0.2, trainOnly: null };
const votesOf = (galaxy: number): Votes => SKY.examples[galaxy].votes!;
const isClear = (galaxy: number): boolean => label(votesOf(galaxy)) !== null;
const CLASS = SMOOTH_OR_FEATURED.fit(SMOOTH_OR_FEATURED.choices({ learn: 'class' }), SKY).options;
const VOTES = SMOOTH_OR_FEATURED.fit(SMOOTH_OR_FEATURED.choices({}), SKY).options;
const [classTask, votesTask] = [taskOf(CLASS), taskOf(VOTES)];

/** The same galaxies with the shares of the first question alone, as a table of Hart et al. gives them. */
const BARE: Galaxies = {
  ...SKY,
  examples: SKY.examples.map(({ id, votes }) => ({ id, votes: { ...votes!, all: undefined } })),
};

describe('what smooth or featured learns', () => {
  it('is the votes where the data have all, and else the class, as --learn says', () => {
    expect(VOTES).toMatchObject({ learn: 'votes', threshold: 0.6 });
    expect(SMOOTH_OR_FEATURED.fit(SMOOTH_OR_FEATURED.choices({}), BARE).options).not.toHaveProperty('learn');
    expect(() => SMOOTH_OR_FEATURED.fit(SMOOTH_OR_FEATURED.choices({ learn: 'votes' }), BARE)).toThrow(
      /^--learn votes needs all 37 vote fractions of the challenge, and synthetic:300:5 has those of the first question/,
    );
  });

  it('stays what it was in a run that goes on, unless flags say otherwise', () => {
    const resume = (flags: object, begun: object, fitted: object | undefined) =>
      SMOOTH_OR_FEATURED.resume!(SMOOTH_OR_FEATURED.choices(flags), begun as never, fitted as never).learn;
    expect(resume({}, VOTES, VOTES)).toBe('votes');
    expect(resume({}, VOTES, undefined)).toBe('votes');
    expect(resume({}, CLASS, VOTES)).toBeUndefined();
    expect(resume({ learn: 'class' }, VOTES, CLASS)).toBeUndefined();
    expect(resume({ learn: 'votes' }, CLASS, VOTES)).toBe('votes');
    // The data no longer have what was learnt.
    expect(resume({}, VOTES, CLASS)).toBeUndefined();
  });

  it('is the class where something is said of its targets', () => {
    for (const flags of [{ softLabels: true }, { labelSmoothing: 0.1 }]) {
      expect(SMOOTH_OR_FEATURED.fit(SMOOTH_OR_FEATURED.choices(flags), SKY).options).not.toHaveProperty('learn');
      expect(() => SMOOTH_OR_FEATURED.choices({ ...flags, learn: 'votes' })).toThrow(/leave one of them out$/);
    }
  });

  it('of the class is written as earlier versions wrote it, so that their runs go on', () => {
    expect(JSON.stringify(CLASS)).toBe(
      '{"name":"smooth-or-featured","threshold":0.6,"softLabels":false,"labelSmoothing":0}',
    );
    expect(classTask.learns).toBeUndefined();
  });

  it('is read from a model file', () => {
    const file = { task: { name: 'smooth-or-featured', head: 'softmax' }, classes: ['smooth', 'featured'] };
    const task = (choice: object) => storedTask({ ...file, config: { task: { ...choice } } }, 'model');
    expect(task(VOTES)).toEqual(VOTES);
    expect(task({ threshold: 0.7 })).toEqual({ ...CLASS, threshold: 0.7 });
  });
});

describe('a training on votes', () => {
  const tested = { ...SIDES, testFraction: 0.3, trainOnly: '0-5' };

  it.each([
    ['a validation side', SIDES],
    ['a test too', tested],
    ['folds', { ...SIDES, fold: { index: 2, of: 4, seed: 3 } }],
  ])('judges the same galaxies as one on the class, with %s', (_, sides) => {
    const [votes, alone] = [votesTask.prepare(SKY, sides), classTask.prepare(SKY, sides)];
    expect(votes.validation).toEqual(alone.validation);
    expect(votes.train.filter(isClear)).toEqual(alone.train);
    expect(votesTask.split(SKY, sides)).toEqual(classTask.split(SKY, sides));
  });

  it('learns from unclear galaxies that are on no side to be judged on', () => {
    const unclear = SKY.examples.flatMap((_, i) => (isClear(i) ? [] : [i]));
    expect(unclear.length).toBeGreaterThan(20);
    const learnt = (sides: SplitOptions) => votesTask.prepare(SKY, sides).train.filter((i) => !isClear(i));
    // The side of an image follows from its id, whether it is clear or not.
    const all = taskOf({ name: 'challenge', head: 'tree' });
    for (const sides of [SIDES, tested]) {
      const { train } = all.split(SKY, sides);
      expect(learnt(sides)).toEqual(unclear.filter((i) => train.includes(i)));
      expect(learnt(sides).length).toBeLessThan(unclear.length);
    }
    expect(learnt({ ...SIDES, fold: { index: 1, of: 4, seed: 3 } })).toEqual(unclear);
  });

  it('knows its folds again: whom it learns from beside them does not change them', () => {
    const fold = { index: 1, of: 4, seed: 3 };
    const sides = sidesHash(
      SKY.examples.map(({ id }) => id),
      votesTask.split(SKY, { ...SIDES, fold }),
    );
    const known = { ...SIDES, fold: { ...fold, sides } };
    expect(() => [votesTask.prepare(SKY, known), classTask.prepare(SKY, known)]).not.toThrow();
  });

  it('aims at all fractions, clear or not, and marks the answer to the first question', () => {
    const { target, loss, mark, train } = votesTask.prepare(SKY, SIDES);
    for (const galaxy of train) {
      const { all, smooth, featured } = votesOf(galaxy);
      expect(target(galaxy)).toBe(all);
      expect(loss(all!, galaxy)).toBe(0);
      let total = 0;
      for (const share of all!) total += (share - 0.25) ** 2;
      expect(loss(Array<number>(37).fill(0.25), galaxy)).toBeCloseTo(total / 37, 14);
      if (smooth === featured) continue;
      const guess = (p: number, q: number) => mark([p, q, 1 - p - q, ...Array<number>(34).fill(0.9)], galaxy);
      expect([guess(0.3, 0.2), guess(0.2, 0.3)]).toEqual(smooth > featured ? [1, 0] : [0, 1]);
    }
  });
});

const scratch = scratchFolder();

describeAdapters('a network that learnt votes', (device) => {
  const options = { ...TINY, task: VOTES as TaskChoice, keep: 'last' as const };
  const folder = scratch.next();
  const modelFile = () => readFileSync(join(folder, RUN_FILES.model));

  it('answers by what its 37 outputs say of smooth and featured, as sure as the validation galaxies bear out', async () => {
    const dataset = await openDataset(options.data, { size: DRAWN });
    const examples = dataset.examples.map((_, i) => i).slice(0, 8);
    using trained = await trainNetwork(device(), dataset, taskOf(options.task), options, {
      folder,
      progress: SILENT,
    });
    const { model, parameters, views, prepared } = trained;
    expect(prepared.train.some((i) => label(dataset.examples[i].votes!) === null)).toBe(true);
    const { network } = model;
    const answers = await predictExamples(
      device(),
      { network, parameters, views, task: trained.task },
      examples,
      1,
      SILENT,
    );

    // The features as the network that learnt makes them, and all behind them in plain loops of float64.
    const { arrays } = (await loadCheckpoint(join(folder, RUN_FILES.checkpoint)))!;
    const learnt = buildModel('vgg_small', 37).network;
    using wide = new ParameterSet(device(), learnt.specs, new Map(), 0);
    for (const each of wide.all) each.write(arrays.get(each.name)!);
    const x = imageInput(examples.length, views.side, views.geometry);
    const features = applySegments(segmentsBetween(learnt, undefined, learnt.features), x, {
      parameters: wide,
      batchNorm: 'running',
    });
    using program = await compile(device(), { outputs: [features] });
    program.run(await views.feeds(examples.map((i) => views.plain(i))));
    const rows = await program.read(features);
    const [w, b] = ['classifier.w', 'classifier.b'].map((name) => arrays.get(name)!);
    const inputs = rows.length / examples.length;
    expect(w.length).toBe(inputs * 37);
    // The scale of all logits, from where a weight says it best.
    const kept = (await parameters.read()).get('classifier.w')!.data;
    const apart = (row: Float32Array, width: number, i: number) => row[i * width] - row[i * width + 1];
    const steepest = Array.from({ length: inputs }, (_, i) => i).reduce((best, i) =>
      Math.abs(apart(w, 37, i)) > Math.abs(apart(w, 37, best)) ? i : best,
    );
    const scale = apart(kept, 2, steepest) / apart(w, 37, steepest);
    expect(scale).toBeGreaterThan(0);
    const want: number[] = [];
    let magnitude = 0;
    for (let n = 0; n < examples.length; n++) {
      const logits = Array.from({ length: 3 }, (_, k) => {
        let [sum, size] = [b[k] as number, Math.abs(b[k])];
        for (let i = 0; i < inputs; i++) {
          sum += rows[n * inputs + i] * w[i * 37 + k];
          size += Math.abs(rows[n * inputs + i] * w[i * 37 + k]);
        }
        magnitude = Math.max(magnitude, size);
        return sum;
      });
      const exps = logits.map(Math.exp);
      const total = exps[0] + exps[1] + exps[2];
      const [smooth, featured] = [exps[0] / total, exps[1] / total].map((share) => share ** scale);
      want.push(smooth / (smooth + featured), featured / (smooth + featured));
    }
    // Both logits are off by a sum's bound and by the roundings of centring and scaling, of which the scale above has
    // some too; a share moves by a quarter of their difference. Both sides make their features by the same kernels.
    const bound = scale * sumBound(inputs + 8, 2 * magnitude) + functionBound(1, 1);
    expectWithin(answers, want, () => bound, 'share');
    expect(Math.max(...want) - Math.min(...want)).toBeGreaterThan(100 * bound);
  });

  it('is an ordinary classifier in its file, which says what it learnt, with logits that sum to 0', async () => {
    const stored = await readModel(modelFile(), 'model', storedTask);
    expect(stored.classes).toEqual(['smooth', 'featured']);
    expect(stored.file!.task).toEqual({ name: 'smooth-or-featured', head: 'softmax' });
    expect(stored.task).toEqual(VOTES);
    const { shape, data } = stored.file!.weights.get('classifier.w')!;
    expect(shape[1]).toBe(2);
    for (let i = 0; i < data.length; i += 2) expect(data[i] + data[i + 1]).toBeCloseTo(0, 6);
    const dataset = await openDataset(options.data, { size: DRAWN });
    using parameters = new ParameterSet(device(), stored.built.network.specs, stored.built.weights, 0);
    const answering = {
      network: stored.built.network,
      parameters,
      views: viewsFor(stored, dataset),
      task: taskOf(stored.task!),
    };
    const [row] = [await predictExamples(device(), answering, [0], 1, SILENT)];
    expect(row[0] + row[1]).toBeCloseTo(1, 12);
  });
});

it('goes on to the same bits, and is finished a second time to the same file', async () => {
  using device = await openDevice({ gpu: openGpu({ adapter: 'lavapipe' }) });
  const dataset = await openDataset(TINY.data, { size: DRAWN });
  const options = { ...TINY, task: VOTES as TaskChoice };
  const train = async (folder: string, stopAt = Infinity) => {
    let ticks = 0;
    const tick = () => {
      if (++ticks === stopAt) throw new Error('interrupted');
    };
    using _ = await trainNetwork(device, dataset, taskOf(options.task), options, {
      folder,
      progress: { ...SILENT, tick },
    });
    return readFileSync(join(folder, RUN_FILES.model));
  };
  const whole = await train(scratch.next());
  const folder = scratch.next();
  await expect(train(folder, 4)).rejects.toThrow('interrupted');
  expect((await train(folder)).equals(whole)).toBe(true);
  expect((await train(folder)).equals(whole)).toBe(true);
});
