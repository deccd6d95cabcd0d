import { copyWindow } from '../../kernels/copy/copy.ts';
import { defineOp } from '../op.ts';
import { shapeError, sizeOf, type Tensor } from '../tensor.ts';

// y[...] = x[index, ...]
export const rowOp = defineOp<'x', { index: number }>({
  name: 'row',
  inputs: ['x'],
  shape([x], { index }) {
    if (!(Number.isInteger(index) && index >= 0 && index < (x.shape[0] ?? 0)))
      shapeError('row', `there is no row ${index}`, x);
    return x.shape.slice(1);
  },
  vjp: ({ x }, dy, { index }) => ({ x: () => placeRow(dy, index, x.shape[0]) }),
  lower: ({ inputs: [x], output, attrs, in: from, out }) => [
    { launch: copyWindow(output.size, x.size, attrs.index * output.size), buffers: { x: from(0), out: out() } },
  ],
});

// y[r, ...] = x[...] for r = index, else 0
const placeRowOp = defineOp<'x', { index: number; rows: number }>({
  name: 'place_row',
  inputs: ['x'],
  shape: ([x], { rows }) => [rows, ...x.shape],
  vjp: (_, dy, { index }) => ({ x: () => row(dy, index) }),
  lower: ({ inputs: [x], output, attrs, in: from, out }) => [
    { launch: copyWindow(output.size, x.size, -attrs.index * sizeOf(x.shape)), buffers: { x: from(0), out: out() } },
  ],
});

/** x[index]: one entry of the first dimension, which disappears. */
export const row = (x: Tensor, index: number): Tensor => rowOp([x], { index });
const placeRow = (x: Tensor, index: number, rows: number): Tensor => placeRowOp([x], { index, rows });
