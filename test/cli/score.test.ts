import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SUBMISSION_HEADER, submissionRow } from '../../galaxies/challenge/submission.ts';
import { syntheticDataset } from '../../galaxies/synthetic.ts';
import { fail, succeed, tuningfork } from './cli.ts';

interface Figures {
  name: string;
  rmse: number;
  perQuestion: { number: number; rmse: number }[];
  perColumn: { name: string; rmse: number }[];
  clusters?: number;
  settled?: boolean;
}
interface Baselines {
  data: string;
  split: string;
  galaxies: number;
  train: number;
  baselines: Figures[];
}

const json = async <T>(...args: string[]): Promise<T> => JSON.parse(await succeed(...args, '--json')) as T;

describe('baseline', () => {
  it('judges all of them where none is named, in the order of the list, and each alone as with the others', async () => {
    const all = await json<Baselines>('baseline', '--data', 'synthetic:150', '--clusters', '5');
    expect(all.baselines.map(({ name }) => name)).toEqual(['zeros', 'ones', 'mean', 'central-pixel']);
    expect(all).toMatchObject({ data: 'synthetic:150', split: 'validation', galaxies: 150 - all.train });
    const [zeros, ones, mean, central] = all.baselines;
    expect(zeros.rmse).toBeGreaterThan(mean.rmse);
    expect(ones.rmse).toBeGreaterThan(zeros.rmse);
    expect(central).toMatchObject({ clusters: 5, settled: true });
    expect(mean.perQuestion.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect(mean.perColumn.length).toBe(37);
    const two = await json<Baselines>(
      'baseline',
      'central-pixel',
      'mean',
      '--data',
      'synthetic:150',
      '--clusters',
      '5',
    );
    expect(two.baselines).toEqual([mean, central]);
  });

  it('with --split all judges every galaxy, and needs no image for the mean', async () => {
    const all = ['baseline', 'mean', '--data', 'synthetic:100', '--split', 'all'];
    const { galaxies, train } = await json<Baselines>(...all);
    // Drawn galaxies are called by no numbers.
    expect(await fail(...all, '--train-only', '1-2')).toMatch(/--train-only 1-2: none of the 100 images/);
    expect(galaxies).toBe(100);
    expect(train).toBeLessThan(100);
  });

  it('prints a table with a row for each question', async () => {
    const { code, stdout } = await tuningfork(['baseline', 'zeros', 'mean', '--data', 'synthetic:60']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^synthetic:60: judged on \d+ galaxies \(the validation split\), learned from \d+\n/);
    expect(stdout).toMatch(/^question +zeros +mean\nall +0\.\d{4} {2}0\.\d{4}\n1 smooth, or features or disc +0\./m);
    expect(stdout.match(/^\d+ /gm)?.length).toBe(11);
  });

  it.each([
    [
      ['--data', 'synthetic:40', '--clusters', '39', 'central-pixel'],
      /--clusters 39: there are only 3\d training galaxies/,
    ],
    [['--data', 'synthetic:40', '--val-fraction', '0', 'mean'], /the validation split has no galaxy; give more data/],
    [['--data', 'no such folder'], /no such folder does not exist/],
  ])('ends with 2 for %j', async (args, message) => expect(await fail('baseline', ...args)).toMatch(message));

  it('refuses a name it does not know, and lists those it does', async () => {
    const { code, stderr } = await tuningfork(['baseline', 'median']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/Allowed choices are zeros, ones, mean, central-pixel, all/);
  });
});

describe('score', () => {
  let folder: string;
  const { examples: galaxies } = syntheticDataset(60);
  const file = (name: string, rows: readonly string[]) => {
    writeFileSync(join(folder, name), SUBMISSION_HEADER + rows.join(''));
    return join(folder, name);
  };
  const truth = galaxies.map(({ id, votes }) => submissionRow(id, votes!.all!));
  const constant = (value: number) =>
    galaxies.map(({ id }) => submissionRow(id, new Float64Array(37).fill(value))).reverse();
  beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'tuningfork-score-'))));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('agrees with `baseline` on the same galaxies, as JSON and as a table', async () => {
    const files = [file('truth.csv', truth), file('zeros.csv', constant(0))];
    const got = await json<Figures & { galaxies: number; outside: number }>('score', ...files);
    const {
      baselines: [zeros],
    } = await json<Baselines>('baseline', 'zeros', '--data', 'synthetic:60', '--split', 'all');
    expect([got.galaxies, got.outside]).toEqual([60, 0]);
    // The file has nine decimals.
    expect(got.rmse).toBeCloseTo(zeros.rmse, 8);
    expect(got.perColumn).toMatchObject(
      zeros.perColumn.map(({ name, rmse }) => ({ name, rmse: expect.closeTo(rmse, 8) })),
    );
    const { code, stdout, stderr } = await tuningfork(['score', ...files]);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain(`RMSE ${zeros.rmse.toFixed(4)} over 37 columns of 60 galaxies`);
    expect(stdout.match(/^Class/gm)?.length).toBe(37);
  });

  it('counts what no vote fraction can be, and says where the first is', async () => {
    const { code, stderr } = await tuningfork(['score', file('t.csv', truth), file('two.csv', constant(2))]);
    expect(code).toBe(0);
    expect(stderr).toMatch(
      /^Note: 2220 predicted numbers lie outside 0\.\.1, .*two\.csv, line 2, column Class1\.1: 2\n$/,
    );
  });

  it('ends with 2 and a sentence where the files do not fit, and where one is missing', async () => {
    const all = file('t.csv', truth);
    expect(await fail('score', all, file('short.csv', truth.slice(1)))).toMatch(
      /short\.csv lacks a galaxy of .*t\.csv: GalaxyID s0-0\n$/,
    );
    expect(await fail('score', file('short.csv', truth.slice(1)), all)).toMatch(
      /t\.csv, line 2: GalaxyID s0-0 is not in .*short\.csv/,
    );
    expect(await fail('score', all, join(folder, 'none.csv'))).toMatch(/none\.csv: there is no such file/);
    expect(await fail('score', file('empty.csv', []), all)).toMatch(/empty\.csv has no galaxies/);
    expect(await fail('score', folder, all)).toMatch(/it is a folder/);
  });
});
