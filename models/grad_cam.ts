import { checkWhole } from '../engine/check.ts';
import { grad } from '../engine/autodiff.ts';
import { mean, sum } from '../engine/ops/reduce.ts';
import { abs, add, div, greaterEqual, mul, relu, rsub } from '../engine/ops/pointwise.ts';
import { input, reshape } from '../engine/ops/leaves.ts';
import { checkTensors, sameShape, shapeError, topologicalOrder, type Tensor } from '../engine/tensor.ts';
import { UserError } from '../engine/user_error.ts';

/** The tensor of a graph with this name, such as a segment's or a block's output: any of them can be explained. */
export function findTensor(of: Tensor, name: string): Tensor {
  const named = topologicalOrder([of]).filter((t) => t.names.length > 0 && t.op.leaf === undefined);
  const found = named.find((t) => t.names.includes(name));
  if (!found)
    throw new UserError(`there is no layer ${name}; the layers are ${named.flatMap((t) => t.names).join(', ')}`);
  return found;
}

/**
 * One number a sample: its score for the class that a one-hot row of `classes` [N, K] picks, summed (samples do not
 * mix).
 */
function pickedScore(op: string, logits: Tensor, classes: Tensor): Tensor {
  checkTensors(op, { logits, classes });
  if (logits.shape.length !== 2 || !sameShape(classes.shape, logits.shape))
    shapeError(op, 'the logits and the one-hot rows that pick their classes must both be [N, K]', logits, classes);
  return reshape(sum(mul(logits, classes)), []);
}

/** The gradient of the picked scores at an activation [N, H, W, C]. */
function gradientAt(op: string, logits: Tensor, classes: Tensor, activation: Tensor): Tensor {
  checkTensors(op, { activation });
  if (activation.shape.length !== 4) shapeError(op, 'the activation must be [N, H, W, C]', activation);
  return grad(pickedScore(op, logits, classes), [activation])[0];
}

/**
 * Grad-CAM (Selvaraju et al. 2017, eq. 1 and 2): the activation's channels weighted by the mean of the class score's
 * gradient over the image, summed, negatives cut off.
 *
 * @param logits [N, K], made from `activation`
 * @param classes [N, K]: one-hot rows that pick the class to explain
 * @param activation [N, H, W, C]: any node between input and logits
 */
export function gradCam(logits: Tensor, classes: Tensor, activation: Tensor): Tensor {
  const gradient = gradientAt('gradCam', logits, classes, activation);
  const weights = mean(gradient, [1, 2]);
  return asMap(relu(sum(mul(activation, weights), [3])));
}

/** A denominator of Grad-CAM++ below this is zero to float32's precision: its terms are of size 2. */
const POLE = 2 ** -20;

/**
 * Grad-CAM++ (Chattopadhay et al. 2018, eq. 19 in eq. 5): a channel's weight is Σ α·relu(g) over the image, with
 * α = g² / (2g² + S·g³), g the class score's gradient at the place itself and S the sum of the channel's activations
 * over the image; so several small objects weigh as much as one large one. The exponential that the paper takes of the
 * score is a factor exp(score) of the whole map and is left out, as pytorch-grad-cam does.
 *
 * Where g <= 0 a place counts nothing, so what counts is g / (2 + S·g). S is positive behind a ReLU; where it is not,
 * the denominator can near zero and turn negative: the formula is taken as it stands, as pytorch-grad-cam does, and at
 * the pole itself (|2 + S·g| < 2^-20) the place counts nothing.
 *
 * @param logits [N, K], made from `activation`
 * @param classes [N, K]: one-hot rows that pick the class to explain
 * @param activation [N, H, W, C]: any node between input and logits
 */
export function gradCamPlusPlus(logits: Tensor, classes: Tensor, activation: Tensor): Tensor {
  const g = relu(gradientAt('gradCamPlusPlus', logits, classes, activation));
  const denominator = add(mul(g, sum(activation, [1, 2])), 2);
  const defined = greaterEqual(abs(denominator), POLE);
  const safe = add(denominator, rsub(defined, 1));
  const weights = sum(div(mul(g, defined), safe), [1, 2]);
  return asMap(relu(sum(mul(activation, weights), [3])));
}

/**
 * Layer-CAM (Jiang et al. 2021, eq. 5 to 7): each place of the activation is weighted by the positive part of the class
 * score's gradient at that very place, so early layers, whose maps are fine, can be explained too.
 *
 * @param logits [N, K], made from `activation`
 * @param classes [N, K]: one-hot rows that pick the class to explain
 * @param activation [N, H, W, C]: any node between input and logits
 */
export function layerCam(logits: Tensor, classes: Tensor, activation: Tensor): Tensor {
  const gradient = gradientAt('layerCam', logits, classes, activation);
  return asMap(relu(sum(mul(activation, relu(gradient)), [3])));
}

/**
 * Guided backpropagation (Springenberg et al. 2015, section 3): the gradient of the class score at the input, where
 * negative cotangents are cut off at the output of every ReLU and SiLU on the way back, those fused into a batch norm
 * too, once for each where several follow one another. Gates (sigmoid, tanh) let all pass.
 */
export function guidedBackprop(logits: Tensor, classes: Tensor, x: Tensor): Tensor {
  const score = pickedScore('guidedBackprop', logits, classes);
  return grad(score, [x], undefined, (t, dy) => (isActivation(t) ? relu(dy) : dy))[0];
}

const isActivation = ({ attrs }: Tensor): boolean => {
  const { stages, activation } = attrs as { stages?: readonly { op: string }[]; activation?: string };
  return stages?.some(({ op }) => op === 'relu' || op === 'silu') ?? (activation === 'relu' || activation === 'silu');
};

const asMap = (t: Tensor): Tensor => reshape(t, t.shape.slice(0, 3));

/**
 * One-hot rows for class numbers from 0 to `count` − 1, as a feed for `classes`.
 * @throws UserError where there is no such class
 */
export function oneHot(classes: readonly number[], count: number): Float32Array {
  checkWhole('oneHot', 'the count of classes', count, 1);
  classes.forEach((k, i) => checkWhole('oneHot', `class ${i}`, k, 0, count - 1));
  const rows = new Float32Array(classes.length * count);
  classes.forEach((k, i) => (rows[i * count + k] = 1));
  return rows;
}

/** The input that picks the class to explain. */
export const classInput = (logits: Tensor): Tensor => input('explained_class', logits.shape);
