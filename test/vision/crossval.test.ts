import { describe, expect, it } from 'vitest';
import { summariseFolds, type FoldResult } from '../../vision/judge/crossval.ts';
import { sidesHash, sidesOf } from '../../vision/data/folds.ts';
import { wilson } from '../../vision/judge/metrics.ts';
import { parseIdRanges } from '../../vision/data/split.ts';
import { syntheticDataset } from '../../galaxies/synthetic.ts';
import { taskOf, type TaskChoice } from '../../galaxies/tasks.ts';
import { TINY } from './training.ts';

const sorted = (indices: readonly number[]) => indices.toSorted((a, b) => a - b);

describe('what folds say together', () => {
  const folds = (figures: readonly number[], sizes: readonly number[]): FoldResult[] =>
    figures.map((figure, i) => ({ fold: i + 1, train: 100, validation: sizes[i], bestEpoch: 1, figure }));

  it('of RMSEs: mean, standard deviation with n - 1, and the root of the squares put together', () => {
    const { mean, standardDeviation, outOfFold } = summariseFolds('RMSE', folds([0.1, 0.2, 0.3], [10, 20, 30]));
    expect(mean).toBeCloseTo(0.2, 14);
    expect(standardDeviation).toBeCloseTo(0.1, 14);
    expect(outOfFold).toEqual({
      images: 60,
      value: expect.closeTo(Math.sqrt((10 * 0.01 + 20 * 0.04 + 30 * 0.09) / 60), 14),
    });
  });

  it('of accuracies: the share of right answers among all, with its interval', () => {
    const { mean, standardDeviation, outOfFold } = summariseFolds('accuracy', folds([2 / 3, 0.5], [3, 4]));
    expect([mean, standardDeviation]).toEqual([expect.closeTo(7 / 12, 14), expect.closeTo(1 / 6 / Math.SQRT2, 14)]);
    expect(outOfFold).toEqual({ images: 7, ...wilson(4, 7) });
  });
});

describe.each<TaskChoice>([TINY.task, { name: 'challenge', head: 'tree' }])(
  'the folds of a training, task $name',
  (options) => {
    const dataset = syntheticDataset(150, 3);
    const task = taskOf(options);
    const ids = dataset.examples.map(({ id }) => id);
    const sides = (index: number, trainOnly: string | null = null) =>
      task.split(dataset, { valFraction: 0.2, trainOnly, fold: { index, of: 5, seed: 1 } });
    const known = sorted([...sides(1).train, ...sides(1).validation]);

    it('hold each galaxy once on the validation side, and train on all others', () => {
      const all = [1, 2, 3, 4, 5].map((index) => sides(index));
      expect(sorted(all.flatMap(({ validation }) => validation))).toEqual(known);
      for (const { train, validation } of all) {
        expect(sorted([...train, ...validation])).toEqual(known);
        expect(Math.abs(validation.length - known.length / 5)).toBeLessThan(1);
      }
    });

    it('train on galaxies of --train-only in every fold', () => {
      const numbered = { ...dataset, examples: dataset.examples.map(({ votes }, i) => ({ id: String(i), votes })) };
      const barred = parseIdRanges('10-39');
      const labels = numbered.examples.map((_, i) => (known.includes(i) ? 'known' : null));
      const all = [1, 2, 3, 4, 5].map((index) =>
        sidesOf(numbered, labels, { valFraction: 0.2, trainOnly: '10-39', fold: { index, of: 5, seed: 1 } }),
      );
      expect(sorted(all.flatMap(({ validation }) => validation))).toEqual(known.filter((i) => !barred(String(i))));
      for (const { train } of all)
        expect(train).toEqual(expect.arrayContaining(known.filter((i) => barred(String(i)))));
    });

    it('refuse galaxies that are others than those they were made of', () => {
      const hash = sidesHash(ids, sides(2));
      const fold = { index: 2, of: 5, seed: 1, sides: hash };
      expect(task.prepare(dataset, { valFraction: 0.2, trainOnly: null, fold }).validation).toEqual(
        sides(2).validation,
      );
      const fewer = { ...dataset, examples: dataset.examples.filter((_, i) => i !== known[7]) };
      expect(() => task.prepare(fewer, { valFraction: 0.2, trainOnly: null, fold })).toThrow(
        /no longer those of which fold 2 of 5 was made/,
      );
      expect(() => task.prepare(dataset, { valFraction: 0.2, trainOnly: null, fold: { ...fold, index: 3 } })).toThrow(
        /fold 3 of 5/,
      );
      // Their order does not matter.
      const turned = { ...dataset, examples: dataset.examples.toReversed() };
      const ofTurned = task.prepare(turned, { valFraction: 0.2, trainOnly: null, fold }).validation;
      expect(sorted(ofTurned.map((i) => ids.length - 1 - i))).toEqual(sides(2).validation);
    });
  },
);
