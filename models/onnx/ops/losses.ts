import { constant, reshape } from '../../../engine/ops/leaves.ts';
import { equal, where } from '../../../engine/ops/logic.ts';
import { div, mul, neg } from '../../../engine/ops/pointwise.ts';
import { broadcastTo, sum } from '../../../engine/ops/reduce.ts';
import { logSoftmax } from '../../../engine/ops/softmax_cross_entropy.ts';
import type { Tensor } from '../../../engine/tensor.ts';
import { arranged, computed, plain } from '../layout.ts';
import type { Lowering, OnnxOp } from '../lowering.ts';
import { channelsLast, type Computed } from '../value.ts';

/*
 * Losses of class indices [N, ...] against numbers for each class [N, C, ...]. Weights of classes are no parameters.
 */

/** What ONNX calls the logarithms of probabilities, with the classes last, and their loss. */
function lossOf(l: Lowering, x: Computed, logarithms: Tensor): Computed {
  const { node } = l;
  const [, classes] = x.shape;
  const given = plain(l.computed(1));
  const rows = given.size;
  if (logarithms.size !== rows * classes)
    node.fail(`its targets [${given.shape.join(', ')}] do not fit [${x.shape.join(', ')}]`);
  const targets = reshape(given, [rows, 1]);
  const numbers = constant(
    Float32Array.from({ length: classes }, (_, k) => k),
    [1, classes],
  );
  const isTarget = equal(broadcastTo(numbers, [rows, classes]), targets);
  const weights = l.inputs[2] === undefined ? undefined : plain(l.computed(2));
  const counted = weights ? mul(isTarget, weights) : isTarget;
  const ignored = node.int('ignore_index');
  const table = reshape(logarithms, [rows, classes]);
  // Chosen and not multiplied, so that a probability of 0 elsewhere is no NaN.
  const chosen = neg(where(isTarget, weights ? mul(table, weights) : table, 0));
  const each = (of: Tensor): Tensor => {
    const row = sum(of, [1]);
    return ignored === undefined ? row : where(equal(targets, ignored), 0, row);
  };
  const losses = each(chosen);
  const reduction = node.text('reduction', 'mean');
  if (reduction === 'none') return computed(reshape(losses, given.shape), given.shape, undefined, x.type);
  if (reduction !== 'mean' && reduction !== 'sum') node.fail(`there is no reduction ${reduction}`);
  const total = sum(losses);
  return computed(reshape(reduction === 'sum' ? total : div(total, sum(each(counted))), []), [], undefined, x.type);
}

const classesLast = (l: Lowering, x: Computed): Tensor => {
  if (x.shape.length < 2) l.node.fail(`[${x.shape.join(', ')}] has no classes`);
  return arranged(x, channelsLast(x.shape.length));
};

function negativeLogLikelihood(l: Lowering): Computed {
  const x = l.computed(0);
  return lossOf(l, x, classesLast(l, x));
}

/** The logarithms of the probabilities are a second output. */
function crossEntropy(l: Lowering): Computed[] {
  const x = l.computed(0);
  const logarithms = logSoftmax(classesLast(l, x));
  return [lossOf(l, x, logarithms), computed(logarithms, x.shape, channelsLast(x.shape.length), x.type)];
}

export const lossOps = (): Readonly<Record<string, OnnxOp>> => ({
  NegativeLogLikelihoodLoss: { lower: negativeLogLikelihood },
  SoftmaxCrossEntropyLoss: { lower: crossEntropy },
});
