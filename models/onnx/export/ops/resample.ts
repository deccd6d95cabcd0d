import { constantArray, input } from '../../../../engine/ops/leaves.ts';
import { resize, type ResizeOptions } from '../../../../engine/ops/resize.ts';
import type { Tensor } from '../../../../engine/tensor.ts';
import { physical } from '../../layout.ts';
import { plainOrder } from '../../value.ts';
import type { Attributes, Placed, Ref, Written } from '../draft.ts';
import type { GraphWriter } from '../writer.ts';
import { NCHW } from './windows.ts';

/** The sparse matrices of `resample`, as engine/ops/resample.ts has them. */
interface Resampling {
  readonly axis: number;
  readonly matrices: readonly { readonly rows: number; readonly columns: number }[];
}

/** Products with sparse matrices along one axis, or along two: what resizing, gathering and padding become. */
export function writeResample(w: GraphWriter, t: Tensor): Written {
  const mode = resizeOf(t);
  if (mode) return writeResize(w, t, mode);
  const { axis, matrices } = t.attrs as unknown as Resampling;
  const x = w.placed(w.of(t.inputs[0]));
  return matrices.reduce((y, { rows, columns }, k) => {
    const table = constantArray(t.inputs[1 + k]) as Uint32Array;
    return alongAxis(w, y, axis + k, { table, rows, columns });
  }, x);
}

interface Sparse {
  readonly table: Uint32Array;
  readonly rows: number;
  readonly columns: number;
}

/** x times a matrix along an axis: entries that are picked, or sums of them. */
function alongAxis(w: GraphWriter, x: Placed, axis: number, { table, rows, columns }: Sparse): Placed {
  const shape = x.shape.map((n, d) => (d === axis ? rows : n));
  const weights = new Float32Array(table.buffer, table.byteOffset, table.length);
  const picks = Array.from({ length: rows }, (_, r) => table[r]).every(
    (at, r) => table[r + 1] === at + 1 && weights[at + 1] === 1,
  );
  if (picks) {
    const indices = Array.from({ length: rows }, (_, r) => table[table[r]]);
    const ref = w.node('Gather', [x.ref, w.ints(indices)], physical(shape, x.order), { axis: x.order.indexOf(axis) });
    return { kind: 'placed', shape, order: x.order, ref };
  }
  const matrix = new Float32Array(columns * rows);
  for (let r = 0; r < rows; r++)
    for (let at = table[r]; at < table[r + 1]; at += 2) matrix[table[at] * rows + r] += weights[at + 1];
  const order = [...x.order.filter((d) => d !== axis), axis];
  const ref = w.node('MatMul', [w.arranged(x, order), w.floats(matrix, [columns, rows])], physical(shape, order));
  return { kind: 'placed', shape, order, ref };
}

/** The ways of ONNX's Resize that opset 17 knows. */
const MODES: readonly Omit<ResizeOptions, 'size'>[] = (
  ['asymmetric', 'half_pixel', 'align_corners', 'pytorch_half_pixel'] as const
).flatMap((coordinates) => [
  ...(['floor', 'round_prefer_floor', 'round_prefer_ceil', 'ceil'] as const).map((rounding) => ({
    method: 'nearest' as const,
    coordinates,
    rounding,
  })),
  { method: 'linear', coordinates },
  ...[false, true].map((excludeOutside) => ({ method: 'cubic' as const, coordinates, excludeOutside })),
]);

/** How a Resize of images does the same, or undefined where it cannot. */
function resizeOf(t: Tensor): Omit<ResizeOptions, 'size'> | undefined {
  const { axis, matrices } = t.attrs as unknown as Resampling;
  const [, height, width] = t.inputs[0].shape;
  if (t.shape.length !== 4 || axis < 1 || axis + matrices.length > 3) return undefined;
  const x = input('x', [1, height, width, 1]);
  const size = [t.shape[1], t.shape[2]] as const;
  return MODES.find((mode) => {
    const y = resize(x, { ...mode, size });
    return (
      y.op.name === t.op.name &&
      y.inputs[0] === x &&
      y.attrs['axis'] === axis &&
      [1, 2].every((k) => String(constantArray(y.inputs[k])) === String(constantArray(t.inputs[k])))
    );
  });
}

function writeResize(w: GraphWriter, t: Tensor, mode: Omit<ResizeOptions, 'size'>): Placed {
  const x = w.arranged(w.of(t.inputs[0]), NCHW);
  const dims = physical(t.shape, NCHW);
  const { method, coordinates, rounding, excludeOutside } = mode;
  const attributes: Attributes = {
    mode: { text: method },
    coordinate_transformation_mode: { text: coordinates },
    ...(rounding && { nearest_mode: { text: rounding } }),
    ...(excludeOutside && { exclude_outside: 1 }),
  };
  return {
    kind: 'placed',
    shape: t.shape,
    order: NCHW,
    ref: w.node('Resize', [x, undefined, ...sizeInputs(w, x, dims)], dims, attributes),
  };
}

/** Scales where they give these lengths, whatever the batch; else the lengths. */
function sizeInputs(w: GraphWriter, { dims: from }: Ref, to: readonly number[]): (Ref | undefined)[] {
  const scales = to.map((n, i) => Math.fround(n / from[i]));
  // Runtimes multiply in f32 or in f64.
  const gives = (s: number, n: number, length: number) =>
    [s * n, Math.fround(s * n)].every((v) => Math.floor(v) === length);
  if (scales.every((s, i) => gives(s, from[i], to[i]))) return [w.floats(scales, [4])];
  return [undefined, w.shapeValue(to)];
}

/** Entries at indices that are computed. */
export function writeGather(w: GraphWriter, t: Tensor): Written {
  const { axis } = t.attrs as { axis: number };
  const [x, indices] = t.inputs.map((each) => w.arranged(w.of(each)));
  const order = plainOrder(t.shape.length);
  return { kind: 'placed', shape: t.shape, order, ref: w.node('Gather', [x, indices], t.shape, { axis }) };
}
