import { describe, expect, it } from 'vitest';
import { RandomStream } from '../../engine/random.ts';
import {
  calibratingScale,
  confidenceHistograms,
  expectedCalibrationError,
  median,
  reliability,
} from '../../vision/judge/calibration.ts';
import {
  accuracy,
  classScores,
  confidentMistakes,
  confusionMatrix,
  logLoss,
  type Predictions,
  wilson,
} from '../../vision/judge/metrics.ts';
import { judge } from '../../galaxies/classify/evaluate.ts';
import { thresholdTradeOff } from '../../galaxies/classify/trade_off.ts';
import { aucInterval, rocAuc, rocCurve } from '../../vision/judge/roc.ts';

/** Two classes from P(class 1). */
const binary = (scores: number[], labels: number[]): Predictions => ({
  probabilities: scores.flatMap((s) => [1 - s, s]),
  labels,
  classes: 2,
});
// Predicted 0 0 1 1 1 0; right are rows 0, 2, 3, 5; wrong rows 1 (0.6 sure) and 4 (0.9 sure).
const six = binary([0.2, 0.4, 0.7, 0.8, 0.9, 0.1], [0, 1, 1, 1, 0, 0]);

describe('accuracy', () => {
  it("has Wilson's interval: published values for 8 of 10 and 0 of 10", () => {
    const { value, low, high } = wilson(8, 10);
    expect(value).toBe(0.8);
    expect(low).toBeCloseTo(0.4902, 4);
    expect(high).toBeCloseTo(0.9433, 4);
    expect(wilson(0, 10).low).toBe(0);
    expect(wilson(0, 10).high).toBeCloseTo(0.2775, 4);
    expect(wilson(10, 10).high).toBeCloseTo(1, 12);
    expect(wilson(0, 0)).toEqual({ value: Number.NaN, low: 0, high: 1 });
  });

  it('has an interval within 0..1, whatever is rounded', () => {
    for (let n = 1; n <= 100; n++) {
      expect(wilson(0, n).low).toBeGreaterThanOrEqual(0);
      expect(wilson(n, n).high).toBeLessThanOrEqual(1);
    }
  });

  it('takes the first of equals', () => {
    const tie = (label: number) => accuracy({ probabilities: [0.4, 0.4, 0.2], labels: [label], classes: 3 }).value;
    expect([tie(0), tie(1)]).toEqual([1, 0]);
  });

  it('counts the right answers', () => {
    expect(accuracy(six).value).toBeCloseTo(4 / 6, 12);
  });

  it('refuses predictions that do not fit their labels', () => {
    expect(() => accuracy({ probabilities: [1, 0, 1], labels: [0, 1], classes: 2 })).toThrow(/3 probabilities/);
    expect(() => accuracy({ probabilities: [1, 0], labels: [2], classes: 2 })).toThrow(/label 2 of row 0/);
  });
});

describe('confusion', () => {
  it('counts truth by prediction', () => {
    expect(confusionMatrix(six)).toEqual([
      [2, 1],
      [1, 2],
    ]);
  });

  it('gives precision, recall and F1 by hand', () => {
    // truth 0: 7 right, 3 called 1; truth 1: 1 called 0, 4 right
    const [zero, one] = classScores([
      [7, 3],
      [1, 4],
    ]);
    expect(zero).toMatchObject({ precision: 7 / 8, recall: 7 / 10, f1: 14 / 18, support: 10 });
    expect(one).toMatchObject({ precision: 4 / 7, recall: 4 / 5, f1: 8 / 12, support: 5 });
  });

  it('works for three classes, and is NaN where nothing was claimed', () => {
    const p = { probabilities: [0.6, 0.3, 0.1, 0.1, 0.8, 0.1, 0.7, 0.2, 0.1], labels: [0, 1, 2], classes: 3 };
    const confusion = confusionMatrix(p);
    expect(confusion).toEqual([
      [1, 0, 0],
      [0, 1, 0],
      [1, 0, 0],
    ]);
    expect(classScores(confusion)[2]).toMatchObject({ precision: Number.NaN, recall: 0, f1: 0, support: 1 });
  });

  it("has Wilson's intervals: 8 of 10 called so, 8 of 8 that are", () => {
    // Published for 8 of 10: 0.4902 to 0.9433. Of all of n the lower end is n / (n + z²).
    const [zero] = classScores([
      [8, 0],
      [2, 0],
    ]);
    expect(zero.precisionInterval.low).toBeCloseTo(0.4902, 4);
    expect(zero.precisionInterval.high).toBeCloseTo(0.9433, 4);
    expect(zero.recallInterval.low).toBeCloseTo(8 / (8 + 1.959964 ** 2), 6);
    expect(zero.recallInterval.high).toBeCloseTo(1, 12);
  });
});

