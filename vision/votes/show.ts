import { decimal, percent } from '../report/pieces.ts';
import { textTable } from '../report/text_table.ts';
import type { VoteFigures } from './evaluate.ts';

/** The figures that matter most, in a line. */
export function showHeadline({ rmse, logLoss, constant, images, questions }: VoteFigures): string {
  const over = `over ${questions.length} ${questions.length === 1 ? 'question' : 'questions'} of ${images} images`;
  const likely = logLoss === null ? '' : `, negative log likelihood ${decimal(logLoss)},`;
  const mean = constant === null ? '' : ` (answering each with its mean: ${decimal(constant, 4)})`;
  return `RMSE ${decimal(rmse, 4)} of vote fractions${likely} ${over}${mean}`;
}

/** The votes on a question; nothing where they are not known. */
export const told = (votes: number | null): string => (votes === null ? '' : String(votes));

export const QUESTION_HEADS = ['question', 'RMSE', 'mean answer', 'images', 'votes'] as const;
export const questionRows = ({ questions }: VoteFigures): string[][] =>
  questions.map(({ name, rmse, constant, images, votes }) => [
    name,
    decimal(rmse, 4),
    decimal(constant, 4),
    String(images),
    told(votes),
  ]);

/** The figures of each answer; its errors where shares are learnt: else a question counts as a whole. */
export const answerTable = ({ constant, questions }: VoteFigures): { columns: string[]; rows: string[][] } => ({
  columns: ['answer', 'given', 'expected', ...(constant === null ? [] : ['RMSE', 'mean answer'])],
  rows: questions.flatMap(({ name, answers }) =>
    answers.map(({ name: answer, given, expected, errors }) => [
      `${name}: ${answer}`,
      percent(given),
      percent(expected),
      ...(errors ? [decimal(errors.rmse, 4), decimal(errors.constant, 4)] : []),
    ]),
  ),
});

/** The headline, and the figures of each question and answer, as text. */
export function showVotes(figures: VoteFigures): string {
  const answers = answerTable(figures);
  return [
    showHeadline(figures),
    textTable(QUESTION_HEADS, questionRows(figures)),
    textTable(answers.columns, answers.rows),
  ].join('\n\n');
}
