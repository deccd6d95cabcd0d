/** A row of a sparse matrix: columns and weights. */
export type SparseRow = readonly (readonly [column: number, weight: number])[];

/**
 * A sparse matrix as kernels/resample reads it: where the entries of each row begin, and where those of the last one
 * end; then the entries, two words each: the column, and the bits of the weight.
 */
export interface SparseRows {
  readonly words: Uint32Array;
  readonly rows: number;
  readonly columns: number;
  /** The most entries of a row. */
  readonly most: number;
}

/** @param columns how many there are */
export function packRows(rows: readonly SparseRow[], columns: number): SparseRows {
  const entries = rows.reduce((n, row) => n + row.length, 0);
  const words = new Uint32Array(rows.length + 1 + 2 * entries);
  const weights = new Float32Array(words.buffer);
  let at = rows.length + 1;
  let most = 0;
  rows.forEach((row, r) => {
    words[r] = at;
    most = Math.max(most, row.length);
    for (const [column, weight] of row) {
      words[at] = column;
      weights[at + 1] = weight;
      at += 2;
    }
  });
  words[rows.length] = at;
  return { words, rows: rows.length, columns, most };
}

/** The transposed matrix: what the cotangent is multiplied by. */
export function transposeRows({ words, rows, columns }: SparseRows): SparseRows {
  const weights = new Float32Array(words.buffer, words.byteOffset, words.length);
  const turned: [number, number][][] = Array.from({ length: columns }, () => []);
  for (let r = 0; r < rows; r++)
    for (let at = words[r]; at < words[r + 1]; at += 2) turned[words[at]].push([r, weights[at + 1]]);
  return packRows(turned, rows);
}

/** Whether the matrix changes nothing. */
export const isIdentity = (rows: readonly SparseRow[], columns: number): boolean =>
  rows.length === columns && rows.every((row, r) => row.length === 1 && row[0][0] === r && row[0][1] === 1);
