import { checkNumber, checkOneOf, checkOptions, checkWhole, type Known } from '../check.ts';
import { checkDType, checkTensors, sameShape, shapeError, showShape, sizeOf, type Tensor } from '../tensor.ts';
import { UserError } from '../user_error.ts';
import { softplus } from './activations.ts';
import { cast } from './cast.ts';
import { constant, reshape } from './leaves.ts';
import { equal, where } from './logic.ts';
import { abs, add, binary, div, log1p, minimum, mul, neg, rsub, square, sub } from './pointwise.ts';
import { broadcastTo, mean, sum } from './reduce.ts';
import { logSoftmax } from './softmax_cross_entropy.ts';

/** What becomes of the losses: their mean (where not said) or sum, a scalar, or they stay. */
export type Reduction = 'mean' | 'sum' | 'none';

const checkReduction = (op: string, reduction: Reduction | undefined): void =>
  checkOneOf(op, 'reduction', reduction, ['mean', 'sum', 'none']);

const scalar = (t: Tensor): Tensor => reshape(t, []);

function reduced(losses: Tensor, reduction: Reduction): Tensor {
  if (reduction === 'none') return losses;
  return scalar(reduction === 'sum' ? sum(losses) : mean(losses));
}

/** How `crossEntropy` weighs classes and targets. */
export interface CrossEntropyOptions {
  /** What each class counts [K]; 1 when absent. The mean is over what the targets count. */
  readonly weights?: Tensor;
  /** Where a target is this number its loss is 0, and it does not count. */
  readonly ignoreIndex?: number;
  /** So much of a target is spread evenly over all classes (Szegedy et al. 2016, section 7): from 0 to 1. */
  readonly labelSmoothing?: number;
  readonly reduction?: Reduction;
}
const CROSS_ENTROPY: Known<CrossEntropyOptions> = {
  weights: true,
  ignoreIndex: true,
  labelSmoothing: true,
  reduction: true,
};

/**
 * The cross entropy of the classes `targets` (u32 [N, ...]) against softmax(logits [N, ..., K]), in nats, as PyTorch's
 * CrossEntropyLoss has it but for the place of the classes, which is last. Where a target is no class the loss is
 * infinite.
 * @throws UserError where the shapes do not fit
 */
export function crossEntropy(logits: Tensor, targets: Tensor, options: CrossEntropyOptions = {}): Tensor {
  const op = 'cross_entropy';
  checkTensors(op, { logits, targets });
  checkOptions(op, options, CROSS_ENTROPY);
  const { weights, ignoreIndex, labelSmoothing = 0, reduction = 'mean' } = options;
  checkReduction(op, options.reduction);
  checkNumber(op, 'labelSmoothing', labelSmoothing);
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1))
    throw new UserError(`${op}: labelSmoothing must be between 0 and 1, not ${labelSmoothing}`);
  const [lead, classes] = [logits.shape.slice(0, -1), logits.shape[logits.shape.length - 1]];
  if (logits.shape.length === 0 || !sameShape(lead, targets.shape))
    shapeError(op, 'logits must be [N, ..., K] and targets [N, ...]', logits, targets);
  checkDType(op, 'logits', logits, 'f32');
  checkDType(op, 'targets', targets, 'u32');
  if (weights !== undefined) {
    checkTensors(op, { weights });
    if (!sameShape(weights.shape, [classes])) shapeError(op, `weights must be ${showShape([classes])}`, weights);
  }
  // A row for each target, as softmax sees them.
  const rows = sizeOf(lead);
  const logarithms = logSoftmax(reshape(logits, [rows, classes]));
  const target = reshape(cast(targets, 'f32'), [rows, 1]);
  const numbers = broadcastTo(
    constant(
      Float32Array.from({ length: classes }, (_, k) => k),
      [classes],
    ),
    [rows, classes],
  );
  const isTarget = equal(numbers, target);
  const counts = (of: Tensor): Tensor => (weights === undefined ? of : mul(of, weights));
  const perRow = (of: Tensor): Tensor => sum(of, [1]);
  // Chosen and not multiplied, so that a probability of 0 elsewhere is no NaN.
  const chosen = neg(perRow(counts(binary('relu_grad', logarithms, isTarget))));
  const spread = labelSmoothing === 0 ? undefined : perRow(counts(mul(logarithms, -labelSmoothing / classes)));
  const smoothed = spread === undefined ? chosen : add(mul(chosen, 1 - labelSmoothing), spread);
  // 0 where the target is a class; where it is none, the logarithm of 0.
  const known = sub(smoothed, log1p(sub(perRow(isTarget), 1)));
  if (ignoreIndex !== undefined) checkWhole(op, 'ignoreIndex', ignoreIndex, 0, 2 ** 32 - 1);
  const isIgnored = ignoreIndex === undefined ? undefined : equal(target, ignoreIndex);
  const losses = isIgnored ? where(isIgnored, 0, known) : known;
  if (reduction === 'none') return reshape(losses, lead);
  if (reduction === 'sum') return scalar(sum(losses));
  const weight = perRow(counts(isTarget));
  const total = sum(isIgnored ? where(isIgnored, 0, weight) : weight);
  return scalar(div(sum(losses), total));
}

