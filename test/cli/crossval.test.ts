import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadEnsemble } from '../../cli/ensemble.node.ts';
import { openDevice } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { SUBMISSION_HEADER, submissionRow } from '../../galaxies/challenge/submission.ts';
import type { CrossvalSummary } from '../../vision/judge/crossval.ts';
import { syntheticDataset } from '../../galaxies/synthetic.ts';
import { taskOf } from '../../galaxies/tasks.ts';
import { SILENT } from '../../vision/progress.ts';
import { viewsFor } from '../../vision/answer/stored_model.ts';
import { PROGRAM, fail, succeed, tuningfork as start } from './cli.ts';
import { shape } from './shapes.ts';
import { SMALL_CROSSVAL, VOTES } from './small_crossval.ts';

const PLUG = fileURLToPath(new URL('../vision/plug.mjs', import.meta.url));
/** Trainings in processes of their own: beside other work minutes. */
const SLOW = 900_000;
const CLASSES = [...SMALL_CROSSVAL, '--data', 'synthetic:40', '--folds', '2'];
const FOLDS = [1, 2, 3];
/** Other galaxies. */
const OTHERS = 'synthetic:8:9';

const tuningfork = (...args: string[]) => start([...args, '--adapter', 'lavapipe']);

let folder: string;
let votes: string;
let classes: string;
let told: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tuningfork-crossval-'));
  [votes, classes] = [join(folder, 'votes'), join(folder, 'classes')];
  told = await succeed(...VOTES, '--out', votes);
  await succeed(...CLASSES, '--out', classes);
}, SLOW);
afterAll(() => rmSync(folder, { recursive: true }));

interface Metrics {
  rmse: number;
  galaxies: number;
  accuracy: { correct: number; n: number };
}

const fold = (out: string, k: number) => join(out, `fold-${k}`);
const read = (...path: string[]) => readFileSync(join(...path), 'utf8');
const json = <T>(...path: string[]) => JSON.parse(read(...path)) as T;
/** metrics.json of a fold without what the clock says. */
const metrics = (out: string, k: number) =>
  JSON.parse(read(fold(out, k), 'metrics.json'), (key, value: unknown) => (key === 'seconds' ? 0 : value)) as Metrics;

/** Holds weights and metrics of the folds, and the summary, against those of another cross-validation, bit by bit. */
function expectSame(out: string, whole: string, folds: readonly number[]): void {
  for (const k of folds) {
    expect(
      readFileSync(join(fold(out, k), 'model.safetensors')).equals(
        readFileSync(join(fold(whole, k), 'model.safetensors')),
      ),
      `weights of fold ${k}`,
    ).toBe(true);
    expect(metrics(out, k)).toEqual(metrics(whole, k));
  }
  expect(read(out, 'crossval.json')).toBe(read(whole, 'crossval.json'));
}

