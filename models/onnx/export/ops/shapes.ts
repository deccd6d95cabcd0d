import type { Tensor } from '../../../../engine/tensor.ts';
import { physical } from '../../layout.ts';
import { plainOrder } from '../../value.ts';
import type { Placed, Ref, Written } from '../draft.ts';
import { permuted, type GraphWriter } from '../writer.ts';

/** Of a dimension that grows with the batch: to its end. */
const TO_THE_END = 2 ** 31 - 1;

export const writeReshape = (w: GraphWriter, t: Tensor): Written => w.reshaped(w.of(t.inputs[0]), t.shape);

export const writeSame = (w: GraphWriter, t: Tensor): Written => w.of(t.inputs[0]);

/** Transposing is renaming: elements move where a node asks for another order. */
export function writeTranspose(w: GraphWriter, t: Tensor): Written {
  const { perm } = t.attrs as { perm: readonly number[] };
  const x = w.of(t.inputs[0]);
  const { shape } = t;
  if (x.kind === 'known')
    return { ...x, shape, data: typeof x.data === 'number' ? x.data : permuted(x.data, x.shape, perm) };
  const { order, ref } = w.settle(x);
  return { kind: 'placed', shape, order: order.map((axis) => perm.indexOf(axis)), ref };
}

/** A node that keeps the order of dimensions in which its input lies; `attributes` and inputs by that order. */
// biome-ignore lint/complexity/useMaxParams: the last three are those of a node
export const keeping = (
  w: GraphWriter,
  t: Tensor,
  x: Placed,
  op: string,
  inputs: readonly Ref[],
  attributes: Readonly<Record<string, number | readonly number[]>> = {},
): Placed => ({
  kind: 'placed',
  shape: t.shape,
  order: x.order,
  ref: w.node(op, [x.ref, ...inputs], physical(t.shape, x.order), attributes),
});

/** Some of the elements along each dimension. */
export function writeSlice(w: GraphWriter, t: Tensor): Written {
  const { starts, steps } = t.attrs as { starts: readonly number[]; steps: readonly number[] };
  const x = w.placed(w.of(t.inputs[0]));
  const isCut = (d: number) => t.shape[d] !== x.shape[d] || steps[d] !== 1 || starts[d] !== 0;
  const cut = plainOrder(t.shape.length).filter(isCut);
  const ends = cut.map((d) => {
    if (w.grows(x.shape[d])) return endOfBatch(w, t, starts[d], steps[d], d);
    const end = starts[d] + t.shape[d] * steps[d];
    // Before the first element: no count from the end can say so.
    return end < 0 ? -TO_THE_END : end;
  });
  const places = cut.map((d) => x.order.indexOf(d));
  const lists = [cut.map((d) => starts[d]), ends, places, cut.map((d) => steps[d])];
  return keeping(
    w,
    t,
    x,
    'Slice',
    lists.map((list) => w.ints(list)),
  );
}

/** Of the batch all is taken, or so many from the first. */
function endOfBatch(w: GraphWriter, t: Tensor, start: number, step: number, d: number): number {
  if (step < 0 || start >= w.batch) return w.refuse(t, 'slice along the batch');
  return w.grows(t.shape[d]) ? TO_THE_END : start + t.shape[d] * step;
}

/** One entry of the first dimension, which disappears. */
export function writeRow(w: GraphWriter, t: Tensor): Written {
  const { index } = t.attrs as { index: number };
  const x = w.of(t.inputs[0]);
  if (w.grows(x.shape[0])) return w.refuse(t, 'row of the batch');
  const order = plainOrder(x.shape.length);
  const ref = w.node('Gather', [w.arranged(x, order), w.ints([index], [])], t.shape, { axis: 0 });
  return { kind: 'placed', shape: t.shape, order: plainOrder(t.shape.length), ref };
}

/** x among places of one number. */
export function writePlace(w: GraphWriter, t: Tensor): Written {
  const { starts, steps, value } = t.attrs as {
    starts: readonly number[];
    steps: readonly number[];
    value: number;
  };
  if (steps.some((step) => step !== 1)) return w.refuse(t, 'pad in steps');
  const x = w.placed(w.of(t.inputs[0]));
  const after = t.shape.map((n, d) => n - x.shape[d] - starts[d]);
  if (after.some((n, d) => w.grows(t.shape[d]) && (n !== 0 || starts[d] !== 0))) return w.refuse(t, 'pad of the batch');
  const pads = [...physical(starts, x.order), ...physical(after, x.order)];
  return keeping(w, t, x, 'Pad', [w.ints(pads), w.scalar(value)]);
}

/** Parts one after the other, in the order of dimensions of the first that is computed. */
export function writeConcat(w: GraphWriter, t: Tensor): Written {
  const { axis } = t.attrs as { axis: number };
  const parts = t.inputs.map((each) => w.of(each));
  const first = parts.find((part) => part.kind === 'placed');
  const order = first?.kind === 'placed' ? w.settle(first).order : plainOrder(t.shape.length);
  const refs = parts.map((part) => w.arranged(part, order));
  const ref = w.node('Concat', refs, physical(t.shape, order), { axis: order.indexOf(axis) });
  return { kind: 'placed', shape: t.shape, order, ref };
}

/** Repeated along dimensions of length 1. */
export function writeBroadcast(w: GraphWriter, t: Tensor): Written {
  const { scale } = t.attrs as { scale: number };
  const value = w.of(t.inputs[0]);
  if (value.kind === 'known' && typeof value.data === 'number')
    return { ...value, shape: t.shape, data: value.data * scale };
  const x = w.placed(value);
  const ref = w.repeated(x.ref, physical(t.shape, x.order));
  const scaled = scale === 1 ? ref : w.node('Mul', [ref, w.scalar(scale)], ref.dims);
  return { kind: 'placed', shape: t.shape, order: x.order, ref: scaled };
}
