import { concat } from '../../../engine/ops/concat.ts';
import { cast } from '../../../engine/ops/cast.ts';
import { gather } from '../../../engine/ops/gather.ts';
import { constant, reshape } from '../../../engine/ops/leaves.ts';
import { less, where } from '../../../engine/ops/logic.ts';
import { pad, type Margin } from '../../../engine/ops/pad.ts';
import { add, mul } from '../../../engine/ops/pointwise.ts';
import { broadcastTo } from '../../../engine/ops/reduce.ts';
import { slice, split } from '../../../engine/ops/slice.ts';
import type { Tensor } from '../../../engine/tensor.ts';
import { axesOf, axisOf, commonShape, sliceRanges, splitSizes } from '../arguments.ts';
import { sizeOf, stridesOf } from '../fold_arrays.ts';
import { arranged, computed, dropped, extended, physical, plain, reshaped } from '../layout.ts';
import type { Lowering, OnnxOp } from '../lowering.ts';
import type { Computed, Value } from '../value.ts';

/*
 * Ops that move elements and compute nothing: along axes by their numbers, in whatever order the axes lie.
 */

/** Where axis `axis` of a value lies in its tensor. */
const place = (x: Computed, axis: number): number => x.order.indexOf(axis);

function concatenated(l: Lowering): Computed {
  const values = l.inputs.filter((v): v is Value => v !== undefined && !isEmpty(v));
  const largest = values
    .filter((v) => v.kind === 'computed')
    .reduce<Computed | undefined>((best, v) => (best && best.tensor.size >= v.tensor.size ? best : v), undefined);
  const { order } = largest ?? l.computed(0);
  const parts = values.map((v) => (v.kind === 'computed' ? v : l.constantIn(v, order)));
  const { shape, type } = parts[0];
  const axis = axisOf(l.node, l.node.int('axis', 1), shape.length);
  const y = concat(
    parts.map((part) => arranged(part, order)),
    order.indexOf(axis),
  );
  const length = parts.reduce((n, part) => n + part.shape[axis], 0);
  return computed(
    y,
    shape.map((n, i) => (i === axis ? length : n)),
    order,
    type,
  );
}

const isEmpty = ({ shape }: Value): boolean => shape.includes(0);

function parts(l: Lowering): Computed[] {
  const x = l.computed(0);
  const axis = axisOf(l.node, l.node.int('axis', 0), x.shape.length);
  const sizes = splitSizes(l.node, l.inputs, x.shape[axis]);
  return split(x.tensor, sizes, place(x, axis)).map((tensor, k) =>
    computed(
      tensor,
      x.shape.map((n, i) => (i === axis ? sizes[k] : n)),
      x.order,
      x.type,
    ),
  );
}

function sliced(l: Lowering): Computed {
  const x = l.computed(0);
  const { starts, counts, steps } = sliceRanges(l.node, l.inputs, x.shape);
  if (counts.includes(0))
    l.node.fail(`nothing is left of [${x.shape.join(', ')}], and there are no empty tensors here`);
  const along = (list: readonly number[]) => physical(list, x.order);
  return computed(slice(x.tensor, along(starts), along(counts), along(steps)), counts, x.order, x.type);
}

/** Margins of each axis: begins, then ends. Attributes before opset 11, inputs since. */
function padded(l: Lowering): Computed {
  const { node } = l;
  const x = l.computed(0);
  const rank = x.shape.length;
  const pads = node.ints('pads') ?? l.knownNumbers(1) ?? node.fail('it has no pads');
  const axes = axesOf(node, l.inputs, 3, rank) ?? x.shape.map((_, i) => i);
  if (pads.length !== 2 * axes.length) node.fail(`its pads ${pads.join(', ')} do not fit ${axes.length} axes`);
  const margins: Margin[] = x.shape.map(() => [0, 0]);
  axes.forEach((axis, k) => (margins[axis] = [pads[k], pads[k + axes.length]]));
  const mode = node.text('mode', 'constant');
  if (mode !== 'constant' && mode !== 'reflect' && mode !== 'edge' && mode !== 'wrap')
    return node.fail(`there is no mode ${mode}`);
  const around = x.order.map((axis) => margins[axis]);
  const y = mode === 'constant' ? filled(l, x, around) : pad(x.tensor, around, mode, 0);
  return computed(
    y,
    x.shape.map((n, i) => n + margins[i][0] + margins[i][1]),
    x.order,
    x.type,
  );
}

