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

/** x [outer.., length, inner..] at these indices of its dimension d. */
export function gather(x: ArrayLike<number>, shape: Index, indices: ArrayLike<number>, d: number): Float64Array {
  const found: number[] = [];
  for (const outer of indicesOf(shape.slice(0, d)))
    for (const index of Array.from(indices))
      for (const inner of indicesOf(shape.slice(d + 1)))
        found.push(index < shape[d] ? x[offsetOf(shape, [...outer, index, ...inner])] : NaN);
  return Float64Array.from(found);
}

export function gatherInputGrad(
  dy: ArrayLike<number>,
  shape: Index,
  indices: ArrayLike<number>,
  d: number,
): Float64Array {
  const dx = new Float64Array(shape.reduce((a, b) => a * b, 1));
  let k = 0;
  for (const outer of indicesOf(shape.slice(0, d)))
    for (const index of Array.from(indices))
      for (const inner of indicesOf(shape.slice(d + 1))) {
        if (index < shape[d]) dx[offsetOf(shape, [...outer, index, ...inner])] += dy[k];
        k++;
      }
  return dx;
}

/** x along dimension d and, where there are two, the next one, multiplied by matrices as kernels/resample has them. */
export function resample(
  x: Float64Array,
  shape: Index,
  to: Index,
  d: number,
  tables: readonly ArrayLike<number>[],
): Float64Array {
  const asNumber = (bits: number) => new Float32Array(Uint32Array.of(bits).buffer)[0];
  const entries = (table: ArrayLike<number>, row: number) => {
    const found: [number, number][] = [];
    for (let k = table[row]; k < table[row + 1]; k += 2) found.push([table[k], asNumber(table[k + 1])]);
    return found;
  };
  return over(to, (at) => {
    let sum = 0;
    for (const [i, w] of entries(tables[0], at[d])) {
      if (tables.length === 1)
        sum +=
          w *
          x[
            offsetOf(
              shape,
              at.map((v, k) => (k === d ? i : v)),
            )
          ];
      else
        for (const [j, u] of entries(tables[1], at[d + 1]))
          sum +=
            w *
            u *
            x[
              offsetOf(
                shape,
                at.map((v, k) => (k === d ? i : k === d + 1 ? j : v)),
              )
            ];
    }
    return sum;
  });
}
