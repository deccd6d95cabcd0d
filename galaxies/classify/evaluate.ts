import type { Device } from '../../engine/device/device.ts';
import { expectedCalibrationError, median, reliability } from '../../vision/judge/calibration.ts';
import type { Galaxies, Galaxy } from '../galaxy.ts';
import { orNull } from '../../vision/json_text.ts';
import { CLASSES, label } from '../labels.ts';
import {
  accuracy,
  classScores,
  confidentMistakes,
  confusionMatrix,
  logLoss,
  predicted,
  type Mistake,
  type Predictions,
} from '../../vision/judge/metrics.ts';
import { thresholdTradeOff } from './trade_off.ts';
import type { VotedEvaluation } from '../report/data.ts';
import { rocAuc, rocCurve } from '../../vision/judge/roc.ts';
import { answersOf, measurement, type Examination } from '../../vision/answer/predictor.ts';
import type { Progress } from '../../vision/progress.ts';

/** What is known of a classifier's answers: the figures of the report, and which rows are its surest mistakes. */
export interface Judgement {
  readonly evaluation: VotedEvaluation;
  readonly logLoss: number;
  readonly mistakes: readonly Mistake[];
  readonly predictions: Predictions;
}

/**
 * Judges probabilities against labels.
 * @param galaxies indices of the labelled galaxies the rows of `predictions` are about
 * @param measuredOn what these galaxies are, as a phrase
 */
export function judge(
  dataset: Galaxies,
  galaxies: readonly number[],
  predictions: Predictions,
  classes: readonly string[],
  measuredOn: string,
): Judgement {
  const right: number[] = [];
  const wrong: number[] = [];
  let correct = 0;
  galaxies.forEach((_, i) => {
    const guess = predicted(predictions, i);
    const isRight = guess === predictions.labels[i];
    if (isRight) correct++;
    (isRight ? right : wrong).push(predictions.probabilities[i * predictions.classes + guess]);
  });
  const confusion = confusionMatrix(predictions);
  const auc = rocAuc(predictions, 1);
  return {
    logLoss: logLoss(predictions),
    mistakes: confidentMistakes(predictions, 12),
    predictions,
    evaluation: {
      measuredOn,
      classes,
      accuracy: { ...accuracy(predictions), n: galaxies.length, correct },
      confusion,
      perClass: classScores(confusion).map(({ precision, recall, f1, support }, k) => ({
        name: classes[k],
        precision: orNull(precision),
        recall: orNull(recall),
        f1: orNull(f1),
        support,
      })),
      auc: orNull(auc),
      // With one class only there is no other to be told from.
      roc: Number.isNaN(auc)
        ? []
        : rocCurve(predictions, 1).map(({ falsePositiveRate, truePositiveRate }) => ({
            fpr: falsePositiveRate,
            tpr: truePositiveRate,
          })),
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
      tradeOff: thresholdTradeOff(
        galaxies.map((g) => dataset.examples[g].votes!),
        predictions.probabilities,
      ).map(({ threshold, n, accuracy: { value } }) => ({ threshold, n, accuracy: orNull(value) })),
    },
  };
}

/** The class number of a galaxy whose votes reach the threshold for one; -1 for others. */
export const classAt =
  (dataset: Galaxies, threshold: number) =>
  (galaxy: number): number => {
    const { votes } = dataset.examples[galaxy];
    const name = votes && label(votes, threshold);
    return name ? CLASSES.indexOf(name) : -1;
  };

/** Predicts every galaxy of an examination, each of which reaches the label threshold, and judges the answers. */
export async function examine(
  device: Device,
  examination: Examination<Galaxy>,
  threshold: number,
  progress: Progress,
): Promise<Judgement> {
  const { dataset, examples: galaxies } = examination;
  const probabilities = await answersOf(device, examination, progress);
  const labels = galaxies.map(classAt(dataset, threshold));
  return judge(
    dataset,
    galaxies,
    { probabilities, labels, classes: CLASSES.length },
    CLASSES,
    measurement(examination),
  );
}
