import { describe, expect, it } from 'vitest';
import { pathOf, rowOf, tellingQuestions } from '../../galaxies/challenge/report_data.ts';
import { QUESTIONS } from '../../galaxies/decision_tree.ts';
import { accuracy, confusionMatrix, predicted } from '../../vision/judge/metrics.ts';
import { predictionRecord } from '../../vision/answer/prediction_record.ts';

/*
 * Where the largest numbers are equal, the first counts: everywhere, so that a galaxy has one class in the figures, in
 * predictions and in reports.
 */

describe('of equal answers the first counts', () => {
  it('in metrics', () => {
    const rows = { probabilities: [0.5, 0.5, 0.5, 0.5, 0.4, 0.6], labels: [0, 1, 1], classes: 2 };
    expect([0, 1, 2].map((i) => predicted(rows, i))).toEqual([0, 0, 1]);
    expect(accuracy(rows).value).toBe(2 / 3);
    expect(confusionMatrix(rows)).toEqual([
      [1, 0],
      [1, 1],
    ]);
    const three = { probabilities: [0.2, 0.4, 0.4], labels: [1], classes: 3 };
    expect(predicted(three, 0)).toBe(1);
  });

  it('in the records that are printed', () => {
    const task = { name: 'classify', outputs: ['smooth', 'featured', 'other'] } as const;
    const of = (...row: number[]) =>
      predictionRecord('1', task as unknown as Parameters<typeof predictionRecord>[1], row);
    expect(of(0.4, 0.4, 0.2)).toMatchObject({ predicted: 'smooth' });
    expect(of(0.2, 0.4, 0.4)).toMatchObject({ predicted: 'featured' });
    expect(of(0.2, 0.3, 0.5)).toMatchObject({ predicted: 'other' });
  });

  it('on the way through the decision tree', () => {
    // All answers of all questions get the same share: the way is that of the first answers.
    const row = new Float64Array(37).fill(0.25);
    const way = [1];
    for (let next = QUESTIONS[0].answers[0].next; next !== null; next = QUESTIONS[next - 1].answers[0].next)
      way.push(next);
    expect(pathOf(row).map(({ number }) => number)).toEqual(way);
    const [first] = tellingQuestions(row, row);
    expect(first.answers.map(({ most }) => most)).toEqual([true, false, false]);
    expect(
      rowOf(
        Float64Array.from({ length: 74 }, (_, i) => i),
        1,
      )[0],
    ).toBe(37);
  });
});
