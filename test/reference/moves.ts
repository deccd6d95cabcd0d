/*
 * Ops that move numbers, in float64, element by element: each says where the number at an index of its result comes
 * from.
 */

export type Index = readonly number[];

/** All indices of a shape, in the order of the elements. */
export function indicesOf(shape: Index): number[][] {
  let found: number[][] = [[]];
  for (const d of shape) found = found.flatMap((at) => Array.from({ length: d }, (_, i) => [...at, i]));
  return found;
}

export function offsetOf(shape: Index, at: Index): number {
  let offset = 0;
  for (let d = 0; d < shape.length; d++) offset = offset * shape[d] + at[d];
  return offset;
}

/** A result of this shape, made index by index. */
const over = (shape: Index, f: (at: number[]) => number): Float64Array => Float64Array.from(indicesOf(shape), f);

export function transpose(x: ArrayLike<number>, shape: Index, perm: Index): Float64Array {
  return over(
    perm.map((d) => shape[d]),
    (at) => {
      const from = [...at];
      for (let d = 0; d < perm.length; d++) from[perm[d]] = at[d];
      return x[offsetOf(shape, from)];
    },
  );
}

export function slice(x: ArrayLike<number>, shape: Index, starts: Index, counts: Index, steps: Index): Float64Array {
  return over(
    counts,
    (at) =>
      x[
        offsetOf(
          shape,
          at.map((i, d) => starts[d] + i * steps[d]),
        )
      ],
  );
}

/** x laid into a shape full of `value`; also the adjoint of `slice`. */
export function place(
  x: ArrayLike<number>,
  shape: Index,
  into: Index,
  starts: Index,
  steps: Index,
  value: number,
): Float64Array {
  const y = new Float64Array(into.reduce((a, b) => a * b, 1)).fill(value);
  indicesOf(shape).forEach(
    (at, i) =>
      (y[
        offsetOf(
          into,
          at.map((k, d) => starts[d] + k * steps[d]),
        )
      ] = x[i]),
  );
  return y;
}

export function concat(parts: readonly ArrayLike<number>[], shapes: readonly Index[], axis: number): Float64Array {
  const length = shapes.reduce((n, shape) => n + shape[axis], 0);
  return over(
    shapes[0].map((d, i) => (i === axis ? length : d)),
    (at) => {
      let k = 0;
      let i = at[axis];
      while (i >= shapes[k][axis]) i -= shapes[k++][axis];
      return parts[k][
        offsetOf(
          shapes[k],
          at.map((v, d) => (d === axis ? i : v)),
        )
      ];
    },
  );
}