/** How `binaryCrossEntropyWithLogits` weighs elements. */
export interface BinaryCrossEntropyOptions {
  /** What each element counts; broadcasts to x. The mean is over all elements all the same, as in PyTorch. */
  readonly weights?: Tensor;
  /** What the positive part of a target counts; broadcasts to x. */
  readonly posWeight?: Tensor;
  readonly reduction?: Reduction;
}
const BINARY: Known<BinaryCrossEntropyOptions> = { weights: true, posWeight: true, reduction: true };

/** Throws a UserError unless x and its targets are tensors of one shape. */
function checkPair(op: string, x: Tensor, t: Tensor): void {
  checkTensors(op, { x, t });
  if (!sameShape(x.shape, t.shape)) shapeError(op, 'x and its targets must have one shape', x, t);
}

/**
 * −posWeight · t · log σ(x) − (1 − t) · log(1 − σ(x)), with σ the sigmoid: exact at both ends, as PyTorch's
 * BCEWithLogitsLoss.
 */
export function binaryCrossEntropyWithLogits(x: Tensor, t: Tensor, options: BinaryCrossEntropyOptions = {}): Tensor {
  const op = 'binary_cross_entropy_with_logits';
  checkPair(op, x, t);
  checkOptions(op, options, BINARY);
  checkReduction(op, options.reduction);
  const { weights, posWeight, reduction = 'mean' } = options;
  for (const [name, w] of Object.entries({ weights, posWeight })) if (w !== undefined) checkTensors(op, { [name]: w });
  // −log σ(x) is softplus(−x), and −log(1 − σ(x)) is that and x.
  const positive = posWeight === undefined ? undefined : add(mul(sub(posWeight, 1), t), 1);
  const missed = softplus(neg(x));
  const losses = add(mul(rsub(t, 1), x), positive === undefined ? missed : mul(missed, positive));
  return reduced(weights === undefined ? losses : mul(losses, weights), reduction);
}

/**
 * Huber's loss (1964) of x − t: half the square where that is at most delta, else delta · (|x − t| − delta/2).
 */
export function huber(x: Tensor, t: Tensor, delta = 1, reduction: Reduction = 'mean'): Tensor {
  checkPair('huber', x, t);
  checkNumber('huber', 'delta', delta);
  if (!(delta > 0)) throw new UserError(`huber: delta must be positive, and is ${delta}`);
  checkReduction('huber', reduction);
  const size = abs(sub(x, t));
  const near = minimum(size, delta);
  return reduced(add(mul(square(near), 0.5), mul(sub(size, near), delta)), reduction);
}

/** (x − t)². */
export function mse(x: Tensor, t: Tensor, reduction: Reduction = 'mean'): Tensor {
  checkPair('mse', x, t);
  checkReduction('mse', reduction);
  return reduced(square(sub(x, t)), reduction);
}

/** |x − t|. */
export function l1(x: Tensor, t: Tensor, reduction: Reduction = 'mean'): Tensor {
  checkPair('l1', x, t);
  checkReduction('l1', reduction);
  return reduced(abs(sub(x, t)), reduction);
}
