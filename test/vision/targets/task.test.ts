import { describe, expect, it } from 'vitest';
import type { Dataset } from '../../../vision/data/dataset.ts';
import type { Labelled } from '../../../vision/data/labelled.ts';
import type { Side } from '../../../vision/data/labelled.ts';
import { valuesOf } from '../../../vision/data/table.node.ts';
import { TARGETS } from '../../../vision/targets/task.ts';

const SIDES = { valFraction: 0.25, trainOnly: null };

const dataset = (rows: readonly (readonly [values: readonly number[] | null, side?: Side])[]): Dataset<Labelled> => ({
  name: 'd',
  examples: rows.map(([values, side], i) => ({ id: `i${i}`, label: null, values, side: side ?? null })),
  notes: [],
  load: () => Promise.reject(new Error('no image')),
  close: async () => {},
});

const fitted = (data: Dataset<Labelled>, columns = ['a', 'b']) =>
  TARGETS.fit(TARGETS.choices({ targetColumns: columns }), data);

describe('targets', () => {
  // a: mean 4, deviation 2. b: mean 0.5, deviation 0.5. The test, and what lacks a number, counts for neither.
  const data = dataset([
    [[2, 0], 'train'],
    [[6, 1], 'train'],
    [[2, 1], 'validation'],
    [[6, 0], 'validation'],
    [[1000, 1000], 'test'],
    [null, 'train'],
  ]);
  const { options, outputs } = fitted(data);
  const task = TARGETS.make(options, outputs);
  const prepared = task.prepare(data, SIDES);

  it('are learnt in units of their deviation from their mean, and predicted in their own', () => {
    expect(options).toEqual({ name: 'targets', columns: ['a', 'b'], mean: [4, 0.5], deviation: [2, 0.5] });
    expect(outputs).toEqual(['a', 'b']);
    expect(prepared.target(0)).toEqual([-1, -1]);
    expect(prepared.target(3)).toEqual([1, -1]);
    for (const example of [0, 1, 2, 3])
      expect(task.prediction(prepared.target(example))).toEqual(data.examples[example].values);
  });

  it('keep the units that a run was begun with', () => {
    const chosen = TARGETS.choices({ targetColumns: ['a', 'b'] });
    const begun = { name: 'targets', columns: ['a', 'b'], mean: [3, 1], deviation: [7, 8] };
    expect(TARGETS.resume!(chosen, begun, options)).toEqual(begun);
    // Of other columns there are none to keep.
    expect(TARGETS.resume!(chosen, { ...begun, columns: ['b', 'a'] }, options)).toEqual(options);
  });

  it('have units by which no image that is kept for the test counts', () => {
    const rows = Array.from({ length: 40 }, (_, i): [number[]] => [[i, i % 7]]);
    const many = dataset(rows);
    const sides = { valFraction: 0.2, testFraction: 0.5, trainOnly: null };
    const chosen = TARGETS.choices({ targetColumns: ['a', 'b'] });
    const { train, validation } = task.split(many, sides);
    const part = [...train, ...validation];
    expect(part.length).toBeGreaterThan(10);
    expect(part.length).toBeLessThan(30);
    const { options: fit } = TARGETS.fit(chosen, many, sides);
    expect(fit.mean[0]).toBeCloseTo(part.reduce((sum, i) => sum + i, 0) / part.length, 12);
    // In each fold they are the same.
    const fold = { index: 2, of: 3, seed: 1 };
    expect(TARGETS.fit(chosen, many, { ...sides, fold }).options.mean[0]).toBeCloseTo(fit.mean[0], 12);
  });

  it('are judged by the mean squared error in those units', () => {
    // (2 in a: one deviation) and (1 in b: two): (1 + 4) / 2.
    expect(prepared.loss([4, 1], 0)).toBeCloseTo(2.5, 12);
    expect(prepared.mark([4, 1], 0)).toBeCloseTo(2.5, 12);
    expect(task.figure.of(2.25)).toBe(1.5);
  });

  it('are on the sides that the data name, and otherwise where a hash puts them, folds even in the first', () => {
    expect([prepared.train, prepared.validation]).toEqual([
      [0, 1],
      [2, 3],
    ]);
    const many = dataset(Array.from({ length: 100 }, (_, i) => [[(i * 37) % 100, i % 7]] as const));
    const free = TARGETS.make(fitted(many).options, outputs);
    const split = free.split(many, SIDES);
    expect([...split.train, ...split.validation].sort((a, b) => a - b)).toEqual(many.examples.map((_, i) => i));
    expect(split.validation.length).toBeGreaterThan(10);
    for (const index of [1, 2, 3, 4, 5]) {
      const { validation } = free.split(many, { ...SIDES, fold: { index, of: 5, seed: 1 } });
      const tenths = validation.map((i) => Math.floor(many.examples[i].values![0] / 10)).sort((a, b) => a - b);
      expect(tenths).toEqual(Array.from({ length: 20 }, (_, i) => Math.floor(i / 2)));
    }
  });

  it('are read back from a model file, which must say their scale', () => {
    const config = { task: { ...options } };
    const file = { task: { name: 'targets', head: 'linear' }, classes: ['a', 'b'], config };
    expect(TARGETS.stored(file, 'm')).toEqual(options);
    for (const task of [{ mean: [1] }, { mean: [1, 'x'] }, { deviation: [1, 0] }, { deviation: [1, 1, 1] }])
      expect(() => TARGETS.stored({ ...file, config: { task: { ...options, ...task } } }, 'm')).toThrow(
        /^m: it does not say the mean and the deviation/,
      );
  });

  it('that cannot be learnt are refused by a sentence', () => {
    expect(() => TARGETS.choices({})).toThrow(/by --target-columns/);
    expect(() => fitted(dataset([[null], [null]]))).toThrow(/d has no image with a number in each of a, b/);
    const still = dataset([[[1, 0.1]], [[2, 0.1]], [[3, 0.1]]]);
    expect(() => fitted(still)).toThrow(/the column b is 0\.1 for every image/);
    expect(() => task.prepare(dataset([[[1, 2]]]), { ...SIDES, valFraction: 0 })).toThrow(/validation side/);
  });
});

describe('the numbers of a row', () => {
  const where = (k: number) => `t.csv, line 7, column ${'ab'[k]}`;
  it.each<[string[], number[] | null]>([
    [
      ['1', ' -2.5e3 '],
      [1, -2500],
    ],
    [['1', ''], null],
    [['NaN', '2'], null],
    [[], null],
  ])('%j', (fields, values) => expect(valuesOf(fields, where)).toEqual(values));
  it.each(['x', '1,5', 'inf', '0x'])('"%s" is none', (field) =>
    expect(() => valuesOf(['1', field], where)).toThrow(`t.csv, line 7, column b: "${field}" is no number`),
  );
});
