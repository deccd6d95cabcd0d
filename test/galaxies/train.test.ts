import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openDevice, type Device } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { TrainStep } from '../../engine/train/train_step.ts';
import { TuningTable } from '../../engine/tuning.ts';
import { UserError } from '../../engine/user_error.ts';
import { loadCheckpoint } from '../../vision/train/checkpoint.node.ts';
import type { TrainState } from '../../vision/train/state_file.ts';
import type { TrainOptions } from '../../vision/train/options.ts';
import { SILENT, type Progress } from '../../vision/progress.ts';
import { RUN_FILES, trainNetwork } from '../../vision/train/train.node.ts';
import { openDataset } from '../../galaxies/open_dataset.node.ts';
import { taskOf, type TaskChoice } from '../../galaxies/tasks.ts';
import { NO_AUGMENTATION } from '../../vision/view/view.ts';
import { unpackModel } from '../../models/formats/model_file.ts';
import { writeRandomB0 } from './b0_weights.ts';
import { DRAWN, TINY, scratchFolder } from '../vision/training.ts';

const scratch = scratchFolder();
const B0 = join(scratch.path, 'b0.safetensors');
beforeAll(() => writeRandomB0(B0));

/** A head on a frozen EfficientNet-B0, then its last stage: both phases and the front. */
const TWO_PHASES: Partial<TrainOptions<TaskChoice>> = {
  data: 'synthetic:32',
  model: 'efficientnet_b0',
  weights: B0,
  views: 2,
  batchNorm: 'running',
  head: { epochs: 1, learningRate: 1e-3 },
  tune: { epochs: 1, learningRate: 1e-4 },
};

interface Run {
  readonly state: TrainState;
  readonly folder: string;
  readonly model: Buffer;
}

async function train(
  device: Device,
  changed: Partial<TrainOptions<TaskChoice>> = {},
  folder = scratch.next(),
  progress: Progress = SILENT,
): Promise<Run> {
  const options = { ...TINY, ...changed };
  const dataset = await openDataset(options.data, { size: DRAWN });
  using trained = await trainNetwork(device, dataset, taskOf(options.task), options, { folder, progress });
  return { state: trained.state, folder, model: readFileSync(join(folder, RUN_FILES.model)) };
}

