import { UserError } from '../../engine/user_error.ts';
import { CHALLENGE_COLUMNS, ID_COLUMN } from '../columns.ts';
import { findColumns, type RowSink } from '../../vision/data/csv.ts';

const NAMES: readonly string[] = [ID_COLUMN, ...CHALLENGE_COLUMNS];

/** What a field holds, or an error that begins with `where()`: file, line and column. */
export type ReadField = (field: string, where: () => string) => number;

/**
 * Takes a csv of the challenge, GalaxyID and its 37 columns in any order, and hands each row to `take` with its numbers
 * in the challenge's order. Columns missing, doubled or unknown and an empty GalaxyID are errors; whether an id comes
 * twice is for `take`.
 */
export function challengeTable(
  file: string,
  read: ReadField,
  take: (id: string, values: readonly number[], line: number) => void,
): RowSink {
  let places: readonly number[] | null = null;
  return (fields, line) => {
    if (!places) {
      places = findColumns(fields, NAMES, file);
      const unknown = fields.find((name) => !NAMES.includes(name));
      if (unknown !== undefined) throw new UserError(`${file}: column "${unknown}" is none of the challenge's columns`);
      return;
    }
    const [idPlace, ...columns] = places;
    const id = fields[idPlace];
    if (id === '') throw new UserError(`${file}, line ${line}, column ${ID_COLUMN}: empty`);
    take(
      id,
      columns.map((place, c) => read(fields[place], () => `${file}, line ${line}, column ${CHALLENGE_COLUMNS[c]}`)),
      line,
    );
  };
}

/** Throws for an id that the file has had before. */
export function checkNew(seen: boolean, file: string, line: number, id: string): void {
  if (seen) throw new UserError(`${file}, line ${line}: ${ID_COLUMN} ${id} is there a second time`);
}
