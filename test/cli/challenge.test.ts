import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SUBMISSION_HEADER, submissionRow } from '../../galaxies/challenge/submission.ts';
import { CHALLENGE_COLUMNS } from '../../galaxies/columns.ts';
import { syntheticDataset } from '../../galaxies/synthetic.ts';
import { fail, succeed, tuningfork } from './cli.ts';

let folder: string;
let run: string;
const TRAINING = [
  '--task',
  'challenge',
  '--model',
  'galaxy_vgg',
  '--width',
  '0.125',
  '--size',
  '64',
  '--crop',
  '300',
  '--batch',
  '8',
  '--epochs',
  '1',
  '--tta',
  '1',
  '--data',
  'synthetic:40',
];

interface Figures {
  rmse: number;
  constant: number;
  galaxies: number;
  perQuestion: { number: number; rmse: number }[];
  perColumn: { name: string; rmse: number }[];
  split?: string;
}

let trained: Figures;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tuningfork-challenge-'));
  run = join(folder, 'run');
  trained = JSON.parse(await succeed('train', ...TRAINING, '--out', run, '--json')) as Figures;
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('train --task challenge', () => {
  it('leaves a model, figures and a page', () => {
    expect(readdirSync(run).sort()).toEqual([
      'best.safetensors',
      'checkpoint.safetensors',
      'config.json',
      'metrics.json',
      'model.safetensors',
      'origin.json',
      'predictions.csv',
      'report.html',
      'tuning.json',
    ]);
    const metrics = JSON.parse(readFileSync(join(run, 'metrics.json'), 'utf8')) as Figures & {
      options: object;
      history: object[];
    };
    expect(metrics).toMatchObject({
      rmse: trained.rmse,
      constant: trained.constant,
      options: { task: { name: 'challenge', head: 'tree' }, width: 0.125 },
    });
    expect(metrics.history).toHaveLength(1);
    const page = readFileSync(join(run, 'report.html'), 'utf8');
    for (const part of [
      'The data',
      'The training',
      'The evaluation',
      'Where the network looks',
      'The smallest errors',
      'The largest errors',
      'Class11.6',
      'anything odd',
    ])
      expect(page).toContain(part);
    // Three maps and the input for each of as many galaxies as there are, one for each question at most; all judged
    // ones with their answers.
    const { galaxies } = metrics;
    expect(galaxies).toBeGreaterThan(3);
    expect(page.match(/<img /g)).toHaveLength(4 * Math.min(11, galaxies) + Math.min(9, galaxies));
  });

  it('refuses another task or head in the same run, and options of the other task', async () => {
    expect(await fail('train', ...TRAINING, '--head', 'independent', '--out', run)).toMatch(
      /task was .*tree.* and is now .*independent/,
    );
    expect(await fail('train', ...TRAINING.slice(2), '--out', run)).toMatch(
      /task was .*challenge.* and is now .*smooth-or-featured/,
    );
    const other = join(folder, 'none');
    expect(await fail('train', ...TRAINING, '--threshold', '0.7', '--out', other)).toMatch(
      /--threshold.*--task smooth-or-featured/,
    );
    expect(await fail('train', ...TRAINING.slice(2), '--head', 'tree', '--out', other)).toMatch(
      /--head.*--task challenge/,
    );
    expect(
      await fail(
        'train',
        '--task',
        'challenge',
        '--model',
        'efficientnet_b0',
        '--width',
        '0.5',
        '--data',
        'synthetic:20',
        '--out',
        other,
      ),
    ).toMatch(/efficientnet_b0 comes in its published width only/);
  });
});

