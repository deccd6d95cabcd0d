import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Epoch } from '../../vision/report/data.ts';
import { hashIds } from '../../vision/data/split.ts';
import { NEW_STATE, saveCheckpoint } from '../../vision/train/checkpoint.node.ts';
import type { TaskChoice } from '../../galaxies/tasks.ts';
import type { TrainOptions } from '../../vision/train/options.ts';
import { readPage } from '../galaxies/report_page.ts';
import { TINY } from '../vision/training.ts';
import { tuningfork } from './cli.ts';

let folder: string;
const at = (name: string) => join(folder, name);
/** Losses fall from the first epoch to the third and rise in the fourth. */
const history = (figure: 'accuracy' | 'RMSE', epochs: number): Epoch[] =>
  [0.5, 0.4, 0.3, 0.35].slice(0, epochs).map((loss, i) => ({
    epoch: i + 1,
    phase: 1,
    learningRate: 1e-3,
    seconds: 60.5,
    train: { loss, [figure]: loss / 2 },
    validation: { loss: loss + 0.1, [figure]: loss / 2 + 0.1 },
  }));

function begin(name: string, options: object): void {
  mkdirSync(at(name));
  writeFileSync(join(at(name), 'config.json'), JSON.stringify(options));
}

function write(name: string, options: object, figures: object, figure: 'accuracy' | 'RMSE'): void {
  begin(name, options);
  const metrics = {
    ...figures,
    seconds: 242,
    bestEpoch: 3,
    history: history(figure, 4),
    counts: { train: 38, validation: 10 },
    parameters: 60_818,
  };
  writeFileSync(join(at(name), 'metrics.json'), JSON.stringify(metrics));
}

const ACCURATE = { accuracy: { value: 0.9125, low: 0.8, high: 0.97, n: 10, correct: 9 }, auc: 0.975, ece: 0.0312 };
const CHALLENGE: TrainOptions<TaskChoice> = {
  ...TINY,
  task: { name: 'challenge', head: 'tree' },
  model: 'galaxy_vgg',
  width: 0.25,
  size: 64,
  tune: { epochs: 4, learningRate: 1e-3 },
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tuningfork-compare-'));
  write('b0', TINY, ACCURATE, 'accuracy');
  write(
    'again',
    { ...TINY, tune: { epochs: 4, learningRate: 5e-4 }, clip: null },
    { ...ACCURATE, auc: null },
    'accuracy',
  );
  const { task, ...others } = TINY;
  write('old', { ...others, threshold: 0.6, softLabels: false, labelSmoothing: 0 }, ACCURATE, 'accuracy');
  write('strict', { ...TINY, task: { ...task, threshold: 0.8 }, valFraction: 0.3 }, ACCURATE, 'accuracy');
  write('votes', CHALLENGE, { rmse: 0.12344, constant: 0.168 }, 'RMSE');
  begin('stopped', { ...CHALLENGE, task: { name: 'challenge', head: 'independent' } });
  await saveCheckpoint(
    join(at('stopped'), 'checkpoint.safetensors'),
    { ...NEW_STATE, epoch: 2, history: history('RMSE', 2), best: { epoch: 2, loss: 0.5 } },
    new Map([['w', { shape: [1], data: Float32Array.of(1) }]]),
  );
  begin('begun', CHALLENGE);
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Compared {
  runs: {
    run: string;
    finished: boolean;
    rmse?: number;
    accuracy?: number;
    auc?: number | null;
    epochs: number;
    planned: number;
    bestEpoch: number | null;
    parameters: number | null;
  }[];
  differences: Record<string, unknown[]>;
  warnings: string[];
}

async function compare(...names: string[]): Promise<{ text: string; notes: string }> {
  const { code, stdout, stderr } = await tuningfork(['compare', ...names.map(at)]);
  expect(code, stderr).toBe(0);
  return { text: stdout.replaceAll(`${folder}/`, ''), notes: stderr };
}

async function compareJson(...names: string[]): Promise<Compared> {
  const { code, stdout, stderr } = await tuningfork(['compare', ...names.map(at), '--json']);
  expect([code, stderr]).toEqual([0, '']);
  return JSON.parse(stdout) as Compared;
}

/** The table of runs as objects by the heads of its columns; they are two spaces or more apart. */
function tableOf(text: string): Record<string, string>[] {
  const [heads, ...rows] = text
    .split('\n\n')[0]
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/ {2,}/));
  return rows.map((row) => Object.fromEntries(row.map((cell, i) => [heads[i], cell])));
}

