/** An id without what a spreadsheet takes from a number or gives it: leading zeros, and `.0`. */
const plain = (id: string): string => id.replace(/^0+(?=\d)/, '').replace(/\.0*$/, '');

/** Whether `id` is `other` as a spreadsheet rounds long numbers: 5.87723E+17 of 587722981742084096. */
function rounds(id: string, other: string): boolean {
  const decimals = /^\d(?:\.(\d+))?e\+?\d+$/i.exec(id);
  return (
    decimals !== null &&
    /^\d+$/.test(other) &&
    Number(Number(other).toExponential(decimals[1]?.length ?? 0)) === Number(id)
  );
}

/** An id of a table, one of those it is held against, and whether they differ by what a spreadsheet does to numbers. */
export interface IdPair {
  readonly id: string;
  readonly other: string;
  readonly spoilt: boolean;
}

/**
 * For a sentence about ids of a table that do not meet `others`: two that a spreadsheet made different, or else the
 * first of each. Neither may be empty.
 */
export function nearestIds(table: Iterable<string>, others: Iterable<string>): IdPair {
  const [ids, wanted] = [[...table], [...others]];
  const byPlain = new Map(wanted.map((other) => [plain(other), other]));
  for (const id of ids) {
    const other = byPlain.get(plain(id));
    if (other !== undefined) return { id, other, spoilt: true };
  }
  const id = ids.find((each) => /^\d(\.\d+)?e\+?\d+$/i.test(each)) ?? ids[0];
  const other = wanted.find((each) => rounds(id, each));
  return { id, other: other ?? wanted[0], spoilt: other !== undefined };
}

/** What to do about ids that a spreadsheet changed. */
export const KEEP_AS_TEXT =
  'a spreadsheet took the ids for numbers: keep that column as text, or take the original file';
