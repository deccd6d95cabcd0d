import type { Device } from '../../engine/device/device.ts';
import { plainPicture } from '../answer/draw.ts';
import type { Examination } from '../answer/predictor.ts';
import { predicted } from '../judge/metrics.ts';
import type { GradCamCase, Mistake } from '../report/data.ts';
import { toPicture } from '../report/encode.node.ts';
import { explainForReport } from '../report/explain_for_report.node.ts';
import type { ClassJudgement } from './evaluate.ts';

/** Cases of each verdict (right or wrong): of each class, and of all classes together. */
const OF_A_CLASS = 4;
const OF_ALL = 12;

/** The surest right and wrong answers, of each class as many as a report of so many classes can hold, explained. */
export async function gradCamCases(
  device: Device,
  examination: Examination,
  { predictions, evaluation: { classes } }: ClassJudgement,
): Promise<GradCamCase[]> {
  const rows = examination.examples
    .map((example, row) => {
      const guess = predicted(predictions, row);
      return {
        example,
        truth: predictions.labels[row],
        guess,
        confidence: predictions.probabilities[row * classes.length + guess],
      };
    })
    .sort((a, b) => b.confidence - a.confidence || a.example - b.example);
  const each = Math.max(1, Math.min(OF_A_CLASS, Math.floor(OF_ALL / classes.length)));
  const chosen = [true, false].flatMap((right) => {
    const verdict = rows.filter(({ truth, guess }) => (truth === guess) === right);
    const byClass = classes.map((_, k) => verdict.filter(({ truth }) => truth === k).slice(0, each));
    return byClass
      .filter((some) => some.length > 0)
      .slice(0, OF_ALL)
      .flat();
  });
  const explained = await explainForReport(
    device,
    examination,
    chosen.map(({ example, guess }) => ({ example, explained: guess })),
  );
  return chosen.map(({ truth, guess, confidence }, i) => ({
    ...explained[i],
    truth: classes[truth],
    predicted: classes[guess],
    score: confidence,
  }));
}

/** The surest mistakes with their pictures. */
export function mistakenCases(
  { dataset, examples, views }: Examination,
  { mistakes, evaluation: { classes } }: ClassJudgement,
): Promise<Mistake[]> {
  return Promise.all(
    mistakes.map(async ({ index, label, predicted: guess, confidence }) => ({
      id: dataset.examples[examples[index]].id,
      truth: classes[label],
      predicted: classes[guess],
      confidence,
      picture: await toPicture(await plainPicture(dataset, views.geometry, examples[index])),
    })),
  );
}