describe('log loss', () => {
  it('is the mean of -ln p', () => {
    expect(logLoss(binary([0.5, 0.25], [1, 0]))).toBeCloseTo((Math.LN2 - Math.log(0.75)) / 2, 12);
    expect(logLoss(binary([0], [1]))).toBeCloseTo(27.631, 3);
  });
});

describe('ROC', () => {
  const p = binary([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]);

  it('has the area of the share of pairs in order', () => {
    // pairs: 0.35 > 0.1, 0.35 < 0.4, 0.8 > both
    expect(rocAuc(p, 1)).toBe(0.75);
    expect(rocAuc(p, 0)).toBe(0.75);
    expect(rocAuc(binary([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1]), 1)).toBe(1);
    expect(rocAuc(binary([0.9, 0.8, 0.2, 0.1], [0, 0, 1, 1]), 1)).toBe(0);
  });

  it('counts ties half', () => {
    expect(rocAuc(binary([0.5, 0.5, 0.5, 0.9], [0, 1, 0, 1]), 1)).toBe(0.75);
    expect(rocAuc(binary([0.5, 0.5, 0.5], [0, 1, 0]), 1)).toBe(0.5);
  });

  it('is NaN with one class alone', () => {
    expect(rocAuc(binary([0.5, 0.6], [1, 1]), 1)).toBeNaN();
  });

  it('has a point for each score, and its trapezoids have the area of the ranks', () => {
    expect(rocCurve(p, 1).map((q) => [q.threshold, q.falsePositiveRate, q.truePositiveRate])).toEqual([
      [Number.POSITIVE_INFINITY, 0, 0],
      [0.8, 0, 0.5],
      [0.4, 0.5, 0.5],
      [0.35, 0.5, 1],
      [0.1, 1, 1],
    ]);
    const tied = binary([0.3, 0.5, 0.5, 0.5, 0.9, 0.3, 0.7], [0, 1, 0, 0, 1, 1, 0]);
    const curve = rocCurve(tied, 1);
    expect(curve.length).toBe(5);
    let area = 0;
    for (let i = 1; i < curve.length; i++) {
      const [a, b] = [curve[i - 1], curve[i]];
      area += (b.falsePositiveRate - a.falsePositiveRate) * ((a.truePositiveRate + b.truePositiveRate) / 2);
    }
    expect(area).toBeCloseTo(rocAuc(tied, 1), 12);
  });
});

