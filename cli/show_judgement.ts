import type { ChallengeFigures } from '../galaxies/challenge/evaluate.ts';
import type { Judgement } from '../galaxies/classify/evaluate.ts';
import { decimal, percent } from '../vision/report/pieces.ts';
import { textTable } from './text_table.ts';

/** The figures that matter most, in a line. */
export function showHeadline({ evaluation: { accuracy, auc, ece } }: Judgement): string {
  return `Accuracy ${percent(accuracy.value)} (95 % interval ${percent(accuracy.low)} to ${percent(accuracy.high)}, ${accuracy.correct} of ${accuracy.n} galaxies), AUC ${auc === null ? 'undefined: one class is missing' : decimal(auc)}, ECE ${decimal(ece)}`;
}

/** The headline, the confusion matrix and the scores of each class, as text. */
export function showJudgement(judgement: Judgement): string {
  const { classes, confusion, perClass } = judgement.evaluation;
  const rows = perClass.map(({ name, precision, recall, f1, support }, k) => [
    name,
    ...confusion[k].map(String),
    decimal(precision),
    decimal(recall),
    decimal(f1),
    String(support),
  ]);
  const columns = ['', ...classes.map((name) => `said ${name}`), 'precision', 'recall', 'F1', 'galaxies'];
  return `${showHeadline(judgement)}\n\n${textTable(columns, rows)}`;
}

/** The challenge's figure, in a line. */
export function showChallengeHeadline({
  rmse,
  constant,
  galaxies,
  perColumn,
}: Omit<ChallengeFigures, 'measuredOn'>): string {
  return `RMSE ${decimal(rmse, 4)} over ${perColumn.length} columns of ${galaxies} galaxies (answering each column with its mean: ${decimal(constant, 4)})`;
}

/** The headline, and the figure of each question and column, as text. */
export function showChallenge(found: Omit<ChallengeFigures, 'measuredOn'>): string {
  const figures = ({ rmse, constant }: { rmse: number; constant: number }) => [decimal(rmse, 4), decimal(constant, 4)];
  const questions = textTable(
    ['question', 'RMSE', 'mean answer'],
    found.perQuestion.map((row) => [`${row.number} ${row.text}`, ...figures(row)]),
  );
  const columns = textTable(
    ['column', 'RMSE', 'mean answer'],
    found.perColumn.map((row) => [`${row.name} ${row.answer}`, ...figures(row)]),
  );
  return `${showChallengeHeadline(found)}\n\n${questions}\n\n${columns}`;
}
