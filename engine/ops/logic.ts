import { checkTensors, type Tensor } from '../tensor.ts';
import { constant } from './leaves.ts';
import { add, binary, maximum, mul, rsub } from './pointwise.ts';

// Truth is 1 and falsehood 0, as f32; any number but 0 is true, NaN too. All broadcast as arithmetic does. Gradients
// are 0, but for those of `where`. A NaN is neither less than a number, nor greater, nor equal to one.

/** 1 where x < y, else 0. */
export const less = (x: Tensor, y: Tensor | number): Tensor => binary('less', x, y);
/** 1 where x <= y, else 0. */
export const lessEqual = (x: Tensor, y: Tensor | number): Tensor => binary('less_equal', x, y);
/** 1 where x = y, else 0. */
export const equal = (x: Tensor, y: Tensor | number): Tensor => binary('equal', x, y);
/** 0 where x = y, else 1. */
export const notEqual = (x: Tensor, y: Tensor | number): Tensor => rsub(equal(x, y), 1);
/** 1 where x is NaN, else 0. */
const isNan = (x: Tensor): Tensor => notEqual(x, x);
export { isNan as isNaN };

/** 1 where x is 0, else 0. */
export const logicalNot = (x: Tensor): Tensor => equal(x, 0);
/** 1 where neither x nor y is 0, else 0. */
export const logicalAnd = (x: Tensor, y: Tensor): Tensor => mul(notEqual(x, 0), notEqual(y, 0));
/** 1 where x or y is not 0, else 0. */
export const logicalOr = (x: Tensor, y: Tensor): Tensor => maximum(notEqual(x, 0), notEqual(y, 0));
/** 1 where one of x and y is 0 and the other is not, else 0. */
export const logicalXor = (x: Tensor, y: Tensor): Tensor => notEqual(logicalNot(x), logicalNot(y));

/**
 * x where the condition is positive, as comparisons are where they hold, or NaN, else y; all three are repeated to
 * their common shape. A NaN or an infinity of what is not taken does not show. The cotangent goes to what was taken;
 * the condition's is 0.
 */
export function where(condition: Tensor, x: Tensor | number, y: Tensor | number): Tensor {
  checkTensors('where', { condition, ...(typeof x !== 'number' && { x }), ...(typeof y !== 'number' && { y }) });
  if (y === 0) return binary('relu_grad', asTensor(x), condition);
  if (x === 0) return binary('unless', asTensor(y), condition);
  // A number times a truth is not repeated in memory. Where it does not count it is a zero, which adds nothing.
  const isFalse = lessEqual(condition, 0);
  const taken = isFinite_(x) ? mul(rsub(isFalse, 1), x) : binary('relu_grad', asTensor(x), condition);
  const other = isFinite_(y) ? mul(isFalse, y) : binary('unless', asTensor(y), condition);
  return add(taken, other);
}

const asTensor = (t: Tensor | number): Tensor => (typeof t === 'number' ? constant(t) : t);
const isFinite_ = (t: Tensor | number): t is number => typeof t === 'number' && Number.isFinite(t);