describe('the interval of an area', () => {
  it('ends where the area is 1.96 standard errors away: Hanley and McNeil, written out', () => {
    const [area, n] = [0.893, 55];
    const { low, high } = aucInterval(area, n, n);
    for (const theta of [low, high]) {
      const [q1, q2] = [theta / (2 - theta), (2 * theta ** 2) / (1 + theta)];
      const variance = (theta * (1 - theta) + (n - 1) * (q1 - theta ** 2) + (n - 1) * (q2 - theta ** 2)) / n ** 2;
      expect(Math.abs(area - theta) / Math.sqrt(variance)).toBeCloseTo(1.959964, 5);
    }
    expect(low).toBeLessThan(area);
    expect(high).toBeGreaterThan(area);
  });

  it('has the published standard error, 0.032 for an area of 0.893 of 51 and 58', () => {
    // So few standard errors away the interval is straight.
    const { low, high } = aucInterval(0.893, 51, 58, 0.001);
    expect((high - low) / 0.002).toBeCloseTo(0.032, 3);
  });

  it('stays within 0..1, and has a width at its ends', () => {
    expect(aucInterval(1, 10, 10).high).toBe(1);
    expect(aucInterval(1, 10, 10).low).toBeLessThan(0.95);
    expect(aucInterval(0, 10, 10).low).toBe(0);
    expect(aucInterval(0, 10, 10).high).toBeGreaterThan(0.05);
    expect(aucInterval(Number.NaN, 3, 0)).toEqual({ value: Number.NaN, low: 0, high: 1 });
  });

  it('holds the true area about 95 times in 100', () => {
    // Scores -ln u, those of the positives three times as large: P(positive > negative) = 3 / (3 + 1).
    const random = new RandomStream(5);
    const [trials, n] = [2000, 30];
    let held = 0;
    for (let trial = 0; trial < trials; trial++) {
      const labels = Array.from({ length: 2 * n }, (_, i) => i % 2);
      const scores = labels.map((label) => (label === 1 ? 3 : 1) * -Math.log(1 - random.uniform()));
      const probabilities = scores.flatMap((score) => [Math.exp(-score), 1 - Math.exp(-score)]);
      const { low, high } = aucInterval(rocAuc({ probabilities, labels, classes: 2 }, 1), n, n);
      if (low <= 0.75 && 0.75 <= high) held++;
    }
    // Four standard errors of a share of 0.95 in 2000, sqrt(0.95 0.05 / 2000), are 0.0195.
    expect(Math.abs(held / trials - 0.95)).toBeLessThan(0.0195);
  });
});

describe('the scale that calibrates logits', () => {
  const softmax = (row: ArrayLike<number>) => {
    const exps = Array.from(row, Math.exp);
    const total = exps.reduce((a, b) => a + b, 0);
    return exps.map((e) => e / total);
  };

  it('makes what is always as sure as right as often as it says', () => {
    // 8 of 10 are of the class that every row speaks for; Platt's targets are 9/10 for them and 1/4 for the others.
    const labels = [0, 0, 1, 0, 0, 0, 0, 1, 0, 0];
    const share = (8 * (9 / 10) + 2 * (1 / 4)) / 10;
    for (const odds of [0.1, 1, 5]) {
      const logits = labels.flatMap(() => [odds, 0]);
      const scale = calibratingScale({ logits, labels, classes: 2 }, softmax);
      expect(scale).toBeCloseTo(Math.log(share / (1 - share)) / odds, 9);
    }
  });

  it('has a smaller cross entropy than those beside it, of three classes too', () => {
    const random = new RandomStream(3, 1);
    const labels = Array.from({ length: 60 }, (_, i) => i % 3);
    const logits = labels.flatMap((label) => [0, 1, 2].map((k) => 2 * random.uniform() + 0.4 * Number(k === label)));
    const entropy = (scale: number) =>
      labels.reduce((sum, label, i) => {
        const p = softmax([0, 1, 2].map((k) => scale * logits[3 * i + k]));
        return sum - [0, 1, 2].reduce((each, k) => each + ((k === label ? 21 : 1) / 23) * Math.log(p[k]), 0);
      }, 0);
    const scale = calibratingScale({ logits, labels, classes: 3 }, softmax);
    for (const other of [0.98, 1.02]) expect(entropy(scale)).toBeLessThan(entropy(scale * other));
  });

  it('is finite where no answer is wrong, and small where answers say nothing', () => {
    const labels = [0, 1, 0, 1];
    const right = calibratingScale({ logits: [1, 0, 0, 1, 1, 0, 0, 1], labels, classes: 2 }, softmax);
    expect(right).toBeCloseTo(Math.log(3), 9);
    const wrong = calibratingScale({ logits: [0, 1, 1, 0, 0, 1, 1, 0], labels, classes: 2 }, softmax);
    expect(wrong).toBeLessThan(1e-2);
  });
});

