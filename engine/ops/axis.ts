import { show } from '../check.ts';
import { shapeError, type Tensor } from '../tensor.ts';
import { UserError } from '../user_error.ts';

/** An axis counted from 0; a negative one counts from the last. Throws a UserError where there is none. */
export function axisOf(op: string, x: Tensor, axis: number): number {
  const rank = x.shape.length;
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank) shapeError(op, `there is no axis ${show(axis)}`, x);
  return axis < 0 ? axis + rank : axis;
}

/** Throws a UserError unless it is a list with a whole number for each dimension. */
export function checkEach(op: string, what: string, numbers: readonly number[], x: Tensor): void {
  if (!Array.isArray(numbers) || !numbers.every(Number.isSafeInteger))
    throw new UserError(`${op}: ${what} must be a list of whole numbers, not ${show(numbers)}`);
  if (numbers.length !== x.shape.length)
    shapeError(op, `${what} must be as many as dimensions, not ${show(numbers)}`, x);
}

/** How far apart neighbours of each dimension lie. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = shape.map(() => 1);
  for (let d = shape.length - 2; d >= 0; d--) strides[d] = strides[d + 1] * shape[d + 1];
  return strides;
}
