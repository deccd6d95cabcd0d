import { run } from '../../kernels/copy/copy.ts';
import { fill } from '../../kernels/pointwise/pointwise.ts';
import { defineOp } from '../op.ts';
import { shapeError, type Tensor } from '../tensor.ts';
import { copySteps } from './copy.ts';

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
  lower: (context) => copySteps(context, run(context.output.size, context.attrs.index * context.output.size)),
});

// y[r, ...] = x[...] for r = index, else 0
const placeRowOp = defineOp<'x', { index: number; rows: number }>({
  name: 'place_row',
  inputs: ['x'],
  shape: ([x], { rows }) => [rows, ...x.shape],
  vjp: (_, dy, { index }) => ({ x: () => row(dy, index) }),
  lower: (context) => {
    const { inputs, attrs, output, out } = context;
    const [{ size }] = inputs;
    return [
      { launch: fill(output.size, 0), buffers: { out: out() } },
      ...copySteps(context, run(size, 0, attrs.index * size)),
    ];
  },
});

/** x[index]: one entry of the first dimension, which disappears. */
export const row = (x: Tensor, index: number): Tensor => rowOp([x], { index });
const placeRow = (x: Tensor, index: number, rows: number): Tensor => placeRowOp([x], { index, rows });
