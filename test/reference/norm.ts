import { listsAlong } from './fold.ts';

type Numbers = ArrayLike<number>;

/** Each list of numbers less its mean, over the root of its variance and epsilon. */
export function standardised(x: Numbers, lists: readonly (readonly number[])[], epsilon: number): Float64Array {
  const y = new Float64Array(x.length);
  for (const list of lists) {
    const mean = list.reduce((sum, i) => sum + x[i], 0) / list.length;
    const variance = list.reduce((sum, i) => sum + (x[i] - mean) ** 2, 0) / list.length;
    for (const i of list) y[i] = (x[i] - mean) / Math.sqrt(variance + epsilon);
  }
  return y;
}

/** Each list over the root of its mean square and epsilon. */
export function overRootMeanSquare(x: Numbers, lists: readonly (readonly number[])[], epsilon: number): Float64Array {
  const y = new Float64Array(x.length);
  for (const list of lists) {
    const square = list.reduce((sum, i) => sum + x[i] ** 2, 0) / list.length;
    for (const i of list) y[i] = x[i] / Math.sqrt(square + epsilon);
  }
  return y;
}

/** The lists that a group norm of x [N, H, W, C] goes over. */
export function groupLists([N, H, W, C]: readonly number[], groups: number): number[][] {
  // As [N, HW, G, C/G] the pixels and channels of a group are axes 1 and 3.
  return listsAlong([N, H * W, groups, C / groups], [1, 3]);
}