describe('calibration', () => {
  it('is the weighted gap between confidence and accuracy, by hand', () => {
    // five bins: 0.6, wrong, in (0.4, 0.6]; 0.8, 0.7 and 0.8, all right, in (0.6, 0.8]; 0.9 wrong and 0.9 right in
    // (0.8, 1].
    const bins = reliability(six, 5);
    expect(bins.map((b) => b.count)).toEqual([0, 0, 1, 3, 2]);
    expect(bins[3].accuracy).toBe(1);
    expect(bins[3].confidence).toBeCloseTo(2.3 / 3, 12);
    expect(bins[4].accuracy).toBe(0.5);
    expect(bins[0].confidence).toBeNaN();
    expect(expectedCalibrationError(six, 5)).toBeCloseTo((0.6 + 3 * (1 - 2.3 / 3) + 2 * 0.4) / 6, 12);
  });

  it('is 0 for answers as sure as they are right, and uses 15 bins', () => {
    const honest = binary([0.75, 0.75, 0.75, 0.75], [1, 1, 1, 0]);
    expect(expectedCalibrationError(honest)).toBeCloseTo(0, 12);
    expect(reliability(honest).length).toBe(15);
    expect(reliability(binary([1, 1], [1, 0]))[14]).toMatchObject({ count: 2, confidence: 1, accuracy: 0.5 });
  });
});

describe('confidence', () => {
  it('is counted for right and wrong answers apart, with medians', () => {
    const { right, wrong } = confidenceHistograms(six, 4);
    expect(right.counts).toEqual([0, 0, 1, 3]);
    expect(wrong.counts).toEqual([0, 0, 1, 1]);
    expect(right.median).toBeCloseTo(0.8, 12);
    expect(wrong.median).toBeCloseTo(0.75, 12);
  });

  it('has a median of odd and even counts, and none of nothing', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 10])).toBe(3);
    expect(median([])).toBeNaN();
  });

  it('lists the surest mistakes first', () => {
    expect(confidentMistakes(six)).toEqual([
      { index: 4, label: 0, predicted: 1, confidence: 0.9 },
      { index: 1, label: 1, predicted: 0, confidence: 0.6 },
    ]);
    expect(confidentMistakes(six, 1).length).toBe(1);
  });
});

describe('threshold trade-off', () => {
  it('begins with the threshold that made the labels: of less clear galaxies none was asked', () => {
    const examples = [0.65, 0.75, 0.95].map((smooth, i) => ({
      id: String(i),
      votes: { smooth, featured: 1 - smooth, artifact: 0 },
    }));
    const dataset = { name: 'd', examples, notes: [], load: () => Promise.reject(), close: async () => {} };
    const answers = { probabilities: [0.4, 0.6, 0.8, 0.2, 0.9, 0.1], labels: [0, 0, 0], classes: 2 };
    const rows = (threshold: number) =>
      judge(dataset, [0, 1, 2], answers, threshold, 'all').evaluation.tradeOff.map(({ threshold, n }) => [
        threshold,
        n,
      ]);
    expect(rows(0.6)).toEqual([
      [0.6, 3],
      [0.7, 2],
      [0.8, 1],
      [0.9, 1],
    ]);
    expect(rows(0.65).map(([threshold]) => threshold)).toEqual([0.65, 0.7, 0.8, 0.9]);
    expect(rows(0.95)).toEqual([[0.95, 1]]);
  });

  it('counts and scores what is left at each threshold', () => {
    const shares = [
      [0.95, 0.05],
      [0.65, 0.35],
      [0.3, 0.7],
      [0.1, 0.85],
      [0.5, 0.5],
    ];
    const votes = shares.map(([smooth, featured]) => ({ smooth, featured, artifact: 0 }));
    // Predicted smooth, featured, featured, featured, smooth.
    const rows = thresholdTradeOff(votes, [0.9, 0.1, 0.4, 0.6, 0.2, 0.8, 0.3, 0.7, 0.6, 0.4], [0.6, 0.7, 0.9, 0.99]);
    expect(rows.map((r) => [r.threshold, r.n, r.share, r.accuracy.value])).toEqual([
      [0.6, 4, 0.8, 0.75],
      [0.7, 3, 0.6, 1],
      [0.9, 1, 0.2, 1],
      [0.99, 0, 0, Number.NaN],
    ]);
  });
});
