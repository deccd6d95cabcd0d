import type { Device } from '../../engine/device/device.ts';
import type { Network } from '../../models/network.ts';
import type { ParameterSet } from '../../models/parameter_set.ts';
import { expectedCalibrationError, median, reliability } from '../calibration.ts';
import type { Dataset } from '../dataset.ts';
import { accuracy, classScores, confidentMistakes, confusionMatrix, logLoss, predicted, thresholdTradeOff, type Mistake, type Predictions } from '../metrics.ts';
import type { Evaluation } from '../report/data.ts';
import { rocAuc, rocCurve } from '../roc.ts';
import { imageInput, type ViewMaker } from '../views.ts';
import { Classifier } from './classifier.ts';
import type { Progress } from './progress.ts';

/** Images at a time; together with the symmetries it bounds the memory of a prediction. */
const BATCH = 8;

/**
 * Class probabilities [n, classes] of galaxies as the network sees them, each averaged over the first `tta` symmetries of the
 * square.
 */
export async function predictGalaxies(device: Device, network: Network, parameters: ParameterSet, views: ViewMaker, galaxies: readonly number[], tta: number, progress: Progress): Promise<Float64Array> {
  using classifier = await Classifier.create(device, network, parameters, imageInput(BATCH, views.side, views.geometry));
  // All views of a galaxy together, so that each image is decoded once.
  const n = galaxies.length * tta;
  progress.start('predicting', galaxies.length);
  const viewAt = (i: number) => views.plain(galaxies[Math.floor(i / tta)], i % tta);
  const all = await classifier.probabilities(n, (positions) => views.feeds(positions.map(viewAt)), (done) => progress.tick(Math.floor(done / tta)));
  progress.end();
  const result = new Float64Array(galaxies.length * classifier.classes);
  all.forEach((p, i) => (result[Math.floor(i / (tta * classifier.classes)) * classifier.classes + (i % classifier.classes)] += p / tta));
  return result;
}

/** What is known of a classifier's answers: the figures of the report, and which rows are its surest mistakes. */
export interface Judgement {
  readonly evaluation: Evaluation;
  readonly logLoss: number;
  readonly mistakes: readonly Mistake[];
  readonly predictions: Predictions;
}

/**
 * Judges probabilities against labels.
 * @param galaxies indices of the labelled galaxies the rows of `predictions` are about
 * @param measuredOn what these galaxies are, as a phrase
 */
export function judge(dataset: Dataset, galaxies: readonly number[], predictions: Predictions, classes: readonly string[], measuredOn: string): Judgement {
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
      perClass: classScores(confusion).map((scores, k) => ({ name: classes[k], ...scores })),
      auc: Number.isNaN(auc) ? null : auc,
      // With one class only there is no other to be told from.
      roc: Number.isNaN(auc) ? [] : rocCurve(predictions, 1).map(({ falsePositiveRate, truePositiveRate }) => ({ fpr: falsePositiveRate, tpr: truePositiveRate })),
      ece: expectedCalibrationError(predictions),
      reliability: reliability(predictions).filter((bin) => bin.count > 0).map(({ from, to, ...bin }) => ({ low: from, high: to, ...bin })),
      confidence: { right, wrong, medianRight: right.length > 0 ? median(right) : null, medianWrong: wrong.length > 0 ? median(wrong) : null },
      tradeOff: thresholdTradeOff(galaxies.map((g) => dataset.galaxies[g].votes!), predictions.probabilities).map(({ threshold, n, accuracy: { value } }) => ({ threshold, n, accuracy: value })),
    },
  };
}

/** A classifier and the labelled galaxies it is judged on. */
export interface Examination {
  readonly network: Network;
  readonly parameters: ParameterSet;
  readonly views: ViewMaker;
  readonly dataset: Dataset;
  readonly classes: readonly string[];
  /** Indices into the dataset, and the class number of each. */
  readonly galaxies: readonly number[];
  classOf(galaxy: number): number;
  /** Symmetries of the square over which each galaxy's probabilities are averaged: 1 to 8. */
  readonly tta: number;
  /** What the galaxies are, as a phrase: `the validation split, which took no part in training`. */
  readonly measuredOn: string;
}

/** Predicts every galaxy of an examination and judges the answers. */
export async function examine(device: Device, examination: Examination, progress: Progress): Promise<Judgement> {
  const { network, parameters, views, dataset, classes, galaxies, tta } = examination;
  const probabilities = await predictGalaxies(device, network, parameters, views, galaxies, tta, progress);
  const labels = galaxies.map((g) => examination.classOf(g));
  const averaged = tta > 1 ? `, each galaxy averaged over ${tta} symmetries of the square` : '';
  return judge(dataset, galaxies, { probabilities, labels, classes: classes.length }, classes, examination.measuredOn + averaged);
}
