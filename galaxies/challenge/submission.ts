import { CHALLENGE_COLUMNS, ID_COLUMN } from '../columns.ts';
import { csvField } from '../../vision/data/csv.ts';

/** The first line of a file that the challenge takes. */
export const SUBMISSION_HEADER = `${[ID_COLUMN, ...CHALLENGE_COLUMNS].join(',')}\n`;

/**
 * One galaxy's line of such a file, from 37 numbers in the challenge's order. Nine decimals: an f32 in 1/64..1 comes
 * back as it was, others within 5e-10, thousands of times less than what tells two predictions apart. Never an
 * exponent, which not every reader takes.
 * @throws RangeError for another number of columns, and for NaN and the infinite
 */
export function submissionRow(id: string, values: ArrayLike<number>): string {
  if (values.length !== CHALLENGE_COLUMNS.length)
    throw new RangeError(`galaxy ${id}: ${values.length} numbers, and there are ${CHALLENGE_COLUMNS.length} columns`);
  const fields = Array.from(values, (value, c) => {
    if (!Number.isFinite(value))
      throw new RangeError(
        `galaxy ${id}, column ${CHALLENGE_COLUMNS[c]}: ${value} is no number that a file could hold`,
      );
    return decimals(value);
  });
  return `${csvField(id)},${fields.join(',')}\n`;
}

/** Without trailing zeros; 0 for what rounds to it from either side. */
const decimals = (value: number): string =>
  value
    .toFixed(9)
    .replace(/\.?0+$/, '')
    .replace(/^-0$/, '0');
