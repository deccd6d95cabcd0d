import { answersOf, measurement } from '../answer/predictor.ts';
import type { Labelled } from '../data/labelled.ts';
import type { Judge, Judged } from '../judge/judged.ts';
import { judgeClasses, type ClassJudgement } from './evaluate.ts';
import { writeClassReport } from './report.node.ts';
import { showHeadline, showJudgement } from './show.ts';
import type { ClassOptions } from './task.ts';

/** What is told of any classifier's answers. */
export function judgedClasses(judgement: ClassJudgement, write: Judged['write']): Judged {
  const { evaluation, logLoss } = judgement;
  const { accuracy, macro, top5, auc, ece } = evaluation;
  return {
    headline: showHeadline(judgement),
    text: showJudgement(judgement),
    measuredOn: evaluation.measuredOn,
    summary: { accuracy, ...(macro && { macro }), ...(top5 && { top5 }), auc, ece, logLoss },
    figures: { ...evaluation, logLoss },
    write,
  };
}

export const judgeLabelled: Judge<ClassOptions, Labelled> = async (device, examination, _, progress) => {
  const { dataset, examples, task } = examination;
  const place = new Map(task.outputs.map((name, k) => [name, k]));
  const labels = examples.map((example) => place.get(dataset.examples[example].label!)!);
  const probabilities = await answersOf(device, examination, progress);
  const predictions = { probabilities, labels, classes: task.outputs.length };
  const judgement = judgeClasses(predictions, task.outputs, measurement(examination));
  return judgedClasses(judgement, (folder, context) =>
    writeClassReport(device, examination, judgement, folder, context),
  );
};
