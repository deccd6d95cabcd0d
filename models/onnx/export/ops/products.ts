import type { Tensor } from '../../../../engine/tensor.ts';
import { sizeOf } from '../../fold_arrays.ts';
import { physical } from '../../layout.ts';
import { plainOrder } from '../../value.ts';
import type { Placed, Ref, Written } from '../draft.ts';
import type { GraphWriter } from '../writer.ts';

/** A product of matrices. */
export function writeMatmul(w: GraphWriter, t: Tensor): Written {
  const [x, y] = t.inputs.map((each) => w.of(each));
  const { transposeA = false, transposeB = false } = t.attrs as { transposeA?: boolean; transposeB?: boolean };
  const { shape } = t;
  const order = plainOrder(shape.length);
  const exchanged = transposeA || transposeB ? undefined : withExchangedRows(w, x, y);
  const [a, b] = exchanged ?? [w.arranged(x), w.arranged(y)];
  if (!transposeA && !transposeB) return { kind: 'placed', shape, order, ref: w.node('MatMul', [a, b], shape) };
  if (shape.length > 2) return batchedTransposed(w, t, a, b);
  const attributes = { ...(transposeA && { transA: 1 }), ...(transposeB && { transB: 1 }) };
  return { kind: 'placed', shape, order, ref: w.node('Gemm', [a, b], shape, attributes) };
}

function batchedTransposed(w: GraphWriter, t: Tensor, a: Ref, b: Ref): Written {
  const { transposeA = false, transposeB = false } = t.attrs as { transposeA?: boolean; transposeB?: boolean };
  const turned = (ref: Ref) => {
    const rank = ref.dims.length;
    return w.transpose(ref, [...plainOrder(rank - 2), rank - 1, rank - 2]);
  };
  const ref = w.node('MatMul', [transposeA ? turned(a) : a, transposeB ? turned(b) : b], t.shape);
  return { kind: 'placed', shape: t.shape, order: plainOrder(t.shape.length), ref };
}

/**
 * An image that was flattened to rows [N, H·W·C], times a matrix of weights: ONNX flattens [N, C, H, W], so that the
 * matrix's rows stand in another order.
 */
function withExchangedRows(w: GraphWriter, x: Written, y: Written): [Ref, Ref] | undefined {
  if (x.kind !== 'placed' || !x.pending || y.kind !== 'known' || typeof y.data === 'number') return undefined;
  const { shape, order } = x.pending;
  const [rows, columns] = y.shape;
  if (x.shape.length !== 2 || y.shape.length !== 2 || order[0] !== 0 || shape[0] !== x.shape[0]) return undefined;
  const matrix = { ...y, shape: [...shape.slice(1), columns] };
  // Without the batch: dimension i of the image is dimension i - 1 of the rows.
  const rowOrder = [...order.slice(1).map((axis) => axis - 1), shape.length - 1];
  return [x.ref, w.filedIn(matrix, rowOrder, [rows, columns])];
}

/** Ops of which a vector of numbers, one a channel, is a third input. */
const TAKE_BIAS = ['Conv', 'ConvTranspose', 'MatMul', 'Gemm'];

/** x + a as the bias of the convolution or product that x is; undefined where it is none. */
export function withBias(w: GraphWriter, t: Tensor, x: Tensor, a: Tensor): Placed | undefined {
  const [product, bias] = [w.of(x), w.of(a)];
  if (product.kind !== 'placed' || bias.kind !== 'known' || typeof bias.data === 'number') return undefined;
  const { node } = product.ref;
  const channels = t.shape[t.shape.length - 1];
  const isRow = bias.shape[bias.shape.length - 1] === channels && sizeOf(bias.shape) === channels;
  const fits = node && TAKE_BIAS.includes(node.op) && node.inputs.length === 2 && w.isInner(x);
  if (!fits || !isRow || (node.op === 'MatMul' && node.inputs.some((each) => each?.dims.length !== 2)))
    return undefined;
  const vector = w.filedIn(bias, plainOrder(bias.shape.length), [channels]);
  const op = node.op === 'MatMul' ? 'Gemm' : node.op;
  const ref = w.node(op, [...node.inputs, vector], physical(t.shape, product.order), node.attributes, node.name);
  return { ...product, shape: t.shape, ref };
}