describe('crossval', () => {
  it('leaves a run a fold, and tells the figures, their mean and spread, and the figure of all galaxies', () => {
    expect(readdirSync(votes).sort()).toEqual(['crossval.json', ...FOLDS.map((k) => `fold-${k}`)]);
    const summary = json<CrossvalSummary>(votes, 'crossval.json');
    const each = FOLDS.map((k) => metrics(votes, k));
    const mean = each.reduce((sum, { rmse }) => sum + rmse, 0) / 3;
    expect(summary.folds.map(({ figure }) => figure)).toEqual(each.map(({ rmse }) => rmse));
    expect(new Set(each.map(({ rmse }) => rmse)).size).toBe(3);
    expect(summary).toMatchObject({
      figure: 'RMSE',
      mean: expect.closeTo(mean, 13),
      standardDeviation: expect.closeTo(Math.sqrt(each.reduce((sum, { rmse }) => sum + (rmse - mean) ** 2, 0) / 2), 13),
    });
    expect(summary.outOfFold).toEqual({
      images: 18,
      value: expect.closeTo(
        Math.sqrt(each.reduce((sum, { rmse, galaxies }) => sum + rmse ** 2 * galaxies, 0) / 18),
        13,
      ),
    });
    expect(told).toMatch(/^fold +trained on +judged on +best epoch +RMSE\n1 +12 +6 +[12] +0\.\d{4}\n/);
    expect(told).toContain(
      `RMSE ${mean.toFixed(4)} ± ${summary.standardDeviation.toFixed(4)}: mean and standard deviation of 3 folds\n`,
    );
    expect(told).toContain('over all 18 images together');
    expect(read(fold(votes, 2), 'report.html')).toContain('fold 2 of 3, which took no part in training');
    const accuracies = [1, 2].map((k) => metrics(classes, k).accuracy);
    const correct = accuracies.reduce((sum, { correct: right }) => sum + right, 0);
    const galaxies = accuracies.reduce((sum, { n }) => sum + n, 0);
    expect(json<CrossvalSummary>(classes, 'crossval.json')).toMatchObject({
      figure: 'accuracy',
      outOfFold: { images: galaxies, value: correct / galaxies },
    });
  });

  it(
    'stopped by Ctrl-C in the second fold goes on to the same bits',
    async () => {
      const out = join(folder, 'stopped');
      // Ctrl-C at the moment of the fold's first checkpoint, whatever the machine's speed.
      const moment = { file: 'fold-2/.checkpoint.*tmp$', operation: 'renamed', nth: 1, signal: 'SIGINT' };
      const child = spawn(
        process.execPath,
        ['--import', PLUG, PROGRAM, ...VOTES, '--out', out, '--adapter', 'lavapipe'],
        {
          stdio: 'ignore',
          env: { ...process.env, PLUG: JSON.stringify(moment) },
        },
      );
      const ended = new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
      expect(await ended).toBe(130);
      expect([1, 2, 3].map((k) => existsSync(join(fold(out, k), 'report.html')))).toEqual([true, false, false]);
      expect(existsSync(join(out, 'crossval.json'))).toBe(false);
      expect(await fail('predict', out, '--data', OTHERS)).toMatch(
        /cross-validation of 3 folds that is not finished: folds 2, 3 are missing/,
      );
      const { code, stdout, stderr } = await tuningfork(...VOTES, '--out', out);
      expect(code, stderr).toBe(0);
      expect(stderr).toMatch(/^1 of 3 folds was finished before$/m);
      expect(stderr).toMatch(/^fold 2 of 3\nresuming at phase 1/m);
      expect(stdout).toBe(told.replace(votes, out));
      expectSame(out, votes, FOLDS);
    },
    SLOW,
  );

  it(
    'fold by fold, by processes side by side, gives the same as all at once; the last writes the summary',
    async () => {
      const out = join(folder, 'array');
      const ended = await Promise.all([2, 1].map((k) => tuningfork(...CLASSES, '--out', out, '--fold', String(k))));
      for (const { code, stderr } of ended) expect(code, stderr).toBe(0);
      expectSame(out, classes, [1, 2]);
      const one = join(folder, 'one');
      const { folds, missing } = JSON.parse(await succeed(...CLASSES, '--out', one, '--fold', '2', '--json')) as {
        folds: object[];
        missing: number[];
      };
      expect({ folds, missing }).toEqual({
        folds: [json<CrossvalSummary>(classes, 'crossval.json').folds[1]],
        missing: [1],
      });
      expect(readdirSync(one)).toEqual(['fold-2']);
      expect(await fail('evaluate', one, '--data', OTHERS)).toMatch(/not finished: fold 1 is missing/);
    },
    SLOW,
  );

  it('that is finished is told again, and nothing is trained', async () => {
    const before = readFileSync(join(fold(votes, 3), 'metrics.json'));
    const { code, stdout, stderr } = await tuningfork(...VOTES, '--out', votes);
    expect([code, stdout, stderr]).toEqual([0, told, '3 of 3 folds were finished before\n']);
    expect(readFileSync(join(fold(votes, 3), 'metrics.json')).equals(before)).toBe(true);
  });

  it.each<[string, () => string[], RegExp]>([
    [
      'a fold that is none',
      () => [...VOTES, '--fold', '4', '--out', join(folder, 'none')],
      /--fold 4: there are only 3 folds; give 1 to 3/,
    ],
    [
      'more folds than galaxies',
      () => [...VOTES, '--folds', '50', '--out', join(folder, 'none')],
      /50 folds of 18 images: .*fewer folds or more images/,
    ],
    [
      'folds without a class',
      () => [...SMALL_CROSSVAL, '--data', 'synthetic:12', '--folds', '9', '--out', join(folder, 'none')],
      /no (smooth|featured) galaxy .* on the validation side .* or fewer folds/,
    ],
    [
      'a validation fraction',
      () => [...VOTES, '--val-fraction', '0.2', '--out', join(folder, 'none')],
      /no use for --val-fraction, .*--folds/,
    ],
    [
      'other options',
      () => [...VOTES, '--lr', '0.5', '--out', votes],
      /fold-\d holds a run with other options \(tune was .*0\.001.* and is now .*0\.5.*another --out/,
    ],
    [
      'other options for one fold',
      () => [...CLASSES, '--seed', '2', '--fold', '2', '--out', classes],
      /other options \(seed was 1 and is now 2; fold was .*"seed":1.*"seed":2/,
    ],
    [
      'another number of folds',
      () => [...VOTES, '--folds', '4', '--out', votes],
      /holds a cross-validation of 3 folds, and this is one of 4; give --folds 3/,
    ],
    [
      'the folder of a training',
      () => [...VOTES, '--out', fold(votes, 1)],
      /fold-1 holds a single training; give another --out/,
    ],
  ])('refuses %s', async (_, args, message) => {
    expect(await fail(...args())).toMatch(message);
    expect(existsSync(join(folder, 'none'))).toBe(false);
  });

  it('refuses galaxies that have changed since', async () => {
    const out = join(folder, 'changed');
    cpSync(classes, out, { recursive: true });
    const config = join(fold(out, 1), 'config.json');
    writeFileSync(config, readFileSync(config, 'utf8').replace(/"sides": \d+/, '"sides": 1'));
    expect(await fail(...CLASSES, '--out', out)).toMatch(
      /was begun with other images: images or labels of synthetic:40 have changed since/,
    );
  });
});

describe('a fold', () => {
  it('is judged again on its own galaxies', async () => {
    for (const [out, k, key] of [
      [votes, 3, 'rmse'],
      [classes, 2, 'accuracy'],
    ] as const) {
      const {
        [key]: again,
        measuredOn,
        split,
      } = JSON.parse(await succeed('evaluate', fold(out, k), '--json')) as Metrics & {
        measuredOn: string;
        split: string;
      };
      expect([again, split]).toEqual([metrics(out, k)[key], 'validation']);
      expect(measuredOn).toMatch(new RegExp(`^fold ${k} of [23] of synthetic`));
    }
  });

  it('is not judged on a division that is not its own', async () => {
    expect(await fail('evaluate', fold(classes, 1), '--threshold', '0.95')).toMatch(
      /no longer those of which fold 1 of 2 was made.*--threshold/,
    );
    expect(await fail('evaluate', fold(classes, 1), '--val-fraction', '0.3')).toMatch(/was divided into 2 folds/);
  });
});

describe('the networks of a cross-validation together', () => {
  it('predict the mean of what each predicts', async () => {
    // More than views keep decoded at a time.
    const pictures = join(folder, 'pictures');
    mkdirSync(pictures);
    for (let i = 0; i < 140; i++) writeFileSync(join(pictures, `${i}.png`), shape(i % 3, i));
    const predictions = async (model: string) =>
      (await succeed('predict', model, '--data', pictures, '--json'))
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as { id: string; probabilities: { smooth: number; featured: number } });
    const [mean, first, second] = [
      await predictions(classes),
      await predictions(fold(classes, 1)),
      await predictions(fold(classes, 2)),
    ];
    expect(mean.length).toBe(140);
    mean.forEach(({ id, probabilities: { smooth, featured } }, i) => {
      const [{ probabilities: a }, { probabilities: b }] = [first[i], second[i]];
      expect([id, smooth, featured]).toEqual([first[i].id, (a.smooth + b.smooth) / 2, (a.featured + b.featured) / 2]);
      expect(a.smooth).not.toBe(b.smooth);
    });
  });

  it(
    'write a submission that `score` judges as `evaluate` does, and whose rows are the means',
    async () => {
      const [truth, prediction] = [join(folder, 'truth.csv'), join(folder, 'submission.csv')];
      writeFileSync(
        truth,
        SUBMISSION_HEADER +
          syntheticDataset(10, 9)
            .examples.map(({ id, votes: given }) => submissionRow(id, given!.all!))
            .join(''),
      );
      const submit = async (model: string) => {
        await succeed(
          'predict',
          model,
          '--data',
          'synthetic:10:9',
          '--format',
          'kaggle',
          '--tta',
          '2',
          '--out',
          prediction,
        );
        return readFileSync(prediction, 'utf8')
          .trimEnd()
          .split('\n')
          .slice(1)
          .flatMap((line) => line.split(',').slice(1).map(Number));
      };
      const each: number[][] = [];
      for (const k of FOLDS) each.push(await submit(fold(votes, k)));
      const mean = await submit(votes);
      expect(mean.length).toBe(10 * 37);
      // The files have nine decimals.
      mean.forEach((value, i) =>
        expect(Math.abs(value - each.reduce((sum, values) => sum + values[i], 0) / 3)).toBeLessThan(1.001e-9),
      );
      const scored = JSON.parse(await succeed('score', truth, prediction, '--json')) as Metrics;
      const out = join(folder, 'judged');
      const judged = JSON.parse(
        await succeed('evaluate', votes, '--data', 'synthetic:10:9', '--tta', '2', '--out', out, '--json'),
      ) as Metrics & { measuredOn: string };
      expect(scored).toMatchObject({ galaxies: 10, rmse: expect.closeTo(judged.rmse, 8) });
      expect(judged.measuredOn).toMatch(/^all galaxies with votes of synthetic:10:9, each image averaged over 2/);
      expect(read(out, 'report.html')).toContain('vgg_small, mean of 3 networks');
      expect(await fail('predict', classes, '--data', OTHERS, '--format', 'kaggle')).toMatch(
        /tells smooth from featured.*train with --task challenge/,
      );
    },
    SLOW,
  );

  it('take turns in one place on the device, which is the first one’s again behind them', async () => {
    const dataset = syntheticDataset(10, 9, { size: 64 });
    const images = dataset.examples.map((_, i) => i);
    const peakOf = async (path: string) => {
      using device = await openDevice({ gpu: openGpu({ adapter: 'lavapipe' }) });
      using ensemble = await loadEnsemble(device, path);
      const { model } = ensemble;
      const before = await model.parameters.read();
      const predict = ensemble.predictFor(taskOf(model.task!), viewsFor(model, dataset));
      const ask = async () => ({
        rows: await predict(images, 1, SILENT),
        weights: await model.parameters.read(),
        bytes: device.memory.bytes,
        peak: device.memory.peakBytes,
      });
      const first = await ask();
      expect(first.weights).toEqual(before);
      // What is asked again makes nothing anew, and is answered alike.
      expect(await ask()).toEqual(first);
      return { networks: ensemble.networks, bytes: first.bytes, peak: first.peak };
    };
    const [one, three] = [await peakOf(fold(votes, 1)), await peakOf(votes)];
    expect(one.networks).toBe(1);
    expect(three).toEqual({ ...one, networks: 3 });
  });

  it('have no mean where they are different networks, or say different things', async () => {
    const mixed = async (other: string, args: readonly string[]) => {
      const out = join(folder, other);
      cpSync(votes, out, { recursive: true });
      const [model, options] = [join(fold(out, 2), 'model.safetensors'), ['--out', join(folder, `${other}-run`)]];
      await succeed('train', '--data', 'synthetic:18', '--epochs', '1', '--tta', '1', ...args, ...options);
      cpSync(join(folder, `${other}-run`, 'model.safetensors'), model);
      return await fail('predict', out, '--data', OTHERS);
    };
    const small = ['--model', 'vgg_small', '--crop', '200', '--task', 'challenge'];
    const sentence =
      /fold-1 and .*fold-2 have different tasks, networks or preprocessing, and no mean; train them by one/;
    expect(await mixed('larger', [...small, '--size', '48'])).toMatch(sentence);
    expect(await mixed('narrower', [...small, '--size', '32', '--width', '0.5'])).toMatch(sentence);
  });

  it('say so where they are judged on what they were trained on', async () => {
    expect(await succeed('evaluate', classes)).toMatch(
      /^Measured on all labelled galaxies of synthetic:40, among them those that the 2 networks were trained on \(the fair figure is in crossval\.json\)/,
    );
    expect(await fail('evaluate', classes, '--split', 'validation')).toMatch(
      /--split validation is nothing to an ensemble/,
    );
    expect(await succeed('evaluate', fold(classes, 1))).toMatch(
      /^Measured on fold 1 of 2 of synthetic:40, which chose the epoch that was kept \(--keep best\) and fitted how sure/,
    );
  });

  it('are named where one is needed, and where one is missing', async () => {
    expect(
      await fail('gradcam', votes, '--data', 'synthetic:1', '--class', 'Class1.1', '--out', join(folder, 'maps')),
    ).toMatch(/cross-validation of 3 folds, and this needs one network; give a fold of it, such as .*fold-1/);
    const out = join(folder, 'torn');
    cpSync(votes, out, { recursive: true });
    rmSync(fold(out, 3), { recursive: true });
    expect(await fail('predict', out, '--data', OTHERS)).toMatch(
      /not finished: fold 3 is missing; give its command again/,
    );
  });
});
