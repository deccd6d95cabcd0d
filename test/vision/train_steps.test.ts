import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { openDevice } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import type { Feed } from '../../engine/program/program.ts';
import { topologicalOrder } from '../../engine/tensor.ts';
import { TrainStep, trainingProgram, type TrainStepSpec } from '../../engine/train/train_step.ts';
import { openDataset } from '../../galaxies/open_dataset.node.ts';
import { taskOf, type TaskChoice } from '../../galaxies/tasks.ts';
import { buildModel } from '../../models/build_network.ts';
import type { TrainOptions } from '../../vision/train/options.ts';
import { SILENT } from '../../vision/progress.ts';
import { trainNetwork } from '../../vision/train/train.node.ts';
import { rateAt } from '../reference/training.ts';
import { writeRandomB0 } from '../galaxies/b0_weights.ts';
import { DRAWN, TINY, scratchFolder } from './training.ts';

/*
 * What a training really feeds to its steps, and how it sets them up: recorded on the way into TrainStep. The published
 * values stand here once more.
 */

interface Step {
  readonly feeds: Readonly<Record<string, ArrayLike<number>>>;
  readonly rate: number;
}

interface Recorded {
  /** Of each phase. */
  readonly specs: TrainStepSpec[];
  readonly steps: Step[];
  /** What each adam update was compiled with: weight decay by parameter, of each phase. */
  readonly decays: Map<string, number>[];
}

const copied = (feed: Feed): ArrayLike<number> =>
  typeof feed === 'number' ? [feed] : Array.from(feed as ArrayLike<number>);

const scratch = scratchFolder();
afterEach(() => void vi.restoreAllMocks());

async function record(changed: Partial<TrainOptions<TaskChoice>> = {}): Promise<Recorded> {
  const options = { ...TINY, ...changed };
  const recorded: Recorded = { specs: [], steps: [], decays: [] };
  const { create } = TrainStep;
  vi.spyOn(TrainStep, 'create').mockImplementation(async (device, spec) => {
    recorded.specs.push(spec);
    const { program, moments } = trainingProgram(device, spec);
    const adams = program.updates!.filter(({ op }) => op.name === 'adam');
    recorded.decays.push(new Map(adams.map(({ inputs: [w], attrs }) => [w.name!, attrs['weightDecay'] as number])));
    for (const moment of moments) moment[Symbol.dispose]();
    return create.call(TrainStep, device, spec);
  });
  const { run } = TrainStep.prototype;
  vi.spyOn(TrainStep.prototype, 'run').mockImplementation(function (this: TrainStep, feeds, rate) {
    recorded.steps.push({
      feeds: Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, copied(feed)])),
      rate,
    });
    run.call(this, feeds, rate);
  });
  using device = await openDevice({ gpu: openGpu({ adapter: 'lavapipe' }) });
  const dataset = await openDataset(options.data, { size: DRAWN });
  (await trainNetwork(device, dataset, taskOf(options.task), options, { folder: scratch.next(), progress: SILENT }))[
    Symbol.dispose
  ]();
  vi.restoreAllMocks();
  return recorded;
}

/** The rows of an input over these steps, each as text. */
const rowsOf = (steps: readonly Step[], name: string, rows: number): string[] =>
  steps.flatMap(({ feeds: { [name]: values } }) => {
    const width = values.length / rows;
    return Array.from({ length: rows }, (_, i) =>
      Array.prototype.slice.call(values, i * width, (i + 1) * width).join(),
    );
  });
const noiseOf = (steps: readonly Step[]) => rowsOf(steps, 'noise_seed', 1);

