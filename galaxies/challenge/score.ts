import { UserError } from '../../engine/user_error.ts';
import { CHALLENGE_COLUMNS, ID_COLUMN } from '../columns.ts';
import { requiredFraction } from '../catalogue.ts';
import type { RowSink } from '../../vision/data/csv.ts';
import { KEEP_AS_TEXT, nearestIds } from '../../vision/data/ids.ts';
import { RmseAccumulator, type ChallengeRmse } from './rmse.ts';
import { challengeTable, checkNew } from './table.ts';

const COLUMNS = CHALLENGE_COLUMNS.length;
/** So many ids are named in a sentence about several. */
const NAMED = 5;

/** The votes of a csv of the challenge in float64, 37 numbers a galaxy: 300 bytes each, and its id. */
export class Truth {
  private readonly rows = new Map<string, number>();
  private values = new Float64Array(1024 * COLUMNS);
  readonly sink: RowSink;

  constructor(readonly file: string) {
    this.sink = challengeTable(file, requiredFraction, (id, row, line) => {
      checkNew(this.rows.has(id), file, line, id);
      const at = this.rows.size * COLUMNS;
      if (at === this.values.length) {
        const grown = new Float64Array(2 * at);
        grown.set(this.values);
        this.values = grown;
      }
      this.values.set(row, at);
      this.rows.set(id, this.rows.size);
    });
  }

  get size(): number {
    return this.rows.size;
  }

  /** Row numbers by id, in the file's order. */
  get ids(): ReadonlyMap<string, number> {
    return this.rows;
  }

  votes(row: number): Float64Array {
    return this.values.subarray(row * COLUMNS, (row + 1) * COLUMNS);
  }
}

export interface Score extends ChallengeRmse {
  readonly galaxies: number;
  /** Predicted numbers outside 0..1, which count as they are, and where the first stands. */
  readonly outside: number;
  readonly firstOutside: string | null;
}

/** Errors are squared and summed: of larger numbers the sum would pass what a double holds. */
const LARGEST = 1e100;

/**
 * A number as csv files write it: decimal, with or without exponent. Number() would also take hexadecimal and the word
 * Infinity.
 */
function realNumber(field: string, where: () => string): number {
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(field))
    throw new UserError(field === '' ? `${where()}: no number` : `${where()}: "${field}" is not a number`);
  const value = Number(field);
  if (!(Math.abs(value) <= LARGEST)) throw new UserError(`${where()}: ${field} is too large for a number to be scored`);
  return value;
}

/**
 * Takes a csv of predictions and scores it row by row against the truth; none of it is kept but which galaxies it had.
 * As the challenge did, it takes any real number, 0..1 or not. An id that the truth has not, one that comes twice, and
 * at the end one that is missing are errors.
 */
export function scoreTable(file: string, truth: Truth): { readonly sink: RowSink; result(): Score } {
  const sums = new RmseAccumulator();
  const seen = new Uint8Array(truth.size);
  let outside = 0;
  let firstOutside: string | null = null;
  const read = (field: string, where: () => string) => {
    const value = realNumber(field, where);
    if (value < 0 || value > 1) {
      outside++;
      firstOutside ??= `${where()}: ${field}`;
    }
    return value;
  };
  const sink = challengeTable(file, read, (id, values, line) => {
    const row = truth.ids.get(id);
    if (row === undefined) {
      const { other, spoilt } = nearestIds([id], truth.ids.keys());
      const hint = spoilt ? `, which has ${other}; ${KEEP_AS_TEXT}` : '';
      throw new UserError(`${file}, line ${line}: ${ID_COLUMN} ${id} is not in ${truth.file}${hint}`);
    }
    checkNew(seen[row] === 1, file, line, id);
    seen[row] = 1;
    sums.add(truth.votes(row), values);
  });
  return {
    sink,
    result() {
      const { rows: galaxies } = sums;
      if (galaxies === 0) throw new UserError(`${file} has no galaxies`);
      const missing = truth.size - galaxies;
      if (missing > 0) {
        const named: string[] = [];
        for (const [id, row] of truth.ids) if (!seen[row] && named.push(id) === NAMED) break;
        const rest = missing > named.length ? ` and ${missing - named.length} more` : '';
        throw new UserError(
          `${file} lacks ${missing === 1 ? 'a galaxy' : `${missing} galaxies`} of ${truth.file}: ${ID_COLUMN} ${named.join(', ')}${rest}`,
        );
      }
      return { galaxies, outside, firstOutside, ...sums.result() };
    },
  };
}
