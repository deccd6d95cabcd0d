import { answersOf, measurement } from '../answer/predictor.ts';
import type { Labelled } from '../data/labelled.ts';
import type { Judge } from '../judge/judged.ts';
import { judgeNumbers } from './evaluate.ts';
import { writeTargetReport } from './report.node.ts';
import { showHeadline, showTargets } from './show.ts';
import type { TargetOptions } from './task.ts';

export const judgeTargets: Judge<TargetOptions, Labelled> = async (device, examination, task, progress) => {
  const { dataset, examples } = examination;
  const width = task.columns.length;
  const answers = await answersOf(device, examination, progress);
  const judgement = judgeNumbers(
    task,
    examples.map((_, i) => [...answers.subarray(i * width, (i + 1) * width)]),
    examples.map((example) => dataset.examples[example].values!),
    measurement(examination),
  );
  const { figures } = judgement;
  return {
    headline: showHeadline(figures),
    text: showTargets(figures),
    measuredOn: figures.measuredOn,
    summary: { rmse: figures.rmse, r2: figures.r2 },
    figures,
    write: (folder, context) => writeTargetReport(device, examination, { task, judgement }, folder, context),
  };
};