describe('what a training feeds to its steps', () => {
  const EPOCHS = 3;
  let first: Recorded;
  let again: Recorded;
  let other: Recorded;
  beforeAll(async () => {
    const tune = { epochs: EPOCHS, learningRate: 1e-3 };
    first = await record({ tune, warmup: 4 });
    again = await record({ tune, warmup: 4 });
    other = await record({ tune, warmup: 4, seed: 2 });
  });
  const epochsOf = ({ steps }: Recorded) => {
    const each = steps.length / EPOCHS;
    return Array.from({ length: EPOCHS }, (_, e) => steps.slice(e * each, (e + 1) * each));
  };
  /** By the image of each sample: galaxies in the order in which an epoch takes them. */
  const orders = (run: Recorded) => epochsOf(run).map((steps) => rowsOf(steps, 'images', TINY.batch));
  /** The views of an epoch by galaxy. */
  const viewsOf = (steps: readonly Step[], what: 'view' | 'colour') => {
    const images = rowsOf(steps, 'images', TINY.batch);
    return new Map(rowsOf(steps, what, TINY.batch).map((view, i) => [images[i], view]));
  };

  it('is every galaxy in every epoch, in another order in each', () => {
    const [a, b, c] = orders(first);
    const galaxies = new Set(a);
    expect(galaxies.size).toBeGreaterThan(30);
    // Only what fills the last batch comes twice.
    expect(a.length - galaxies.size).toBeLessThan(TINY.batch);
    for (const order of [b, c]) expect(new Set(order)).toEqual(galaxies);
    // Two random orders of n agree in one place on average, and in 10 of them once in ten million times (1/10!).
    for (const [x, y] of [
      [a, b],
      [a, c],
      [b, c],
    ])
      expect(x.filter((image, i) => image === y[i]).length).toBeLessThan(10);
  });

  it('is a galaxy under another view and in other colours in every epoch', () => {
    for (const what of ['view', 'colour'] as const) {
      const [a, b, c] = epochsOf(first).map((steps) => viewsOf(steps, what));
      for (const [galaxy, view] of a) expect(new Set([view, b.get(galaxy), c.get(galaxy)]).size, what).toBe(3);
      // Galaxies do not share a view either.
      expect(new Set(a.values()).size).toBe(a.size);
    }
  });

  it('is another seed of dropout in every step', () => {
    const seeds = noiseOf(first.steps);
    expect(new Set(seeds).size).toBe(first.steps.length);
  });

  it('is the same for the same seed', () => {
    expect(again.steps).toEqual(first.steps);
  });

  it('is another order, other views and other noise for another seed', () => {
    const both = [first, other].map((run) => epochsOf(run)[0]);
    // Another seed splits the galaxies otherwise: those that both train on are looked at.
    for (const what of ['view', 'colour'] as const) {
      const [a, b] = both.map((steps) => viewsOf(steps, what));
      const shared = [...a.keys()].filter((galaxy) => b.has(galaxy));
      expect(shared.length).toBeGreaterThan(20);
      for (const galaxy of shared) expect(b.get(galaxy), what).not.toBe(a.get(galaxy));
    }
    const [a, b] = [orders(first)[0], orders(other)[0]];
    const shared = (x: string[], y: string[]) => [...new Set(x.filter((image) => y.includes(image)))];
    expect(shared(a, b)).not.toEqual(shared(b, a));
    const seeds = new Set(noiseOf(first.steps));
    expect(noiseOf(other.steps).filter((seed) => seeds.has(seed))).toEqual([]);
  });

  it('is a learning rate that warms up once and falls as half a cosine over all epochs', () => {
    const total = first.steps.length;
    first.steps.forEach(({ rate }, step) => expect(rate).toBeCloseTo(rateAt(1e-3, 4, total, step), 15));
  });
});

