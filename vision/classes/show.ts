import { confusions, type ClassJudgement } from './evaluate.ts';
import { decimal, percent } from '../report/pieces.ts';
import { textTable } from '../report/text_table.ts';

/** The figures that matter most, in a line. */
export function showHeadline({ evaluation: { accuracy, macro, top5, auc, ece } }: ClassJudgement): string {
  const more = macro
    ? `macro F1 ${decimal(macro.f1)}${top5 ? `, top-5 accuracy ${percent(top5.value)}` : ''}`
    : `AUC ${auc === null ? 'undefined: one class is missing' : decimal(auc)}`;
  return `Accuracy ${percent(accuracy.value)} (95 % interval ${percent(accuracy.low)} to ${percent(accuracy.high)}, ${accuracy.correct} of ${accuracy.n} images), ${more}, ECE ${decimal(ece)}`;
}

/** Classes whose confusions have room as columns of a text; of more the most frequent ones are listed. */
const COLUMNS = 8;
const PAIRS = 10;

/** The headline, the confusion matrix and the scores of each class, as text. */
export function showJudgement(judgement: ClassJudgement): string {
  const { classes, confusion, perClass } = judgement.evaluation;
  const few = classes.length <= COLUMNS;
  const rows = perClass.map(({ name, precision, recall, f1, support }, k) => [
    name,
    ...(few ? confusion[k].map(String) : []),
    decimal(precision),
    decimal(recall),
    decimal(f1),
    String(support),
  ]);
  const columns = ['', ...(few ? classes.map((name) => `said ${name}`) : []), 'precision', 'recall', 'F1', 'images'];
  const text = `${showHeadline(judgement)}\n\n${textTable(columns, rows)}`;
  const pairs = few ? [] : confusions(judgement.evaluation, PAIRS);
  if (pairs.length === 0) return text;
  const listed = pairs.map(({ truth, predicted, count }) => [truth, predicted, String(count)]);
  return `${text}\n\n${textTable(['labelled', 'taken for', 'times'], listed)}`;
}
