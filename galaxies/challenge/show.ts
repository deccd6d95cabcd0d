import { decimal } from '../../vision/report/pieces.ts';
import { textTable } from '../../vision/report/text_table.ts';
import type { ChallengeFigures } from './evaluate.ts';

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
