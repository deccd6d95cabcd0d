import type { Device } from '../../engine/device/device.ts';
import type { Galaxy } from '../galaxy.ts';
import { answersOf, measurement, type Examination } from '../../vision/answer/predictor.ts';
import type { Progress } from '../../vision/progress.ts';
import { challengeRmse, type ChallengeRmse } from './rmse.ts';

/** How far predicted fractions are from the votes. */
export interface ChallengeFigures extends ChallengeRmse {
  readonly measuredOn: string;
  readonly galaxies: number;
}

/** What is known of a model's answers: the figures, and the answers themselves. */
export interface ChallengeJudgement {
  readonly figures: ChallengeFigures;
  /** A row of 37 fractions for each galaxy of the examination. */
  readonly predictions: Float64Array;
}

/** Predicts every galaxy of an examination, all of which have the 37 fractions, and judges the answers. */
export async function examineChallenge(
  device: Device,
  examination: Examination<Galaxy>,
  progress: Progress,
): Promise<ChallengeJudgement> {
  const { dataset, examples } = examination;
  const predictions = await answersOf(device, examination, progress);
  const figures = {
    measuredOn: measurement(examination),
    galaxies: examples.length,
    ...challengeRmse(
      predictions,
      examples.map((g) => dataset.examples[g].votes!.all!),
    ),
  };
  return { figures, predictions };
}
