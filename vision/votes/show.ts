import { decimal, percent } from '../report/pieces.ts';
import { textTable } from '../report/text_table.ts';
import type { VoteFigures } from './evaluate.ts';

/** The figures that matter most, in a line. */
export const showHeadline = ({ rmse, logLoss, images, questions }: VoteFigures): string =>
  `RMSE ${decimal(rmse, 4)} of vote fractions, negative log likelihood ${decimal(logLoss)}, over ${questions.length} ${questions.length === 1 ? 'question' : 'questions'} of ${images} images`;

export const QUESTION_HEADS = ['question', 'RMSE', 'mean answer', 'images', 'votes'] as const;
export const questionRows = ({ questions }: VoteFigures): string[][] =>
  questions.map(({ name, rmse, constant, images, votes }) => [
    name,
    decimal(rmse, 4),
    decimal(constant, 4),
    String(images),
    String(votes),
  ]);

export const ANSWER_HEADS = ['answer', 'given', 'expected'] as const;
export const answerRows = ({ questions }: VoteFigures): string[][] =>
  questions.flatMap(({ name, answers }) =>
    answers.map(({ name: answer, given, expected }) => [`${name}: ${answer}`, percent(given), percent(expected)]),
  );

/** The headline, and the figures of each question and answer, as text. */
export const showVotes = (figures: VoteFigures): string =>
  [
    showHeadline(figures),
    textTable(QUESTION_HEADS, questionRows(figures)),
    textTable(ANSWER_HEADS, answerRows(figures)),
  ].join('\n\n');
