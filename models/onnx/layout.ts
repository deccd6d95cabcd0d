import { reshape } from '../../engine/ops/leaves.ts';
import { transpose } from '../../engine/ops/transpose.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { plainOrder, type Computed, type OnnxType } from './value.ts';

/** Lengths of the tensor's dimensions, of a value of this shape in this order of axes. */
export const physical = (shape: readonly number[], order: readonly number[]): number[] =>
  order.map((axis) => shape[axis]);

/** A value that lies in this order of axes. */
export const computed = (
  tensor: Tensor,
  shape: readonly number[],
  order: readonly number[] = plainOrder(shape.length),
  type: OnnxType = 'float',
): Computed => ({ kind: 'computed', type, shape, order, tensor });

/** The value with its tensor in this order of axes; moves elements only where axes longer than 1 change places. */
export function arranged(value: Computed, order: readonly number[]): Tensor {
  const settled = settle(value);
  const { shape, order: from, tensor } = settled;
  if (liesAs(settled, order)) return reshape(tensor, physical(shape, order));
  const long = (axes: readonly number[]) => axes.filter((axis) => shape[axis] !== 1);
  const [old, wanted] = [long(from), long(order)];
  // Without the axes of length 1 the permutation is shorter.
  const moved = transpose(
    reshape(tensor, physical(shape, old)),
    wanted.map((axis) => old.indexOf(axis)),
  );
  return reshape(moved, physical(shape, order));
}

/** The tensor in ONNX's own order of axes. */
export const plain = (value: Computed): Tensor => arranged(value, plainOrder(value.shape.length));

/** The value with its pending transposition done. */
export function settle(value: Computed): Computed {
  const { pending, tensor, shape, type } = value;
  if (!pending) return value;
  const before = computed(reshape(tensor, physical(pending.shape, pending.order)), pending.shape, pending.order);
  return computed(reshape(plain(before), shape), shape, plainOrder(shape.length), type);
}

/** The value with axes of length 1 in front, up to `rank`. */
export function extended(value: Computed, rank: number): Computed {
  const { shape, order, tensor, type } = settle(value);
  const more = rank - shape.length;
  if (more === 0) return settle(value);
  const ones = Array<number>(more).fill(1);
  const wider = [...plainOrder(more), ...order.map((axis) => axis + more)];
  return computed(reshape(tensor, [...ones, ...tensor.shape]), [...ones, ...shape], wider, type);
}

/** The value without some axes of length 1. */
export function dropped(value: Computed, axes: readonly number[]): Computed {
  const { shape, order, tensor, type } = settle(value);
  const kept = plainOrder(shape.length).filter((axis) => !axes.includes(axis));
  const rest = order.filter((axis) => !axes.includes(axis)).map((axis) => kept.indexOf(axis));
  const left = kept.map((axis) => shape[axis]);
  return computed(reshape(tensor, physical(left, rest)), left, rest, type);
}

/**
 * The order of axes in which the tensor of a value already has another shape, or undefined where elements would have to
 * move first. Axes that are merged must lie one behind the other.
 */
export function reshapedOrder(
  shape: readonly number[],
  order: readonly number[],
  target: readonly number[],
): number[] | undefined {
  const lies = order.filter((axis) => shape[axis] !== 1);
  // Runs of axes that hold the same elements before and after, in ONNX's order.
  const groups: { first: number; axes: number[] }[] = [];
  let [i, j] = [0, 0];
  while (i < shape.length || j < target.length) {
    const ins: number[] = [];
    const outs: number[] = [];
    let [a, b] = [1, 1];
    do {
      if (a <= b && i < shape.length) {
        if (shape[i] !== 1) ins.push(i);
        a *= shape[i++];
      } else {
        if (target[j] !== 1) outs.push(j);
        b *= target[j++];
      }
    } while (a !== b);
    if (ins.length === 0) continue;
    const first = lies.indexOf(ins[0]);
    if (ins.some((axis, k) => lies[first + k] !== axis)) return undefined;
    groups.push({ first, axes: outs });
  }
  const result = groups.sort((p, q) => p.first - q.first).flatMap(({ axes }) => axes);
  // Axes of length 1 lie anywhere: behind the one before them.
  target.forEach((length, axis) => {
    if (length === 1) result.splice(axis === 0 ? 0 : result.indexOf(axis - 1) + 1, 0, axis);
  });
  return result;
}

/** The value under another shape; where its elements would have to move first, that is left pending. */
export function reshaped(value: Computed, target: readonly number[]): Computed {
  const { shape, order, tensor, type } = settle(value);
  const found = reshapedOrder(shape, order, target);
  if (found) return computed(reshape(tensor, physical(target, found)), target, found, type);
  return { ...computed(reshape(tensor, target), target, undefined, type), pending: { shape, order } };
}

/** Whether the value lies in this order of axes already, but for those of length 1. */
export function liesAs({ shape, order, pending }: Computed, wanted: readonly number[]): boolean {
  const long = (axes: readonly number[]) => axes.filter((axis) => shape[axis] !== 1);
  return !pending && long(order).join() === long(wanted).join();
}