/** Around it the number that the node says, or that is computed. */
function filled(l: Lowering, x: Computed, margins: readonly Margin[]): Tensor {
  const isComputed = l.inputs[2]?.kind === 'computed';
  const told = l.node.float('value') ?? (isComputed ? undefined : l.knownNumber(2)) ?? 0;
  const y = pad(x.tensor, margins, 'constant', told);
  if (!isComputed) return y;
  const inside = pad(broadcastTo(constant(1), x.tensor.shape), margins, 'constant', 0);
  return where(inside, y, reshape(l.computed(2).tensor, []));
}

function expanded(l: Lowering): Computed {
  const wanted = l.knownNumbers(1) ?? l.node.fail('it has no shape');
  const x = l.computed(0);
  const shape = commonShape(l.node, x.shape, wanted);
  const wide = extended(x, shape.length);
  return computed(broadcastTo(wide.tensor, physical(shape, wide.order)), shape, wide.order, x.type);
}

/** Repeating [d] r times is broadcasting [1, d] to [r, d]. */
function tiled(l: Lowering): Computed {
  const x = l.computed(0);
  const repeats = l.knownNumbers(1) ?? l.node.fail('it has no repeats');
  if (repeats.length !== x.shape.length) l.node.fail(`it repeats ${repeats.length} axes of ${x.shape.length}`);
  const lengths = x.tensor.shape;
  const times = physical(repeats, x.order);
  const wide = reshape(
    x.tensor,
    lengths.flatMap((n) => [1, n]),
  );
  const y = broadcastTo(
    wide,
    lengths.flatMap((n, i) => [times[i], n]),
  );
  const shape = x.shape.map((n, i) => n * repeats[i]);
  return computed(reshape(y, physical(shape, x.order)), shape, x.order, x.type);
}

/** Entries along an axis; indices that are computed must lie in 0 .. length − 1, or count from the end. */
function gathered(l: Lowering): Computed {
  const x = l.computed(0);
  const axis = axisOf(l.node, l.node.int('axis', 0), x.shape.length);
  const at = place(x, axis);
  const indices = l.value(1);
  if (indices.kind === 'computed') return gatheredAt(x, axis, indices);
  const y = gather(x.tensor, [...indices.data], at);
  // The list stands in the place of the axis; a list of lists is one list, taken apart behind.
  const length = indices.data.length;
  const kept = computed(
    y,
    x.shape.map((n, i) => (i === axis ? length : n)),
    x.order,
    x.type,
  );
  const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
  return indices.shape.length === 0 ? dropped(kept, [axis]) : indices.shape.length === 1 ? kept : reshaped(kept, shape);
}

function gatheredAt(x: Computed, axis: number, indices: Computed): Computed {
  const list = plain(indices);
  const counted = where(less(list, 0), add(list, x.shape[axis]), list);
  const y = gather(plain(x), cast(counted, 'u32'), axis);
  return computed(y, [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)], undefined, x.type);
}

/** Elements along an axis, each at a place of its own: of all elements in one list. */
function gatheredEach(l: Lowering): Computed {
  const [x, indices] = [l.computed(0), l.computed(1)];
  const axis = axisOf(l.node, l.node.int('axis', 0), x.shape.length);
  const { shape } = indices;
  if (shape.length !== x.shape.length || shape.some((n, d) => d !== axis && n > x.shape[d]))
    l.node.fail(`its indices [${shape.join(', ')}] do not fit [${x.shape.join(', ')}]`);
  if (x.tensor.size > MOST_EXACT) l.node.fail(`the places of ${x.tensor.size} elements are not exact here`);
  const steps = stridesOf(x.shape);
  const own = Float32Array.from({ length: sizeOf(shape) }, (_, i) =>
    stridesOf(shape).reduce((at, step, d) => (d === axis ? at : at + (Math.floor(i / step) % shape[d]) * steps[d]), 0),
  );
  const list = plain(indices);
  const counted = where(less(list, 0), add(list, x.shape[axis]), list);
  const places = add(mul(counted, steps[axis]), constant(own, shape));
  const y = gather(reshape(plain(x), [x.tensor.size]), cast(places, 'u32'), 0);
  return computed(y, shape, undefined, x.type);
}

/** Whole numbers up to here are exact in f32. */
const MOST_EXACT = 2 ** 24;

export const moveOps = (): Readonly<Record<string, OnnxOp>> => ({
  Concat: { lower: concatenated },
  Split: { lower: parts },
  Slice: { lower: sliced },
  Pad: { lower: padded },
  Expand: { lower: expanded },
  Tile: { lower: tiled },
  Gather: { lower: gathered },
  GatherElements: { lower: gatheredEach },
});
