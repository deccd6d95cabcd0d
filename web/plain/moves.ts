import { sizeOf, type Shape } from '../../engine/tensor.ts';
import { attrsOf, indexOf, offsetOf, zerosOf, type Evaluate, type Numbers } from './numbers.ts';

interface Walk {
  readonly starts: readonly number[];
  readonly steps: readonly number[];
}

/** Where the elements of a smaller tensor lie in a larger one. */
const placesOf = (small: Shape, large: Shape, { starts, steps }: Walk): number[] =>
  Array.from({ length: sizeOf(small) }, (_, i) =>
    offsetOf(
      large,
      indexOf(small, i).map((at, axis) => starts[axis] + at * steps[axis]),
    ),
  );

/** x times a sparse matrix along an axis. Its words are those of engine/ops/sparse_rows.ts. */
function resampleAxis(x: Numbers, shape: Shape, axis: number, rows: number, table: Numbers): [Numbers, Shape] {
  const words = Uint32Array.from(table);
  const weights = new Float32Array(words.buffer);
  const made = shape.map((length, d) => (d === axis ? rows : length));
  const y = zerosOf(made).map((_, i) => {
    const index = indexOf(made, i);
    let sum = 0;
    for (let at = words[index[axis]]; at < words[index[axis] + 1]; at += 2)
      sum += weights[at + 1] * x[offsetOf(shape, index.with(axis, words[at]))];
    return sum;
  });
  return [y, made];
}

/** Numbers that are taken elsewhere as they are, and weighted sums of neighbours. */
export const MOVES: Readonly<Record<string, Evaluate>> = {
  reshape: (_, x) => x,
  stop_gradient: (_, x) => x,
  transpose(t, x) {
    const { perm } = attrsOf<{ perm: readonly number[] }>(t);
    const { shape } = t.inputs[0];
    return zerosOf(t.shape).map((_, i) => {
      const index = indexOf(t.shape, i);
      return x[
        offsetOf(
          shape,
          shape.map((__, axis) => index[perm.indexOf(axis)]),
        )
      ];
    });
  },
  slice: (t, x) => Float64Array.from(placesOf(t.shape, t.inputs[0].shape, attrsOf(t)), (place) => x[place]),
  place(t, x) {
    const y = zerosOf(t.shape).fill(attrsOf<{ value: number }>(t).value);
    placesOf(t.inputs[0].shape, t.shape, attrsOf(t)).forEach((place, i) => (y[place] = x[i]));
    return y;
  },
  concat(t, ...parts) {
    const { axis } = attrsOf<{ axis: number }>(t);
    const y = zerosOf(t.shape);
    let begin = 0;
    parts.forEach((part, k) => {
      const { shape } = t.inputs[k];
      const walk = { starts: shape.map((_, d) => (d === axis ? begin : 0)), steps: shape.map(() => 1) };
      placesOf(shape, t.shape, walk).forEach((place, i) => (y[place] = part[i]));
      begin += shape[axis];
    });
    return y;
  },
  row(t, x) {
    const first = attrsOf<{ index: number }>(t).index * t.size;
    return x.slice(first, first + t.size);
  },
  place_row(t, x) {
    const y = zerosOf(t.shape);
    y.set(x, attrsOf<{ index: number }>(t).index * x.length);
    return y;
  },
  /** y[.., j, ..] = x[.., indices[j], ..], and NaN where x has no such entry. */
  gather(t, x, indices) {
    const { axis } = attrsOf<{ axis: number }>(t);
    const { shape } = t.inputs[0];
    const [length, inner] = [shape[axis], sizeOf(shape.slice(axis + 1))];
    return zerosOf(t.shape).map((_, i) => {
      const [o, j] = [Math.floor(i / (indices.length * inner)), Math.floor(i / inner) % indices.length];
      return indices[j] < length ? x[(o * length + indices[j]) * inner + (i % inner)] : NaN;
    });
  },
  gather_input_grad(t, dy, indices) {
    const { axis } = attrsOf<{ axis: number }>(t);
    const [length, inner] = [t.shape[axis], sizeOf(t.shape.slice(axis + 1))];
    const dx = zerosOf(t.shape);
    dy.forEach((d, i) => {
      const [o, j] = [Math.floor(i / (indices.length * inner)), Math.floor(i / inner) % indices.length];
      if (indices[j] < length) dx[(o * length + indices[j]) * inner + (i % inner)] += d;
    });
    return dx;
  },
  resample(t, x, ...tables) {
    const { axis, matrices } = attrsOf<{ axis: number; matrices: readonly { readonly rows: number }[] }>(t);
    let [y, shape] = [x, t.inputs[0].shape];
    matrices.forEach(({ rows }, k) => {
      [y, shape] = resampleAxis(y, shape, axis + k, rows, tables[k]);
    });
    return y;
  },
  /** To u32: fractions are cut off; negative numbers and NaN become 0, and what is too large 2³² − 1. */
  cast: (t, x) => (t.dtype === 'f32' ? x : x.map((v) => (v > 0 ? Math.min(Math.trunc(v), 2 ** 32 - 1) : 0))),
};
