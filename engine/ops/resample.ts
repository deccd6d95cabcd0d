import * as kernels from '../../kernels/resample/resample.ts';
import { defineOp, type Op } from '../op.ts';
import { sizeOf, type Shape, type Tensor } from '../tensor.ts';
import { constant, constantArray } from './leaves.ts';
import { isIdentity, packRows, transposeRows, type SparseRow, type SparseRows } from './sparse_rows.ts';

/** The axes `axis` and, where there are two, `axis + 1`, and the matrices they are multiplied by, without words. */
interface Resampling {
  readonly axis: number;
  readonly matrices: readonly Omit<SparseRows, 'words'>[];
}

const ALONE = packRows([[[0, 1]]], 1);

const resampledShape = (shape: Shape, { axis, matrices }: Resampling): number[] =>
  shape.map((d, i) => matrices[i - axis]?.rows ?? d);

// y[.., r, s, ..] = Σ_{a,b} down[r, a] · across[s, b] · x[.., a, b, ..]
const resampleOp: Op<Resampling> = defineOp<'x' | 'down' | 'across', Resampling>({
  name: 'resample',
  inputs: ['x', 'down', 'across'],
  takes: { down: 'u32', across: 'u32' },
  shape: ([x], attrs) => resampledShape(x.shape, attrs),
  vjp({ down, across }, dy, { axis, matrices }) {
    const words = [down, across].map((t) => constantArray(t) as Uint32Array);
    const turned = () => matrices.map((matrix, k) => transposeRows({ ...matrix, words: words[k] }));
    return { x: () => resampleAxes(dy, axis, turned()) };
  },
  lower: ({ inputs: [x], attrs: { axis, matrices }, capabilities, in: from, out }) => {
    const [down, across = ALONE] = matrices;
    const size = {
      outer: sizeOf(x.shape.slice(0, axis)),
      inner: sizeOf(x.shape.slice(axis + matrices.length)),
      rows: down.rows,
      xRows: down.columns,
      columns: across.rows,
      xColumns: across.columns,
    };
    const launch = kernels.resample(size, capabilities.software);
    return [{ launch, buffers: { x: from(0), down: from(1), across: from(2), out: out() } }];
  },
});

/** The most products behind a number for which two axes are cheaper at once than one after the other. */
const MOST_AT_ONCE = 16;

/** x multiplied by sparse matrices along an axis, or along it and the next one. */
function resampleAxes(x: Tensor, axis: number, matrices: readonly SparseRows[]): Tensor {
  const [down, across] = matrices;
  if (across && down.most * across.most > MOST_AT_ONCE) {
    // What makes it smaller first.
    const isDownFirst = down.rows * across.columns <= down.columns * across.rows;
    const [first, second] = isDownFirst ? [0, 1] : [1, 0];
    return resampleAxes(resampleAxes(x, axis + first, [matrices[first]]), axis + second, [matrices[second]]);
  }
  const tables = [down, across ?? ALONE].map(({ words }) => constant(words, [words.length]));
  return resampleOp([x, ...tables], { axis, matrices: matrices.map(({ words: _, ...sizes }) => sizes) });
}

/** x multiplied along some axes by matrices, given by their rows; an identity costs nothing. */
export function resample(x: Tensor, rowsOf: ReadonlyMap<number, readonly SparseRow[]>): Tensor {
  const axes = [...rowsOf.keys()].filter((axis) => !isIdentity(rowsOf.get(axis)!, x.shape[axis])).sort((a, b) => a - b);
  const packed = (axis: number) => packRows(rowsOf.get(axis)!, x.shape[axis]);
  let y = x;
  while (axes.length > 0) {
    const axis = axes.shift()!;
    const isPair = axes[0] === axis + 1;
    if (isPair) axes.shift();
    y = resampleAxes(y, axis, isPair ? [packed(axis), packed(axis + 1)] : [packed(axis)]);
  }
  return y;
}
