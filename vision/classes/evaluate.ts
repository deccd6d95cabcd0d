import { expectedCalibrationError, median, reliability } from '../judge/calibration.ts';
import {
  accuracy,
  classScores,
  confidentMistakes,
  confusionMatrix,
  logLoss,
  macroScore,
  predicted,
  topAccuracy,
  type Interval as Share,
  type Mistake,
  type Predictions,
} from '../judge/metrics.ts';
import { aucInterval, rocAuc, rocCurve } from '../judge/roc.ts';
import { orNull } from '../json_text.ts';
import type { PredictionColumns } from '../report/predictions.ts';
import type { Evaluation, Interval } from '../report/data.ts';

/** What is known of a classifier's answers: the figures of the report, and which rows are its surest mistakes. */
export interface ClassJudgement {
  readonly evaluation: Evaluation;
  readonly logLoss: number;
  readonly mistakes: readonly Mistake[];
  readonly predictions: Predictions;
}

/** So many of the surest mistakes are shown. */
const MISTAKES = 12;

/**
 * Judges probabilities against labels.
 * @param measuredOn what the rows of `predictions` are about, as a phrase
 */
export function judgeClasses(predictions: Predictions, classes: readonly string[], measuredOn: string): ClassJudgement {
  const n = predictions.labels.length;
  const right: number[] = [];
  const wrong: number[] = [];
  for (let i = 0; i < n; i++) {
    const guess = predicted(predictions, i);
    const confidence = predictions.probabilities[i * predictions.classes + guess];
    (guess === predictions.labels[i] ? right : wrong).push(confidence);
  }
  const confusion = confusionMatrix(predictions);
  const scores = classScores(confusion);
  const counted = (share: Share): Interval => ({ ...share, n, correct: Math.round(share.value * n) });
  return {
    logLoss: logLoss(predictions),
    mistakes: confidentMistakes(predictions, MISTAKES),
    predictions,
    evaluation: {
      measuredOn,
      classes,
      accuracy: { ...accuracy(predictions), n, correct: right.length },
      ...(classes.length > 2 && { macro: macroScore(scores) }),
      ...(classes.length > 5 && { top5: counted(topAccuracy(predictions, 5)) }),
      confusion,
      perClass: scores.map(({ precision, recall, f1, ...counted }, k) => ({
        name: classes[k],
        precision: orNull(precision),
        recall: orNull(recall),
        f1: orNull(f1),
        ...counted,
      })),
      ...ranking(predictions),
      ece: expectedCalibrationError(predictions),
      reliability: reliability(predictions)
        .filter((bin) => bin.count > 0)
        .map(({ from, to, ...bin }) => ({ low: from, high: to, ...bin })),
      confidence: {
        right,
        wrong,
        medianRight: right.length > 0 ? median(right) : null,
        medianWrong: wrong.length > 0 ? median(wrong) : null,
      },
    },
  };
}

/** How well the score of the second class ranks, where there are two; one without rows has no other to be told from. */
function ranking(predictions: Predictions): Pick<Evaluation, 'auc' | 'aucInterval' | 'roc'> {
  const auc = predictions.classes === 2 ? rocAuc(predictions, 1) : Number.NaN;
  const positives = Array.from(predictions.labels).filter((label) => label === 1).length;
  const { low, high } = aucInterval(auc, positives, predictions.labels.length - positives);
  return {
    auc: orNull(auc),
    aucInterval: Number.isNaN(auc) ? null : { low, high },
    roc: Number.isNaN(auc)
      ? []
      : rocCurve(predictions, 1).map(({ falsePositiveRate, truePositiveRate }) => ({
          fpr: falsePositiveRate,
          tpr: truePositiveRate,
        })),
  };
}

/** What predictions.csv tells of a judged image: the label, the answer, and the probability given to it, 0..1. */
export const classColumns = ({ predictions, evaluation: { classes } }: ClassJudgement): PredictionColumns => ({
  names: ['truth', 'predicted', 'probability'],
  row: (i) => {
    const guess = predicted(predictions, i);
    return [
      classes[predictions.labels[i]],
      classes[guess],
      predictions.probabilities[i * predictions.classes + guess].toFixed(6),
    ];
  },
});

/** Two classes that were taken for each other, and how often. */
export interface Confusion {
  readonly truth: string;
  readonly predicted: string;
  readonly count: number;
}

/** What was mistaken for what, most often first; of equals in the order of the classes. */
export const confusions = (
  { confusion, classes }: Pick<Evaluation, 'confusion' | 'classes'>,
  most: number,
): Confusion[] =>
  confusion
    .flatMap((row, t) =>
      row.flatMap((count, p) => (t !== p && count > 0 ? [{ truth: classes[t], predicted: classes[p], count }] : [])),
    )
    .sort((a, b) => b.count - a.count)
    .slice(0, most);
