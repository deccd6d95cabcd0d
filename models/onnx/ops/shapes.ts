import { constant } from '../../../engine/ops/leaves.ts';
import { dropout } from '../../../engine/ops/random.ts';
import { broadcastTo } from '../../../engine/ops/reduce.ts';
import { axisOf, reshapeTarget } from '../arguments.ts';
import { flattenedShape, permutation, squeezedShape, toldShape, unsqueezedShape } from '../fold.ts';
import { sizeOf } from '../fold_arrays.ts';
import { computed, dropped, reshaped, settle } from '../layout.ts';
import type { Lowering, OnnxOp } from '../lowering.ts';
import { constantOf, type Computed, type Value } from '../value.ts';

/** The same elements under another shape. */
const under = (target: (l: Lowering, shape: readonly number[]) => readonly number[]): OnnxOp => ({
  lower(l) {
    const x = l.computed(0);
    return reshaped(x, target(l, x.shape));
  },
});

/** Transposing is renaming: axis i of the result is axis perm[i]. */
function transposed(l: Lowering): Computed {
  const x = l.computed(0);
  const perm = permutation(l.node, x.shape.length);
  const shape = perm.map((axis) => x.shape[axis]);
  return computed(
    x.tensor,
    shape,
    x.order.map((axis) => perm.indexOf(axis)),
    x.type,
  );
}

/** What is dropped is up to who trains. The mask says that all is kept, as outside of training. */
function droppedOut(l: Lowering): Value[] {
  const { noise } = l.context;
  const x = l.value(0);
  const ones = x.shape.includes(0) ? [] : [computed(broadcastTo(constant(1), x.shape), x.shape, undefined, 'bool')];
  if (!noise || noise.dropout === 0 || x.kind === 'constant') return [x, ...ones];
  return [{ ...x, tensor: dropout(x.tensor, noise.seed, { rate: noise.dropout, stream: l.stream }) }, ...ones];
}

export const shapeOps = (): Readonly<Record<string, OnnxOp>> => ({
  Identity: { takesPending: true, lower: (l) => l.value(0) },
  Dropout: { takesPending: true, lower: droppedOut },
  Shape: { takesPending: true, lower: (l) => toldShape(l.node, l.value(0).shape) },
  Size: { takesPending: true, lower: (l) => constantOf([sizeOf(l.value(0).shape)], []) },
  Reshape: under((l, shape) => reshapeTarget(l.node, l.inputs, shape)),
  Flatten: under(({ node }, shape) => flattenedShape(node, shape)),
  Unsqueeze: under((l, shape) => unsqueezedShape(l.node, l.inputs, shape)),
  Squeeze: {
    lower(l) {
      const x = settle(l.computed(0));
      const left = squeezedShape(l.node, l.inputs, x.shape);
      // Which axes went is told by the lengths: all of them are 1.
      const axes = l.node.ints('axes') ?? l.knownNumbers(1) ?? x.shape.flatMap((n, i) => (n === 1 ? [i] : []));
      const gone = axes.map((axis) => axisOf(l.node, axis, x.shape.length));
      return left.length === x.shape.length ? x : dropped(x, gone);
    },
  },
  Transpose: { lower: transposed },
});
