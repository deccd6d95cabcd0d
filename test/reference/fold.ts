/** Sees x, of this shape, as lists along some axes: where each list's numbers lie, by the place of its result. */
export function listsAlong(shape: readonly number[], axes: readonly number[]): number[][] {
  const lists = new Map<string, number[]>();
  const size = shape.reduce((a, b) => a * b, 1);
  for (let i = 0; i < size; i++) {
    const index: number[] = [];
    for (let axis = shape.length - 1, rest = i; axis >= 0; axis--) {
      index[axis] = rest % shape[axis];
      rest = Math.floor(rest / shape[axis]);
    }
    const key = index.filter((_, axis) => !axes.includes(axis)).join();
    const list = lists.get(key);
    if (list) list.push(i);
    else lists.set(key, [i]);
  }
  return [...lists.values()];
}

type List = readonly number[];
const sum = (list: List) => list.reduce((a, b) => a + b, 0);

/** What each way makes of a list of numbers. */
export const FOLDS: Readonly<Record<string, (list: List) => number>> = {
  max: (list) => list.reduce((a, b) => Math.max(a, b)),
  min: (list) => list.reduce((a, b) => Math.min(a, b)),
  prod: (list) => list.reduce((a, b) => a * b),
};

/** How it changes with each number of the list: equals share it, and a zero's part is the product of the others. */
export const SLOPES: Readonly<Record<string, (list: List) => number[]>> = {
  max: (list) => shared(list, FOLDS.max(list)),
  min: (list) => shared(list, FOLDS.min(list)),
  prod: (list) => list.map((_, i) => list.reduce((product, v, j) => (j === i ? product : product * v), 1)),
};

const shared = (list: List, taken: number): number[] => {
  const equals = sum(list.map((v) => Number(v === taken)));
  return list.map((v) => Number(v === taken) / equals);
};

/** The first or the last of the largest; a NaN is larger than every number. */
export function argMax(list: List, last: boolean): number {
  const rank = (v: number) => (Number.isNaN(v) ? Infinity : Math.atan(v));
  return list.reduce(
    (best, v, i) => (rank(v) > rank(list[best]) || (last && rank(v) === rank(list[best])) ? i : best),
    0,
  );
}
