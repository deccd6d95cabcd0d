import type { Device } from '../../engine/device/device.ts';
import { answersOf, measurement, type Examination } from '../../vision/answer/predictor.ts';
import { judgeClasses, type ClassJudgement } from '../../vision/classes/evaluate.ts';
import { orNull } from '../../vision/json_text.ts';
import type { Predictions } from '../../vision/judge/metrics.ts';
import type { Progress } from '../../vision/progress.ts';
import type { Galaxies, Galaxy } from '../galaxy.ts';
import { CLASSES, label } from '../labels.ts';
import type { VotedEvaluation } from '../report/data.ts';
import { thresholdTradeOff } from './trade_off.ts';

/** What is known of the answers to smooth or featured. */
export interface Judgement extends ClassJudgement {
  readonly evaluation: VotedEvaluation;
}

/** Label thresholds at which accuracy is told, beside the one in use: stricter ones. */
const THRESHOLDS = [0.5, 0.6, 0.7, 0.8, 0.9];

/**
 * Judges probabilities against labels.
 * @param galaxies indices of the labelled galaxies the rows of `predictions` are about
 * @param threshold the one that made their labels; below it there would be galaxies that nothing was asked of
 * @param measuredOn what these galaxies are, as a phrase
 */
export function judge(
  dataset: Galaxies,
  galaxies: readonly number[],
  predictions: Predictions,
  threshold: number,
  measuredOn: string,
): Judgement {
  const judgement = judgeClasses(predictions, CLASSES, measuredOn);
  const votes = galaxies.map((g) => dataset.examples[g].votes!);
  const thresholds = [threshold, ...THRESHOLDS.filter((stricter) => stricter > threshold)];
  const tradeOff = thresholdTradeOff(votes, predictions.probabilities, thresholds).map(
    ({ threshold, n, accuracy: { value } }) => ({ threshold, n, accuracy: orNull(value) }),
  );
  return { ...judgement, evaluation: { ...judgement.evaluation, tradeOff } };
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
  const { dataset, examples } = examination;
  const probabilities = await answersOf(device, examination, progress);
  const labels = examples.map(classAt(dataset, threshold));
  return judge(
    dataset,
    examples,
    { probabilities, labels, classes: CLASSES.length },
    threshold,
    measurement(examination),
  );
}
