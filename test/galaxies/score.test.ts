import { writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../engine/user_error.ts';
import { parseKaggle } from '../../galaxies/catalogue.ts';
import { RmseAccumulator, challengeRmse } from '../../galaxies/challenge/rmse.ts';
import { scoreTable, Truth } from '../../galaxies/challenge/score.ts';
import { SUBMISSION_HEADER, submissionRow } from '../../galaxies/challenge/submission.ts';
import { CHALLENGE_COLUMNS } from '../../galaxies/columns.ts';
import { parseCsv } from '../../vision/data/csv.ts';
import { readCsv } from '../../vision/data/csv_file.node.ts';
import { QUESTIONS } from '../../galaxies/decision_tree.ts';
import { randomArray } from '../random.ts';
import { scratchFolder } from '../vision/training.ts';

const COLUMNS = 37;
const rows = (n: number, seed: number) => Array.from({ length: n }, (_, i) => randomArray(COLUMNS, seed + i, 0, 1));
const csvOf = (values: readonly ArrayLike<number>[], ids = values.map((_, i) => String(100 + i))) =>
  SUBMISSION_HEADER + values.map((row, i) => submissionRow(ids[i], row)).join('');

describe('RMSE galaxy by galaxy', () => {
  it('is the root of the mean square over all 37 columns, over those of a question, and of each; beside it that of the means', () => {
    const [truth, prediction] = [rows(50, 1), rows(50, 1000)];
    const sums = new RmseAccumulator();
    truth.forEach((row, i) => sums.add(row, prediction[i]));
    const got = sums.result();
    const means = CHALLENGE_COLUMNS.map((_, c) => truth.reduce((sum, row) => sum + row[c], 0) / 50);
    const root = (columns: number[], answer: (galaxy: number, column: number) => number) => {
      const squares = truth.flatMap((row, i) => columns.map((c) => (row[c] - answer(i, c)) ** 2));
      return Math.sqrt(squares.reduce((a, b) => a + b) / squares.length);
    };
    const want = (columns: number[]) => ({
      rmse: expect.closeTo(
        root(columns, (i, c) => prediction[i][c]),
        13,
      ),
      constant: expect.closeTo(
        root(columns, (_, c) => means[c]),
        13,
      ),
    });
    expect(sums.rows).toBe(50);
    expect(got).toMatchObject(want(CHALLENGE_COLUMNS.map((_, c) => c)));
    expect(got.perQuestion).toEqual(
      QUESTIONS.map(({ number, text }) => ({
        number,
        text,
        ...want(CHALLENGE_COLUMNS.flatMap((name, c) => (name.startsWith(`Class${number}.`) ? [c] : []))),
      })),
    );
    got.perColumn.forEach((column, c) => expect(column).toMatchObject({ name: CHALLENGE_COLUMNS[c], ...want([c]) }));
    expect(
      challengeRmse(
        prediction.flatMap((row) => [...row]),
        truth,
      ),
    ).toEqual(got);
  });

  it('of one wrong number: every figure by hand', () => {
    const truth = [new Float64Array(COLUMNS), new Float64Array(COLUMNS)];
    const prediction = new Float64Array(2 * COLUMNS);
    prediction[COLUMNS + 13] = 0.5; // Class6.1 of the second galaxy
    const got = challengeRmse(prediction, truth);
    expect(got.rmse).toBeCloseTo(0.5 / Math.sqrt(2 * 37), 15);
    expect(got.perQuestion[5].rmse).toBeCloseTo(0.5 / Math.sqrt(2 * 2), 15);
    expect(got.perColumn[13].rmse).toBeCloseTo(0.5 / Math.sqrt(2), 15);
    expect([...got.perQuestion, ...got.perColumn].filter(({ rmse }) => rmse !== 0).length).toBe(2);
    expect(got.constant).toBe(0);
  });

  it('of nothing is undefined; rows of another length are refused', () => {
    expect(new RmseAccumulator().result()).toMatchObject({ rmse: Number.NaN, constant: Number.NaN });
    expect(() => new RmseAccumulator().add(new Float32Array(37), new Float32Array(36))).toThrow(
      /37 columns, this one 36/,
    );
  });
});

describe('a submission', () => {
  it("begins with the challenge's own header", () => {
    expect(SUBMISSION_HEADER).toMatch(/^GalaxyID,Class1\.1,Class1\.2,Class1\.3,Class2\.1,.*,Class11\.6\n$/);
    expect(SUBMISSION_HEADER.split(',').length).toBe(38);
  });

  it.each([
    [0, '0'],
    [1, '1'],
    [0.5, '0.5'],
    [1e-7, '0.0000001'],
    [1e-12, '0'],
    [-1e-12, '0'],
    [-0.25, '-0.25'],
    [10, '10'],
    [1 / 3, '0.333333333'],
    [0.999_999_999_9, '1'],
    [1.5e9, '1500000000'],
  ])('writes %d as %s', (value, text) => {
    expect(submissionRow('7', new Float64Array(COLUMNS).fill(value))).toBe(
      `7,${Array(COLUMNS).fill(text).join(',')}\n`,
    );
  });

  it('gives back every f32 in 1/64..1, and others within 5e-10', () => {
    const numbers = (values: Float32Array) => submissionRow('7', values).trimEnd().split(',').slice(1).map(Number);
    for (let seed = 0; seed < 200; seed++) {
      const [large, small] = [randomArray(COLUMNS, seed, 1 / 64, 1), randomArray(COLUMNS, seed, 0, 1 / 64)];
      expect(Float32Array.from(numbers(large))).toEqual(large);
      numbers(small).forEach((v, c) => expect(Math.abs(v - small[c])).toBeLessThanOrEqual(5.001e-10));
    }
  });

  it('quotes an id where it must', () => {
    const text = csvOf(rows(1, 1), ['a "b", c']);
    expect(text.split('\n')[1]).toMatch(/^"a ""b"", c",0/);
    expect([...parseKaggle(text, 'a.csv').keys()]).toEqual(['a "b", c']);
  });

  it('refuses what is no row, naming the galaxy', () => {
    expect(() => submissionRow('7', new Float32Array(36))).toThrow(/galaxy 7: 36 numbers/);
    expect(() => submissionRow('7', new Float32Array(COLUMNS).fill(Number.NaN))).toThrow(
      /galaxy 7, column Class1\.1: NaN/,
    );
    expect(() => submissionRow('7', new Float32Array(COLUMNS).fill(Infinity))).toThrow(RangeError);
  });
});

/** Scores one text against another. */
function score(truthText: string, predictionText: string) {
  const truth = new Truth('truth.csv');
  parseCsv(truthText, 'truth.csv', truth.sink);
  const scoring = scoreTable('prediction.csv', truth);
  parseCsv(predictionText, 'prediction.csv', scoring.sink);
  return scoring.result();
}

describe('score', () => {
  const truth = rows(3, 5);
  const prediction = rows(3, 50);
  const fields = (text: string) =>
    text
      .trimEnd()
      .split('\n')
      .map((line) => line.split(','));
  /** A submission of `prediction` with some of its fields changed; row 0 is the header. */
  const changed = (edit: (table: string[][]) => string[][] | undefined) => {
    const table = fields(csvOf(prediction));
    return `${(edit(table) ?? table).map((row) => row.join(',')).join('\n')}\n`;
  };
  const set = (row: number, column: number, text: string) =>
    changed((table) => table.with(row, table[row].with(column, text)));

  it('gives the RMSE of the numbers that were written', () => {
    const { rmse, galaxies, outside } = score(csvOf(truth), csvOf(prediction));
    expect(rmse).toBeCloseTo(
      challengeRmse(
        prediction.flatMap((row) => [...row]),
        truth,
      ).rmse,
      8,
    );
    expect([galaxies, outside]).toEqual([3, 0]);
    expect(score(csvOf(truth), csvOf(truth)).rmse).toBe(0);
  });

  it("does not mind the order of rows and columns, quotes, a byte-order mark or Windows' line ends", () => {
    const want = score(csvOf(truth), csvOf(prediction));
    const turned = changed((table) => [table[0], ...table.slice(1).reverse()].map((row) => row.toReversed()));
    expect(score(csvOf(truth), turned).perColumn.map(({ rmse }) => rmse)).toEqual(
      want.perColumn.map(({ rmse }) => expect.closeTo(rmse, 14)),
    );
    const windows = `\ufeff${changed((table) => table.map((row) => row.map((field) => `"${field}"`))).replaceAll('\n', '\r\n')}`;
    expect(score(windows, windows).galaxies).toBe(3);
    expect(score(csvOf(truth), windows)).toEqual(want);
  });

  it('takes any real number in predictions, and counts those outside 0..1', () => {
    const text = changed((table) => {
      [table[1][1], table[2][3], table[3][37], table[3][36]] = ['-0.5', '+1.5e0', '1', '.25'];
    });
    const { perColumn, outside, firstOutside } = score(csvOf(truth), text);
    expect([outside, firstOutside]).toEqual([2, 'prediction.csv, line 2, column Class1.1: -0.5']);
    expect(perColumn[0].rmse).toBeGreaterThan(0.28);
  });

  it.each([
    [
      'a column is missing',
      changed((table) => table.map((row) => row.slice(0, -1))),
      /^prediction\.csv: column Class11\.6 is missing/,
    ],
    [
      'a column is unknown',
      changed((table) => table.map((row, r) => [...row, r === 0 ? 'Class12.1' : '0'])),
      /^prediction\.csv: column "Class12\.1" is none of/,
    ],
    [
      'a column is there twice',
      changed((table) => table.map((row) => [...row, row[5]])),
      /^prediction\.csv: column Class2\.2 is there twice/,
    ],
    ['there is no GalaxyID', set(0, 0, 'id'), /column GalaxyID is missing/],
    ['an id comes twice', set(3, 0, '101'), /^prediction\.csv, line 4: GalaxyID 101 is there a second time$/],
    ['an id is not in the truth', set(2, 0, '999'), /^prediction\.csv, line 3: GalaxyID 999 is not in truth\.csv$/],
    ['an id is empty', set(2, 0, ''), /^prediction\.csv, line 3, column GalaxyID: empty$/],
    [
      'galaxies are missing',
      changed((table) => [table[0], table[2]]),
      /^prediction\.csv lacks 2 galaxies of truth\.csv: GalaxyID 100, 102$/,
    ],
    ['all galaxies are missing', SUBMISSION_HEADER, /^prediction\.csv has no galaxies$/],
    ['the file is empty', '', /^prediction\.csv has no galaxies$/],
    ['a field is no number', set(2, 4, 'yes'), /^prediction\.csv, line 3, column Class2\.1: "yes" is not a number$/],
    ['a field is hexadecimal', set(2, 4, '0x1'), /"0x1" is not a number$/],
    ['a field is NaN', set(2, 4, 'NaN'), /line 3, column Class2\.1: "NaN" is not a number$/],
    ['a field is infinite', set(2, 4, '1e999'), /line 3, column Class2\.1: 1e999 is too large/],
    ['a field is empty', set(2, 4, ''), /^prediction\.csv, line 3, column Class2\.1: no number$/],
    [
      'a row is short',
      changed((table) => void table[2].pop()),
      /^prediction\.csv, line 3: 37 fields where the header has 38$/,
    ],
  ])('refuses a prediction where %s', (_, text, message) => {
    expect(() => score(csvOf(truth), text)).toThrow(message);
    expect(() => score(csvOf(truth), text)).toThrow(UserError);
  });

  it.each([
    [
      'a fraction is outside 0..1',
      set(2, 4, '1.5'),
      /^truth\.csv, line 3, column Class2\.1: 1\.5 is not a vote fraction/,
    ],
    ['an id comes twice', set(3, 0, '101'), /^truth\.csv, line 4: GalaxyID 101 is there a second time$/],
  ])('refuses a truth where %s', (_, text, message) => expect(() => score(text, csvOf(prediction))).toThrow(message));

  it('names a few of many missing galaxies and counts the others', () => {
    expect(() => score(csvOf(rows(20, 1)), csvOf(rows(2, 1)))).toThrow(
      /lacks 18 galaxies of truth\.csv: GalaxyID 102, 103, 104, 105, 106 and 13 more$/,
    );
  });

  it('holds more galaxies than it begins with room for, and reads .gz', async () => {
    const folder = scratch.next();
    const values = rows(1, 3).concat(Array.from({ length: 3000 }, () => new Float32Array(COLUMNS).fill(0.5)));
    writeFileSync(`${folder}.csv.gz`, gzipSync(csvOf(values)));
    const truth = new Truth('truth.csv');
    await readCsv(`${folder}.csv.gz`, truth.sink);
    expect(truth.size).toBe(3001);
    expect([...truth.votes(3000)]).toEqual(Array(COLUMNS).fill(0.5));
    values[0].forEach((v, c) => expect(truth.votes(0)[c]).toBeCloseTo(v, 8));
    const scoring = scoreTable('p.csv', truth);
    await readCsv(`${folder}.csv.gz`, scoring.sink);
    expect(scoring.result()).toMatchObject({ galaxies: 3001, rmse: 0 });
  });
});

const scratch = scratchFolder();
