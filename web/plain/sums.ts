import { sizeOf, type Shape, type Tensor } from '../../engine/tensor.ts';
import { attrsOf, indexOf, offsetOf, zerosOf, type Evaluate } from './numbers.ts';

/** Neighbouring dimensions that are summed away, or along which something is repeated. */
interface Run {
  readonly first: number;
  readonly last: number;
  readonly scale: number;
}

/** Where an element of the full shape goes to in the one whose run of dimensions has the length 1, or comes from. */
function shortOf(full: Shape, { first, last }: Run): (i: number) => number {
  const [length, inner] = [sizeOf(full.slice(first, last + 1)), sizeOf(full.slice(last + 1))];
  return (i) => Math.floor(i / (length * inner)) * inner + (i % inner);
}

/** The elements of x that come together in each result, some dimensions being brought to the length 1. */
function groupsOf({ shape, size }: Tensor, axes: readonly number[]): number[][] {
  const short = shape.map((length, axis) => (axes.includes(axis) ? 1 : length));
  const groups = Array.from({ length: sizeOf(short) }, (): number[] => []);
  for (let i = 0; i < size; i++) {
    const index = indexOf(shape, i).map((at, axis) => (axes.includes(axis) ? 0 : at));
    groups[offsetOf(short, index)].push(i);
  }
  return groups;
}

const FOLDS = {
  max: (a: number, b: number) => Math.max(a, b),
  min: (a: number, b: number) => Math.min(a, b),
  prod: (a: number, b: number) => a * b,
};

/** One number of many, and many of one. */
export const SUMS: Readonly<Record<string, Evaluate>> = {
  sum(t, x) {
    const run = attrsOf<Run>(t);
    const at = shortOf(t.inputs[0].shape, run);
    const y = zerosOf(t.shape);
    x.forEach((v, i) => (y[at(i)] += v));
    return y.map((v) => v * run.scale);
  },
  broadcast(t, x) {
    const run = attrsOf<Run>(t);
    const at = shortOf(t.shape, run);
    return zerosOf(t.shape).map((_, i) => run.scale * x[at(i)]);
  },
  fold(t, x) {
    const { how, axes } = attrsOf<{ how: keyof typeof FOLDS; axes: readonly number[] }>(t);
    return Float64Array.from(groupsOf(t.inputs[0], axes), (group) => group.map((i) => x[i]).reduce(FOLDS[how]));
  },
  /** Which of them is the largest or the smallest: the first of equals or the last, and a NaN before all. */
  arg(t, x) {
    const { how, axis, last } = attrsOf<{ how: 'max' | 'min'; axis: number; last: boolean }>(t);
    const isBetter = (v: number, than: number) => (how === 'max' ? v > than : v < than);
    const isTaken = (v: number, than: number) =>
      Number.isNaN(than) ? last && Number.isNaN(v) : Number.isNaN(v) || isBetter(v, than) || (last && v === than);
    return Float64Array.from(groupsOf(t.inputs[0], [axis]), (group) =>
      group.reduce((best, at, i) => (isTaken(x[at], x[group[best]]) ? i : best), 0),
    );
  },
};