describe('how a training sets up its steps', () => {
  let scratchRun: Recorded;
  let tuned: Recorded;
  let whole: Recorded;
  beforeAll(async () => {
    scratchRun = await record({ tune: { epochs: 1, learningRate: 1e-3 } });
    const weights = join(scratch.path, 'b0.safetensors');
    await writeRandomB0(weights);
    const tuning: Partial<TrainOptions<TaskChoice>> = {
      data: 'synthetic:20',
      model: 'efficientnet_b0',
      weights,
      views: 2,
      unfreeze: 2,
      batchNorm: 'running',
      head: { epochs: 3, learningRate: 1e-3 },
      tune: { epochs: 1, learningRate: 1e-4 },
      dropPath: 0.4,
      clip: null,
      warmup: 2,
    };
    tuned = await record(tuning);
    const phases = { head: { epochs: 1, learningRate: 1e-3 }, tune: { epochs: 2, learningRate: 1e-4 } };
    whole = await record({ ...tuning, ...phases, views: 1, unfreeze: 'all' });
  });
  const opsOf = ({ loss }: TrainStepSpec, ...names: string[]) =>
    topologicalOrder([loss]).filter(({ op }) => names.includes(op.name));

  it("with Adam's published constants, and the decay and the clipping that were asked for", () => {
    // Kingma & Ba 2015, algorithm 1.
    const published = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
    expect(scratchRun.specs.map(({ adam }) => adam)).toEqual([{ ...published, weightDecay: 0.01, clipNorm: 1 }]);
    for (const { adam } of tuned.specs) expect(adam).toEqual({ ...published, weightDecay: 0.01, clipNorm: undefined });
  });

  it('decays filters and dense weights, and neither biases nor scales and shifts', () => {
    for (const decays of [...scratchRun.decays, ...tuned.decays])
      for (const [name, decay] of decays) expect([name, decay]).toEqual([name, /\.w$/.test(name) ? 0.01 : 0]);
    const [vgg] = scratchRun.decays;
    expect([...vgg.keys()].filter((name) => /^block1/.test(name)).sort()).toEqual([
      'block1.0.bn.beta',
      'block1.0.bn.gamma',
      'block1.0.conv.w',
    ]);
    expect([...tuned.decays[0].keys()].sort()).toEqual(['classifier.b', 'classifier.w']);
    expect([...tuned.decays[1].keys()]).toEqual(
      expect.arrayContaining(['blocks.15.depthwise.w', 'blocks.15.se_reduce.b', 'blocks.15.project_bn.gamma']),
    );
  });

  it("keeps running statistics as PyTorch does: a tenth of the batch's, of its unbiased variance", () => {
    const [{ updates }] = scratchRun.specs;
    // Elements of a channel in vgg_small's four blocks of 32, 16, 8 and 4 pixels a side.
    const counts = [32, 16, 8, 4].map((side) => TINY.batch * side ** 2);
    expect(updates!.map(({ op, attrs }) => [op.name, attrs])).toEqual(
      counts.map((n) => ['ema', { momentum: 0.1, scales: [1, n / (n - 1)] }]),
    );
    // Those of pretrained weights stay as they are.
    expect(tuned.specs.flatMap(({ updates }) => updates)).toEqual([]);
  });

  it('adds the epsilon of its family to the variance', () => {
    const epsilons = (spec: TrainStepSpec) => opsOf(spec, 'batch_norm_apply').map(({ attrs }) => attrs['epsilon']);
    // PyTorch's, and that of EfficientNet as it was published.
    expect(epsilons(scratchRun.specs[0])).toEqual(Array(4).fill(1e-5));
    expect(new Set(epsilons(tuned.specs[1]))).toEqual(new Set([1e-3]));
  });

  it('drops at the rates asked for, each place by numbers of its own', () => {
    const dropouts = (spec: TrainStepSpec) => opsOf(spec, 'dropout').map(({ attrs }) => attrs['rate']);
    expect([...scratchRun.specs, ...tuned.specs].map(dropouts)).toEqual([[0.2], [0.2], [0.2]]);
    // Stochastic depth (Huang et al. 2016): linear in the depth. Of B0's 16 blocks, counted from 0, the last stages'
    // 12, 13 and 14 have a way around them.
    const paths = opsOf(tuned.specs[1], 'random_uniform').map(({ attrs }) => attrs['stream']);
    expect(paths).toHaveLength(3);
    const kept = opsOf(tuned.specs[1], 'pointwise').flatMap(({ attrs }) =>
      JSON.stringify(attrs).includes('greater_equal') ? [JSON.stringify(attrs)] : [],
    );
    [12, 13, 14].forEach((block, i) => expect(kept[i]).toContain(String((0.4 * block) / 16)));
    const streams = opsOf(tuned.specs[1], 'dropout', 'random_uniform').map(({ attrs }) => attrs['stream']);
    expect(new Set(streams).size).toBe(streams.length);
  });

  it('on a frozen front takes the next view in every epoch, in another order, and no noise twice in the phases', () => {
    const each = tuned.steps.length / 4;
    const epochs = [0, 1, 2].map((e) => rowsOf(tuned.steps.slice(e * each, (e + 1) * each), 'x', TINY.batch));
    const [a, b, c] = epochs.map((rows) => new Set(rows));
    expect(a.size).toBeGreaterThanOrEqual(10);
    expect([...a].filter((view) => b.has(view))).toEqual([]);
    // Two views a galaxy: the third epoch sees the first one's.
    expect(c).toEqual(a);
    expect(epochs[2]).not.toEqual(epochs[0]);
    expect(new Set(noiseOf(tuned.steps)).size).toBe(tuned.steps.length);
  });

  it('of all of a network takes images, each under a new view in every epoch, and trains every weight', () => {
    const [head, ...epochs] = [0, 1, 2].map((e) => {
      const each = whole.steps.length / 3;
      return whole.steps.slice(e * each, (e + 1) * each);
    });
    expect(Object.keys(head[0].feeds)).toContain('x');
    const [a, b] = epochs.map((steps) => rowsOf(steps, 'view', TINY.batch));
    expect(a.filter((view) => b.includes(view))).toEqual([]);
    const [c, d] = epochs.map((steps) => new Set(rowsOf(steps, 'images', TINY.batch)));
    expect(c.size).toBeGreaterThanOrEqual(10);
    expect(d).toEqual(c);
    const b0 = buildModel('efficientnet_b0', 2).network;
    const weights = b0.specs.filter(({ trainable }) => trainable).map(({ name }) => name);
    expect([...whole.decays[1].keys()].sort()).toEqual(weights.sort());
  });

  it('begins the schedule anew in each phase, at its own rate', () => {
    const each = tuned.steps.length / 4;
    const wanted = [
      ...Array.from({ length: 3 * each }, (_, step) => rateAt(1e-3, 2, 3 * each, step)),
      ...Array.from({ length: each }, (_, step) => rateAt(1e-4, 2, each, step)),
    ];
    tuned.steps.forEach(({ rate }, i) => expect(rate).toBeCloseTo(wanted[i], 15));
  });
});
