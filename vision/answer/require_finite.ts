import { UserError } from '../../engine/user_error.ts';

/**
 * Refuses rows that a network gave where a number of them is NaN or infinite: every answer, feature and map passes here
 * when it is read back, so that nothing behind needs to ask again.
 * @param width numbers in a row
 * @param nameOf what the row at an index is about
 * @throws UserError naming what it is about, the number and its place
 */
export function requireFinite(rows: Float32Array, width: number, nameOf: (row: number) => string): void {
  for (let i = 0; i < rows.length; i++) {
    if (Number.isFinite(rows[i])) continue;
    throw new UserError(
      `${nameOf(Math.floor(i / width))}: the network gives ${rows[i]} (number ${(i % width) + 1} of ${width}), which is no answer; its weights are too large for 32-bit floats, as a training leaves them that diverged: train with a lower learning rate or --clip 1`,
    );
  }
}
