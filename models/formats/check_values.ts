import { UserError } from '../../engine/user_error.ts';

/**
 * Refuses weights with which no network can answer: one NaN among them would show only as a NaN far from its cause, or
 * not at all.
 * @param variance these are variances, or second moments: none may be negative
 * @param where file and tensor; begins the sentence
 * @throws UserError naming the first such value and its place
 */
export function checkValues(values: Float32Array, variance: boolean, where: string): void {
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (Number.isFinite(value) && !(variance && value < 0)) continue;
    const why = Number.isFinite(value) ? ', and a variance cannot be negative' : '';
    throw new UserError(
      `${where} holds ${value} at element ${i}${why}; the file is damaged, or its training diverged.`,
    );
  }
}