describe('compare', () => {
  it('shows runs of different tasks, with a dash for what does not apply', async () => {
    const { text, notes } = await compare('b0', 'votes');
    expect(tableOf(text)).toEqual([
      {
        run: 'b0',
        accuracy: '0.912',
        AUC: '0.975',
        ECE: '0.031',
        RMSE: '–',
        epochs: '4',
        best: '3',
        time: '4 min 02 s',
        model: 'vgg_small',
        task: 'smooth-or-featured',
        parameters: '60.8 k',
        training: '38',
        validation: '10',
        size: '32',
      },
      {
        run: 'votes',
        accuracy: '–',
        AUC: '–',
        ECE: '–',
        RMSE: '0.1234',
        epochs: '4',
        best: '3',
        time: '4 min 02 s',
        model: 'galaxy_vgg x 0.25',
        task: 'challenge, tree',
        parameters: '60.8 k',
        training: '38',
        validation: '10',
        size: '64',
      },
    ]);
    expect(notes).toBe('');
  });

  it('names the options in which they differ, and no others', async () => {
    const { text } = await compare('b0', 'again');
    expect(
      text
        .trimEnd()
        .split('\n\n')[1]
        .split('\n')
        .map((line) => line.split(/ {2,}/)),
    ).toEqual([
      ['different options', 'b0', 'again'],
      ['tune.epochs', '2', '4'],
      ['tune.learningRate', '0.001', '0.0005'],
      ['clip', '1', 'null'],
    ]);
    // Columns that say nothing of any run are left out.
    expect(text).not.toContain('RMSE');
    const { runs, differences } = await compareJson('b0', 'again');
    expect(runs.map(({ auc }) => auc)).toEqual([0.975, null]);
    expect(differences).toEqual({ 'tune.epochs': [2, 4], 'tune.learningRate': [0.001, 0.0005], clip: [1, null] });
  });

  it('takes options as earlier versions wrote them', async () => {
    expect(await compareJson('b0', 'old')).toMatchObject({ differences: {}, warnings: [] });
    expect((await compare('b0', 'old')).text).not.toContain('different options');
  });

  it('shows unfinished runs as far as they came', async () => {
    const [, stopped, begun] = tableOf((await compare('votes', 'stopped', 'begun')).text);
    expect(stopped).toMatchObject({
      RMSE: '–',
      epochs: '2 of 4, unfinished',
      best: '2',
      time: '2 min 01 s',
      task: 'challenge, independent',
      parameters: '–',
      validation: '–',
    });
    expect(begun).toMatchObject({ RMSE: '–', epochs: '0 of 4, unfinished', best: '–', time: '0.0 s' });
    const { runs } = await compareJson('stopped', 'votes');
    expect(
      runs.map(({ finished, epochs, planned, parameters, rmse }) => [finished, epochs, planned, parameters, rmse]),
    ).toEqual([
      [false, 2, 4, null, undefined],
      [true, 4, 4, 60_818, 0.12344],
    ]);
  });

  it('warns where figures cannot be compared, within a task only', async () => {
    const { notes, text } = await compare('b0', 'strict', 'votes');
    expect(notes).toBe(
      'warning: the runs for smooth-or-featured were judged on different images (valFraction, task.threshold differ): their figures cannot be compared\n',
    );
    expect(tableOf(text)).toHaveLength(3);
    for (const [index, sides] of [
      [1, 11],
      [2, 22],
    ])
      write(`fold-${index}`, { ...TINY, fold: { index, of: 2, seed: 1, sides } }, ACCURATE, 'accuracy');
    expect((await compareJson('fold-1', 'fold-2')).warnings).toEqual([
      expect.stringMatching(/judged on different images \(fold\.index, fold\.sides differ\)/),
    ]);
    expect((await compareJson('b0', 'votes')).warnings).toEqual([]);
    cpSync(at('b0'), at('grown'), { recursive: true });
    const metrics = join(at('grown'), 'metrics.json');
    writeFileSync(metrics, readFileSync(metrics, 'utf8').replace('"validation":10', '"validation":12'));
    expect((await compareJson('b0', 'grown')).warnings).toEqual([
      expect.stringMatching(/judged on 10 and 12 images though their options are the same/),
    ]);
    for (const [name, ids] of [
      ['one', ['a', 'b']],
      ['other', ['a', 'c']],
      ['shuffled', ['b', 'a']],
    ] as const) {
      cpSync(at('b0'), at(name), { recursive: true });
      const file = join(at(name), 'metrics.json');
      writeFileSync(
        file,
        JSON.stringify({ ...(JSON.parse(readFileSync(file, 'utf8')) as object), judgedOn: hashIds(ids) }),
      );
    }
    expect((await compareJson('one', 'other', 'b0')).warnings).toEqual([
      expect.stringMatching(/judged on different images, as many and by the same options/),
    ]);
    expect((await compareJson('one', 'shuffled', 'b0')).warnings).toEqual([]);
  });

  it('writes a page with the curves of all runs over each other', async () => {
    const out = at('page');
    const { code, stdout } = await tuningfork([
      'compare',
      ...['b0', 'strict', 'votes', 'stopped', 'begun'].map(at),
      '--out',
      out,
    ]);
    expect([code, stdout.split('\n').at(-2)]).toEqual([0, `Page: ${join(out, 'compare.html')}`]);
    const page = readFileSync(join(out, 'compare.html'), 'utf8');
    const tags = readPage(page);
    const named = (name: string) => tags.filter((tag) => tag.name === name);
    expect(named('h2').map(({ text }) => text)).toEqual([
      'The runs',
      'The curves: smooth-or-featured',
      'The curves: challenge',
    ]);
    expect(named('svg').map(({ attributes }) => attributes['aria-label'])).toEqual([
      'Accuracy, validation',
      'Accuracy, training',
      'Loss, validation',
      'Loss, training',
      'RMSE, validation',
      'RMSE, training',
      'Loss, validation',
      'Loss, training',
    ]);
    // A run has its colour wherever it is drawn: the third and the fourth have the last four figures.
    const strokes = (svg: (typeof tags)[number]) =>
      tags
        .filter((tag) => tag.attributes.stroke?.startsWith('#') && tag.name === 'path' && within(tag, svg))
        .map(({ attributes }) => attributes.stroke);
    expect(named('svg').map(strokes)).toEqual([
      ...Array<string[]>(4).fill(['#3f7fbf', '#d07a1c']),
      ...Array<string[]>(4).fill(['#1f968b', '#9a6bb8']),
    ]);
    expect(tags[0].text).toContain('Warning: the runs for smooth-or-featured');
    expect(page).not.toMatch(/NaN|<script|https?:\/\/(?!www\.w3\.org)/);
  });

  const within = (tag: ReturnType<typeof readPage>[number], outer: ReturnType<typeof readPage>[number]): boolean =>
    tag === outer || (tag.parent !== null && within(tag.parent, outer));

  it.each<[string, (run: string) => void, RegExp]>([
    ['no config.json', (run) => rmSync(join(run, 'config.json')), /is no run directory: it has no config\.json/],
    [
      'a config.json that is no JSON',
      (run) => writeFileSync(join(run, 'config.json'), '{"task":'),
      /config\.json is damaged: it is not JSON, or is cut short/,
    ],
    [
      'a metrics.json that was cut',
      (run) => writeFileSync(join(run, 'metrics.json'), '{"accuracy":{'),
      /metrics\.json is damaged: .*run the training command again/,
    ],
    [
      'a metrics.json that is a list',
      (run) => writeFileSync(join(run, 'metrics.json'), '[1]'),
      /metrics\.json is damaged/,
    ],
    [
      'a metrics.json without its figure',
      (run) =>
        writeFileSync(
          join(run, 'metrics.json'),
          readFileSync(join(run, 'metrics.json'), 'utf8').replace('"value"', '"worth"'),
        ),
      /metrics\.json is damaged or of another version: accuracy\.value is missing/,
    ],
    [
      'a metrics.json without its epochs',
      (run) =>
        writeFileSync(
          join(run, 'metrics.json'),
          readFileSync(join(run, 'metrics.json'), 'utf8').replace('"history"', '"past"'),
        ),
      /history is missing; run the training command again/,
    ],
  ])('refuses a folder with %s, and writes nothing', async (_, harm, sentence) => {
    const [broken, out] = [at('broken'), at('unwritten')];
    cpSync(at('b0'), broken, { recursive: true });
    harm(broken);
    const { code, stdout, stderr } = await tuningfork(['compare', at('b0'), broken, '--out', out]);
    rmSync(broken, { recursive: true });
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(sentence);
    expect(stderr).toMatch(/^tuningfork: [^\n]*broken[^\n]*\n$/);
    expect(existsSync(out)).toBe(false);
  });

  it('takes the folds of a cross-validation, not their folder', async () => {
    const cv = at('cv');
    mkdirSync(cv);
    for (const index of [1, 2])
      write(join('cv', `fold-${index}`), { ...TINY, fold: { index, of: 2, seed: 1, sides: 7 } }, ACCURATE, 'accuracy');
    expect(await tuningfork(['compare', cv])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/cv is a cross-validation; give the runs of its folds, such as .*cv.fold-1\n$/),
    });
    expect((await compareJson('cv/fold-1', 'cv/fold-2')).warnings).toEqual([
      expect.stringMatching(/different images \(fold\.index differs\)/),
    ]);
  });

  it('refuses folders that are not there, a run twice, and more runs than a page has colours for', async () => {
    expect(await tuningfork(['compare', at('nowhere')])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/nowhere is no run directory/),
    });
    expect(await tuningfork(['compare', at('b0'), at('b0')])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/is given twice/),
    });
    expect(
      await tuningfork(['compare', ...Array.from({ length: 15 }, (_, i) => at(`r${i}`)), '--out', at('many')]),
    ).toMatchObject({ code: 2, stderr: expect.stringMatching(/14 runs at most, not of 15/) });
  });
});
