/** The versions of the product in the order of chapter 16: the naive one, the steps, what the engine takes. */
export const VERSIONS = ['naive', 'tile', 'several', 'vectors', 'engine'] as const;
export type Version = (typeof VERSIONS)[number];

/** What a product loads for each multiplication, by arithmetic. */
export interface Counts {
  /** Loads from the buffers: of a number, or of a vec4. */
  readonly bufferLoads: number;
  /** Bytes that these loads fetch. */
  readonly bufferBytes: number;
  /** Loads from workgroup memory. */
  readonly workgroupLoads: number;
}

/**
 * A workgroup that owns `rows` x `columns` numbers loads a column of a and a row of b for each depth, and multiplies
 * each number of the one with each of the other.
 */
const perMultiplication = (rows: number, columns: number): number => (rows + columns) / (rows * columns);

const BYTES = 4;

function counts(workgroup: number, thread: number, vector: number, staged: boolean): Counts {
  const numbers = perMultiplication(workgroup, workgroup);
  return {
    bufferLoads: numbers / vector,
    bufferBytes: BYTES * numbers,
    workgroupLoads: staged ? perMultiplication(thread, thread) / vector : 0,
  };
}

/** Of the versions whose text chapter 16 shows: side of what a workgroup shares, side of what a thread owns. */
export const COUNTS: Readonly<Record<Exclude<Version, 'engine'>, Counts>> = {
  naive: counts(1, 1, 1, false), // nothing is shared: each thread is by itself
  tile: counts(16, 1, 1, true),
  several: counts(64, 4, 1, true),
  vectors: counts(64, 4, 4, true),
};
