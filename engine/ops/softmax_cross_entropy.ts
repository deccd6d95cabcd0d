import * as kernels from '../../kernels/softmax_cross_entropy/softmax_cross_entropy.ts';
import { defineOp, type LowerContext } from '../op.ts';
import { checkDType, checkTensors, sameShape, shapeError, type Shape, type Tensor } from '../tensor.ts';
import { axisOf } from './axis.ts';
import { reshape } from './leaves.ts';
import { exp, mul, neg, sub } from './pointwise.ts';
import { sum } from './reduce.ts';
import { transpose } from './transpose.ts';

const classesOf = (x: Tensor): number => x.shape[x.shape.length - 1];
const rowsOf = ({ inputs: [x], capabilities }: LowerContext<object>): kernels.RowSize => ({
  rows: x.size / classesOf(x),
  classes: classesOf(x),
  target: capabilities,
});
const rowSum = (x: Tensor): Tensor => sum(x, [x.shape.length - 1]);

// y[n, k] = exp(x[n, k]) / Σ_j exp(x[n, j]), or its logarithm
const softmaxOp = defineOp<'x', { logarithm: boolean }>({
  name: 'softmax',
  called: ({ logarithm }) => (logarithm ? 'log_softmax' : 'softmax'),
  inputs: ['x'],
  shape([x], { logarithm }): Shape {
    if (x.shape.length === 0 || classesOf(x) === 0)
      shapeError(logarithm ? 'log_softmax' : 'softmax', 'the input must have classes as its last dimension', x);
    return x.shape;
  },
  vjp: ({ y }, dy, { logarithm }) => ({
    x: () => (logarithm ? sub(dy, mul(exp(y), rowSum(dy))) : mul(y, sub(dy, rowSum(mul(dy, y))))),
  }),
  lower: (ctx) => [
    { launch: kernels.softmax(rowsOf(ctx), ctx.attrs.logarithm), buffers: { x: ctx.in(0), out: ctx.out() } },
  ],
});

/** The op takes the last dimension: another one changes places with it, and back. */
function along(x: Tensor, axis: number, logarithm: boolean): Tensor {
  const op = logarithm ? 'log_softmax' : 'softmax';
  checkTensors(op, { x });
  checkDType(op, 'x', x, 'f32');
  const last = x.shape.length - 1;
  if (last < 0) shapeError(op, 'the input must have classes as its last dimension', x);
  const at = axisOf(op, x, axis);
  if (at === last) return softmaxOp([x], { logarithm });
  const exchanged = x.shape.map((_, d) => (d === at ? last : d === last ? at : d));
  return transpose(softmaxOp([transpose(x, exchanged)], { logarithm }), exchanged);
}

/** exp(x) / Σ exp(x) over an axis, the last where not said. */
export const softmax = (x: Tensor, axis = -1): Tensor => along(x, axis, false);
/** The logarithm of `softmax`, exact where that rounds to zero. */
export const logSoftmax = (x: Tensor, axis = -1): Tensor => along(x, axis, true);

// loss[n] = −Σ_k targets[n, k] · log softmax(logits)[n, k]
const lossOp = defineOp<'logits' | 'targets'>({
  name: 'softmax_cross_entropy',
  inputs: ['logits', 'targets'],
  shape([logits, targets]): Shape {
    if (logits.shape.length !== 2 || logits.shape[1] === 0 || !sameShape(logits.shape, targets.shape)) {
      shapeError('softmax_cross_entropy', 'logits and targets must both be [N, K]', logits, targets);
    }
    return [logits.shape[0]];
  },
  vjp: ({ logits, targets }, dLoss) => ({
    logits: () => logitsGradOp([logits, targets, dLoss], {}),
    targets: () => mul(neg(logSoftmax(logits)), reshape(dLoss, [dLoss.size, 1])),
  }),
  lower: (ctx) => [
    { launch: kernels.crossEntropyLoss(rowsOf(ctx)), buffers: { x: ctx.in(0), t: ctx.in(1), out: ctx.out() } },
  ],
});

// dlogits[n, k] = dLoss[n] · (softmax(logits)[n, k] · Σ_j targets[n, j] − targets[n, k])
const logitsGradOp = defineOp<'logits' | 'targets' | 'dLoss'>({
  name: 'softmax_cross_entropy_logits_grad',
  inputs: ['logits', 'targets', 'dLoss'],
  shape: ([logits]) => logits.shape,
  // With p = softmax(logits) and T = Σ_j targets[n, j], its derivative along c is dLoss · T · p · (c − Σ_j c_j·p_j).
  vjp: ({ logits, targets, dLoss }, c) => {
    const p = softmax(logits);
    const perRow = reshape(dLoss, [dLoss.size, 1]);
    const shared = rowSum(mul(c, p));
    return {
      logits: () => mul(mul(p, sub(c, shared)), mul(perRow, rowSum(targets))),
      targets: () => mul(neg(sub(c, shared)), perRow),
      dLoss: () => reshape(sub(mul(shared, rowSum(targets)), rowSum(mul(c, targets))), dLoss.shape),
    };
  },
  lower: (ctx) => [
    {
      launch: kernels.crossEntropyLogitsGrad(rowsOf(ctx)),
      buffers: { x: ctx.in(0), t: ctx.in(1), dLoss: ctx.in(2), out: ctx.out() },
    },
  ],
});

/**
 * The cross entropy of targets [N, K] against softmax(logits [N, K]), row by row: [N], in nats. Targets may be soft and
 * need not sum to 1.
 * @throws UserError where the shapes differ or are not [N, K]
 */
export const softmaxCrossEntropy = (logits: Tensor, targets: Tensor): Tensor => lossOp([logits, targets], {});
