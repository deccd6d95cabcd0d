import { copyWindow } from '../../kernels/copy/copy.ts';
import { defineOp } from '../op.ts';
import { shapeError, type Tensor } from '../tensor.ts';

const widthOf = (x: Tensor): number => x.shape[x.shape.length - 1] ?? 0;

// y[..., i] = x[..., from + i] for i < count
const columnsOp = defineOp<'x', { from: number; count: number }>({
  name: 'columns',
  inputs: ['x'],
  shape([x], { from, count }) {
    if (!(Number.isInteger(from) && Number.isInteger(count) && from >= 0 && count > 0 && from + count <= widthOf(x)))
      shapeError('columns', `there are no ${count} columns from ${from} on`, x);
    return [...x.shape.slice(0, -1), count];
  },
  vjp: ({ x }, dy, { from }) => ({ x: () => placeColumns(dy, from, widthOf(x)) }),
  lower: ({ inputs: [x], attrs: { from: first, count }, in: from, out }) => [
    { launch: copyWindow(count, widthOf(x), first, x.size / widthOf(x)), buffers: { x: from(0), out: out() } },
  ],
});

// y[..., c] = x[..., c − from] for from <= c < from + the columns of x, else 0
const placeColumnsOp = defineOp<'x', { from: number; width: number }>({
  name: 'place_columns',
  inputs: ['x'],
  shape([x], { from, width }) {
    if (!(Number.isInteger(from) && from >= 0 && widthOf(x) > 0 && from + widthOf(x) <= width))
      shapeError('place_columns', `${widthOf(x)} columns from ${from} on do not fit into ${width}`, x);
    return [...x.shape.slice(0, -1), width];
  },
  vjp: ({ x }, dy, { from }) => ({ x: () => columns(dy, from, widthOf(x)) }),
  lower: ({ inputs: [x], attrs: { from: first, width }, in: from, out }) => [
    { launch: copyWindow(width, widthOf(x), -first, x.size / widthOf(x)), buffers: { x: from(0), out: out() } },
  ],
});

/** `count` entries of the last dimension from `from` on. */
export const columns = (x: Tensor, from: number, count: number): Tensor => columnsOp([x], { from, count });
/** The adjoint of `columns`: x among zeros, from column `from` on, in a last dimension of `width`. */
export const placeColumns = (x: Tensor, from: number, width: number): Tensor => placeColumnsOp([x], { from, width });
