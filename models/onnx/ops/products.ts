import { reshape } from '../../../engine/ops/leaves.ts';
import { matmul } from '../../../engine/ops/matmul.ts';
import { add, mul } from '../../../engine/ops/pointwise.ts';
import type { Tensor } from '../../../engine/tensor.ts';
import { transposed } from '../../weight_layouts.ts';
import { sizeOf, strided, stridesOf } from '../fold_arrays.ts';
import { arranged, computed, liesAs, physical, plain, reshaped, settle } from '../layout.ts';
import type { Lowering, OnnxOp } from '../lowering.ts';
import type { Use } from '../parameters.ts';
import { plainOrder, type Computed, type Constant } from '../value.ts';

/** In which order the rows of a matrix stand, whose factor was not transposed before it was flattened. */
type Pending = NonNullable<Computed['pending']>;

/** The factor x [N, ...] was flattened behind its first axis only: then rows of a matrix can be exchanged instead. */
const exchangesRows = ({ pending, shape }: Computed): boolean =>
  pending !== undefined && shape.length === 2 && pending.shape[0] === shape[0] && pending.order[0] === 0;

/** A matrix as [in, out], its rows as the factor's elements lie. */
function denseUse(l: Lowering, c: Constant, transposes: boolean, pending?: Pending): Use {
  const [rows, columns] = transposes ? [c.shape[1], c.shape[0]] : c.shape;
  const straight = (w: Float32Array) => (transposes ? transposed(w, c.shape) : w);
  const how = transposes ? 'transposed' : '';
  if (!pending) return { kind: 'dense', shape: [rows, columns], how, arrange: straight };
  // Without the batch: axis i of `order` is axis i - 1 of the rest.
  const lengths = pending.shape.slice(1);
  const order = pending.order.slice(1).map((axis) => axis - 1);
  const strides = stridesOf([...lengths, columns]);
  const shape = [...physical(lengths, order), columns];
  const exchanged = (w: Float32Array) =>
    strided(l.node, straight(w), shape, [...physical(strides, order), 1]) as Float32Array;
  return { kind: 'dense', shape: [rows, columns], how: `${how} rows ${shape} ${order}`, arrange: exchanged };
}

/** x [..., K] times a matrix of weights, in whatever order the axes before the last one lie. */
function timesWeights(l: Lowering, given: Computed, transposes: boolean): Computed | undefined {
  const value = l.value(1);
  if (value.kind !== 'constant' || value.shape.length !== 2) return undefined;
  const keeps = exchangesRows(given);
  const x = keeps ? given : settle(given);
  const rank = x.shape.length;
  if (rank < 2) return undefined;
  const [rows, columns] = transposes ? [value.shape[1], value.shape[0]] : value.shape;
  if (x.shape[rank - 1] !== rows)
    l.node.fail(`[${x.shape.join(', ')}] times [${rows}, ${columns}]: the inner dimensions differ`);
  const w = l.weightsAs(1, (c) => denseUse(l, c, transposes, keeps ? x.pending : undefined))!;
  const order = [...x.order.filter((axis) => axis !== rank - 1), rank - 1];
  const tensor = keeps ? x.tensor : arranged(x, order);
  const y = matmul(reshape(tensor, [tensor.size / rows, rows]), w);
  const shape = [...x.shape.slice(0, -1), columns];
  return computed(reshape(y, physical(shape, order)), shape, order, x.type);
}

function product(l: Lowering): Computed {
  const fast = timesWeights(l, l.computed(0), false);
  if (fast) return fast;
  const [a, b] = [settle(l.computed(0)), settle(l.computed(1))];
  // A vector is a matrix of one row, or of one column behind.
  const wide = a.shape.length === 1 ? reshaped(a, [1, ...a.shape]) : a;
  const tall = b.shape.length === 1 ? reshaped(b, [...b.shape, 1]) : b;
  const [left, right] = [matrices(wide), matrices(tall)];
  const y = matmul(left.tensor, right.tensor, { transposeA: left.transposed, transposeB: right.transposed });
  const shape = [...y.shape];
  if (b.shape.length === 1) shape.splice(-1, 1);
  if (a.shape.length === 1) shape.splice(b.shape.length === 1 ? -1 : -2, 1);
  return computed(reshape(y, shape), shape, undefined, a.type);
}

/** Matrices as they lie, where rows and columns lie exchanged at most. */
function matrices(value: Computed): { tensor: Tensor; transposed: boolean } {
  const rank = value.shape.length;
  const swapped = [...plainOrder(rank).slice(0, -2), rank - 1, rank - 2];
  const transposed = !liesAs(value, plainOrder(rank)) && liesAs(value, swapped);
  return { tensor: arranged(value, transposed ? swapped : plainOrder(rank)), transposed };
}

/** alpha · A · B + beta · C, where A and B may be transposed. */
function gemm(l: Lowering): Computed {
  const { node } = l;
  const given = l.computed(0);
  const [transposeA, transposeB] = [node.int('transA', 0) !== 0, node.int('transB', 0) !== 0];
  const fast = transposeA ? undefined : timesWeights(l, given, transposeB);
  const y = fast?.tensor ?? matmul(plain(settle(given)), plain(l.computed(1)), { transposeA, transposeB });
  const scaled = times(y, node.float('alpha', 1));
  const c = l.inputs[2];
  const beta = node.float('beta', 1);
  if (c === undefined || beta === 0) return computed(scaled, y.shape, undefined, given.type);
  return computed(add(scaled, times(addend(l, c.shape), beta)), y.shape, undefined, given.type);
}

const times = (x: Tensor, by: number): Tensor => (by === 1 ? x : mul(x, by));

/** C of a Gemm: a vector of weights where it is one, for all rows. */
function addend(l: Lowering, shape: readonly number[]): Tensor {
  const isRow = shape.length >= 1 && sizeOf(shape) === shape[shape.length - 1];
  return isRow ? l.vector(2, 'bias')! : arranged(l.computed(2), plainOrder(shape.length));
}

export const productOps = (): Readonly<Record<string, OnnxOp>> => ({
  MatMul: { lower: product, takesPending: true },
  Gemm: { lower: gemm, takesPending: true },
});