// On lavapipe alone: SwiftShader takes eight times as long for what its own tests of ops and gradients cover.
describe('a training', () => {
  let opened: Device;
  const device = () => opened;
  beforeAll(async () => {
    opened = await openDevice({ gpu: openGpu({ adapter: 'lavapipe' }) });
  });
  afterAll(() => {
    const { buffers } = opened.memory;
    opened[Symbol.dispose]();
    expect(buffers, 'buffers still alive').toBe(0);
  });

  it('gives the same bytes for the same seed, and others for another', async () => {
    const [first, again, other] = [await train(device()), await train(device()), await train(device(), { seed: 2 })];
    expect(again.model.equals(first.model)).toBe(true);
    const weights = ({ model }: Run) => unpackModel(model, 'model').weights.get('block1.0.conv.w')!.data;
    expect(weights(other)).not.toEqual(weights(first));
  });

  it('keeps the kernels that it begins with, whatever is tuned before it resumes', async () => {
    const table = (after: number) => {
      const made = new TuningTable();
      for (const adapter of [device().identity, 'another adapter'])
        made.set(adapter, 'some work', { choice: { lanes: 8 }, kernels: 'hash', before: 2, after });
      return made;
    };
    const lines: string[] = [];
    const progress = { ...SILENT, line: (text: string) => void lines.push(text) };
    device().tuning = table(1);
    const { folder } = await train(device(), {}, undefined, progress);
    const kept = readFileSync(join(folder, RUN_FILES.tuning), 'utf8');
    expect(kept).toBe(String(table(1).only(device().identity)));
    expect(lines.join()).not.toContain('kernels');
    for (const tunedSince of [table(1.5), new TuningTable()]) {
      device().tuning = tunedSince;
      lines.length = 0;
      await train(device(), {}, folder, progress);
      expect(String(device().tuning)).toBe(kept);
      expect(lines.join()).toMatch(
        /resuming with the kernels that the run began with \(.*tuning\.json\), not with those tuned since/,
      );
      expect(readFileSync(join(folder, RUN_FILES.tuning), 'utf8')).toBe(kept);
    }
    writeFileSync(join(folder, RUN_FILES.tuning), kept.slice(0, 40));
    await expect(train(device(), {}, folder)).rejects.toThrow(
      /tuning\.json, which says what kernels the run goes on with, holds no tuning/,
    );
    device().tuning = new TuningTable();
  });

  it('in two phases on a frozen front does so too, whatever views were augmented', async () => {
    const [first, again] = [await train(device(), TWO_PHASES), await train(device(), TWO_PHASES)];
    expect(again.model.equals(first.model)).toBe(true);
    expect(first.state.history.map(({ phase }) => phase)).toEqual([1, 2]);
    expect(first.state.frontSeconds).toBeGreaterThan(0);
    expect(readdirSync(first.folder)).not.toContain('cache');
    const { weights } = unpackModel(first.model, 'model');
    const { weights: begun } = unpackModel(
      (await train(device(), { ...TWO_PHASES, tune: { epochs: 0, learningRate: 0 } })).model,
      'model',
    );
    // Only the last stage, the head conv and the classifier are trained, and never the running statistics.
    const moved = [...weights]
      .filter(([name, { data }]) => begun.get(name)!.data.some((v, i) => v !== data[i]))
      .map(([name]) => name);
    expect(moved.filter((name) => !/^(blocks\.15|head|classifier)\./.test(name))).toEqual([]);
    expect(moved.filter((name) => /mean$|var$/.test(name))).toEqual([]);
    for (const name of [
      'blocks.15.depthwise.w',
      'blocks.15.se_reduce.b',
      'blocks.15.project_bn.gamma',
      'head.conv.w',
      'classifier.b',
    ])
      expect(moved).toContain(name);
  });

  it('refuses to go on with other options, naming them', async () => {
    const { folder } = await train(device(), { tune: { epochs: 1, learningRate: 1e-3 } });
    const other = train(device(), { tune: { epochs: 1, learningRate: 2e-3 }, seed: 9 }, folder);
    await expect(other).rejects.toThrow(UserError);
    await expect(other).rejects.toThrow(
      /seed was 1 and is now 9.*tune was .*0\.001.* is now .*0\.002|tune was .*0\.001.* is now .*0\.002.*seed was 1 and is now 9/,
    );
  });

  it('stops early when the validation loss does not fall, and starts the count anew with a new run', async () => {
    // Nothing moves, so no epoch is better than the first.
    const still = { batchNorm: 'running', tune: { epochs: 9, learningRate: 0 }, weightDecay: 0 } as const;
    expect((await train(device(), { ...still, patience: 2 })).state.history.length).toBe(3);
    expect((await train(device(), { ...still, tune: { epochs: 4, learningRate: 0 } })).state.history.length).toBe(4);
  });

  it('keeps the weights of the best epoch, or of the last', async () => {
    // Fast enough to overshoot: the best epoch is not the last.
    const hasty = {
      tune: { epochs: 5, learningRate: 0.05 },
      schedule: 'constant',
      augmentation: NO_AUGMENTATION,
    } as const;
    const [best, last] = [
      await train(device(), { ...hasty, keep: 'best' }),
      await train(device(), { ...hasty, keep: 'last' }),
    ];
    const losses = best.state.history.map(({ validation }) => validation!.loss);
    expect(losses).toEqual(last.state.history.map(({ validation }) => validation!.loss));
    expect(best.state.best!.epoch).toBe(losses.indexOf(Math.min(...losses)) + 1);
    expect(best.state.best!.epoch, 'this test needs a run whose best epoch is not its last').toBeLessThan(5);
    const kept = async ({ folder, model }: Run, file: string) => {
      const { arrays } = (await loadCheckpoint(join(folder, file)))!;
      const { data } = unpackModel(model, 'model').weights.get('classifier.w')!;
      return arrays.get('classifier.w')!.every((v, i) => v === data[i]);
    };
    expect([await kept(best, RUN_FILES.best), await kept(best, RUN_FILES.checkpoint)]).toEqual([true, false]);
    expect([await kept(last, RUN_FILES.best), await kept(last, RUN_FILES.checkpoint)]).toEqual([false, true]);
  });

  it('submits two steps more before it reads what one gave, but for the last and before a checkpoint', async () => {
    const runs = vi.spyOn(TrainStep.prototype, 'run');
    const submitted: number[] = [];
    const progress: Progress = { ...SILENT, tick: () => submitted.push(runs.mock.calls.length) };
    const job = { tune: { epochs: 2, learningRate: 1e-3 } };
    const ahead = await train(device(), { ...job, checkpointSteps: 1000 }, scratch.next(), progress);
    const steps = submitted.length / 2;
    expect(steps).toBeGreaterThan(3);
    const epoch = Array.from({ length: steps }, (_, k) => Math.min(k + 3, steps));
    expect(submitted).toEqual([...epoch, ...epoch.map((n) => n + steps)]);
    runs.mockClear();
    submitted.length = 0;
    const alone = await train(device(), { ...job, checkpointSteps: 1 }, scratch.next(), progress);
    expect(submitted).toEqual(submitted.map((_, k) => k + 1));
    const figures = ({ state }: Run) => state.history.map((epoch) => [epoch.train, epoch.validation]);
    expect(figures(alone)).toEqual(figures(ahead));
    runs.mockRestore();
  });

  it.each([
    { how: 'from scratch', changed: { tune: { epochs: 2, learningRate: 1e-3 } } },
    { how: 'of all of a network with weights', changed: { ...TWO_PHASES, unfreeze: 'all' } },
  ])('$how decodes each image once where it may keep them, to the same figures', async ({ changed }) => {
    const options = { ...TINY, ...changed, data: 'synthetic:280', batch: 16 };
    const decoded = async (packBytes: number) => {
      const dataset = await openDataset(options.data, { size: DRAWN });
      let loads = 0;
      const load = (index: number) => {
        loads++;
        return dataset.load(index);
      };
      const counted = { ...dataset, load };
      const run = { folder: scratch.next(), progress: SILENT, packBytes };
      using trained = await trainNetwork(device(), counted, taskOf(options.task), options, run);
      const { train, validation } = trained.prepared;
      const during = loads;
      // What the report of a training does: its views outlive the file.
      for (const example of [...train, ...validation]) await trained.views.feeds([trained.views.plain(example)]);
      expect(loads).toBeGreaterThan(during);
      return {
        loads: during,
        images: train.length + validation.length,
        figures: trained.state.history.map((epoch) => [epoch.train, epoch.validation]),
        left: readdirSync(run.folder).includes(RUN_FILES.cache),
      };
    };
    // More than a ViewMaker keeps in memory, or nothing would be decoded twice.
    const [packed, plain] = [await decoded(1e9), await decoded(0)];
    expect(packed.figures).toEqual(plain.figures);
    expect(packed.left).toBe(false);
    expect(plain.loads).toBeGreaterThan(1.5 * plain.images);
    // Those of the steps that were under way before the first was read came too early to be kept.
    const early = 4 * options.batch;
    expect(packed.loads).toBeGreaterThanOrEqual(packed.images);
    expect(packed.loads).toBeLessThanOrEqual(packed.images + early);
  });

  it('holds no more memory after a hundred steps than after the first few', async () => {
    const seen: { buffers: number; bytes: number; rss: number }[] = [];
    const progress: Progress = {
      ...SILENT,
      tick: () => seen.push({ ...device().memory, rss: process.memoryUsage().rss }),
    };
    await train(
      device(),
      { tune: { epochs: 25, learningRate: 1e-3 }, checkpointSteps: 1000 },
      scratch.next(),
      progress,
    );
    expect(seen.length).toBeGreaterThanOrEqual(100);
    // What up to two steps ahead are read into comes and goes: none, one or two of them.
    expect(new Set(seen.map(({ buffers, bytes }) => `${buffers} buffers, ${bytes} bytes`)).size).toBeLessThan(4);
    // The GPU's memory is this process's on lavapipe. The heap breathes, by 20 MB on an idle machine and by 80 on a
    // busy one; the step's own buffers, kept from a hundred steps, would be 500 MB.
    expect(seen[seen.length - 1].rss - seen[20].rss).toBeLessThan(250e6);
    expect(device().memory.buffers).toBe(0);
  });

  it('says where a loss ceased to be a number, and leaves a checkpoint that can be read', async () => {
    const folder = scratch.next();
    const wild = {
      tune: { epochs: 3, learningRate: 1e30 },
      clip: null,
      schedule: 'constant',
      checkpointSteps: 1,
      batchNorm: 'running',
    } as const;
    const run = train(device(), wild, folder);
    await expect(run).rejects.toThrow(UserError);
    await expect(run).rejects.toThrow(
      /became (NaN|Infinity|-Infinity) in phase 1 \(training\), epoch 1, step [23];.* layer (block[1-4]|pool|classifier|loss)/,
    );
    expect(device().memory.buffers).toBe(0);
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp') || name === RUN_FILES.model)).toEqual([]);
    expect((await loadCheckpoint(join(folder, RUN_FILES.checkpoint)))!.state).toMatchObject({ phase: 0, epoch: 0 });
  });
});
