/**
 * out [M, N] = op(a) · op(b) with op(a) [M, K] and op(b) [K, N]; a transposed operand is stored as [K, M] or [N, K].
 */
export interface MatmulSize {
  readonly M: number;
  readonly N: number;
  readonly K: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  /**
   * So many products in one launch: their operands follow one another along K, their results along M. One where not
   * said.
   */
  readonly batch?: number;
  /** Parts that each product of a batch may be cut into, by who adds them up; 1 where not said. */
  readonly batchParts?: number;
  /**
   * Lengths of a row of a and of b in memory, in elements, multiples of 4: padded rows of one product where not said.
   */
  readonly aLd?: number;
  readonly bLd?: number;
}