describe('a model of vote fractions', () => {
  it('is judged as training judged it, in total, by question and by column', async () => {
    const again = JSON.parse(await succeed('evaluate', run, '--json')) as Figures;
    expect(again).toMatchObject({ split: 'validation', rmse: trained.rmse });
    expect(again.perQuestion.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect(again.perColumn.map(({ name }) => name)).toEqual(CHALLENGE_COLUMNS);
    const mean = again.perColumn.reduce((sum, { rmse }) => sum + rmse ** 2, 0) / CHALLENGE_COLUMNS.length;
    expect(again.rmse).toBeCloseTo(Math.sqrt(mean), 12);
    const out = join(folder, 'judged');
    const text = await succeed('evaluate', run, '--data', 'synthetic:20:9', '--tta', '16', '--out', out);
    expect(text).toMatch(
      /^Measured on all galaxies with votes of synthetic:20:9, each image averaged over 16 views.*\nRMSE 0\.\d{4} over 37 columns of 20 galaxies/,
    );
    for (const name of CHALLENGE_COLUMNS) expect(text).toContain(`${name} `);
    expect(readFileSync(join(out, 'report.html'), 'utf8')).not.toContain('The training');
    expect(await fail('evaluate', run, '--threshold', '0.7')).toMatch(/--threshold makes labels/);
  });

  it('predicts a row of 37 named columns a galaxy, which obeys the tree', async () => {
    const [head, ...rows] = (await succeed('predict', run, '--data', 'synthetic:5'))
      .trimEnd()
      .split('\n')
      .map((line) => line.split(','));
    expect(head).toEqual(['id', ...CHALLENGE_COLUMNS]);
    expect(rows).toHaveLength(5);
    for (const [, ...row] of rows) {
      const [smooth, featured, artifact, edgeOn, not] = row.map(Number);
      expect(smooth + featured + artifact).toBeCloseTo(1, 4);
      expect(edgeOn + not).toBeCloseTo(featured, 4);
    }
    const [line] = (await succeed('predict', run, '--data', 'synthetic:5', '--json')).split('\n');
    const { id, fractions, ...rest } = JSON.parse(line) as { id: string; fractions: Record<string, number> };
    expect([id, Object.keys(fractions), rest]).toEqual([rows[0][0], CHALLENGE_COLUMNS, {}]);
    expect(fractions['Class1.1']).toBeCloseTo(Number(rows[0][1]), 5);
  });

  it("predicts in the challenge's own format, which `score` judges as `evaluate` does", async () => {
    const [truth, prediction] = [join(folder, 'truth.csv'), join(folder, 'submission.csv')];
    writeFileSync(
      truth,
      SUBMISSION_HEADER +
        syntheticDataset(20, 9)
          .examples.map(({ id, votes }) => submissionRow(id, votes!.all!))
          .join(''),
    );
    await succeed('predict', run, '--data', 'synthetic:20:9', '--format', 'kaggle', '--out', prediction);
    const scored = JSON.parse(await succeed('score', truth, prediction, '--json')) as Figures;
    const judged = JSON.parse(await succeed('evaluate', run, '--data', 'synthetic:20:9', '--json')) as Figures;
    expect(scored).toMatchObject({
      galaxies: 20,
      rmse: expect.closeTo(judged.rmse, 8),
      constant: expect.closeTo(judged.constant, 8),
    });
    scored.perColumn.forEach(({ rmse }, c) => expect(rmse).toBeCloseTo(judged.perColumn[c].rmse, 8));
    expect(await fail('predict', run, '--data', 'synthetic:2', '--format', 'kaggle', '--json')).toMatch(/two formats/);
  });

  it('is explained by column', async () => {
    const out = join(folder, 'maps');
    expect(await succeed('gradcam', run, '--data', 'synthetic:1', '--class', 'Class7.1', '--out', out)).toMatch(
      /Class7\.1 0\.\d{4}/,
    );
    expect(readdirSync(out)).toEqual(['s0-0.png']);
    expect(await fail('gradcam', run, '--data', 'synthetic:1', '--out', out)).toMatch(
      /say which to explain by --class.*Class11\.6/,
    );
  });

  it('is inspected as it was trained', async () => {
    expect(await succeed('inspect', run, '--training', '--steps')).toContain('copy_strided');
  });

  it('is inspected before it is trained', async () => {
    // In processes of their own, which begin to number tensors at the same number.
    const inspected = async (...args: string[]) => {
      const { stdout } = await tuningfork([
        'inspect',
        ...args,
        '--size',
        '64',
        '--batch',
        '2',
        '--steps',
        '--json',
        '--adapter',
        'lavapipe',
      ]);
      return JSON.parse(stdout) as { parameters: object; memory: object; listing: { kernel: string }[] };
    };
    const named = ['galaxy_vgg', '--width', '0.125', '--task', 'challenge'];
    for (const mode of [['--training'], []]) {
      const { parameters, memory, listing } = await inspected(...named, ...mode);
      expect(await inspected(run, ...mode)).toMatchObject({ parameters, memory, listing });
      expect(listing.some(({ kernel }) => kernel === 'copy_strided')).toBe(true);
    }
    expect(
      (await inspected(...named, '--head', 'independent')).listing.some(({ kernel }) => kernel === 'copy_strided'),
    ).toBe(false);
    expect(await fail('inspect', 'galaxy_vgg', '--head', 'tree')).toMatch(/--head is for --task challenge/);
    expect(await fail('inspect', run, '--width', '0.5')).toMatch(/--width is for models by name/);
    expect(await fail('tune', run, '--task', 'challenge', '--tuning', join(folder, 'tuned.json'))).toMatch(
      /--task is for models by name/,
    );
  });
});
