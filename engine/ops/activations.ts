import { checkNumber, checkOneOf, checkOptions, type Known } from '../check.ts';
import { checkTensors, type Tensor } from '../tensor.ts';
import {
  abs,
  add,
  binary,
  div,
  expm1,
  maximum,
  minimum,
  mul,
  relu,
  sigmoid,
  square,
  sub,
  tanh,
  unary,
} from './pointwise.ts';

// What networks have between their layers, beside relu, sigmoid, silu and tanh. NaN goes through all of them.

/** Which formula `gelu` takes. */
export interface GeluOptions {
  /** The formula by tanh, which is within 5e-4 of the other; by the error function when absent. */
  readonly approximate?: 'tanh';
}
const GELU: Known<GeluOptions> = { approximate: true };

/** x·Φ(x), Φ being the normal distribution (Hendrycks & Gimpel 2016). */
export function gelu(x: Tensor, options: GeluOptions = {}): Tensor {
  checkOptions('gelu', options, GELU);
  checkOneOf('gelu', 'approximate', options.approximate, ['tanh']);
  if (options.approximate === undefined) return unary('gelu', x);
  // ½(1 + tanh u) is sigmoid(2u), and u = √(2/π)·(x + 0.044715·x³).
  const twice = 2 * Math.sqrt(2 / Math.PI);
  return mul(sigmoid(mul(add(mul(square(x), 0.044715 * twice), twice), x)), x);
}

/** max(0, min(1, alpha·x + beta)), as ONNX has it; PyTorch's is that of 1/6 and 1/2. */
export function hardSigmoid(x: Tensor, alpha = 1 / 6, beta = 0.5): Tensor {
  checkNumbers('hard_sigmoid', x, { alpha, beta });
  return minimum(relu(add(mul(x, alpha), beta)), 1);
}

/** x · max(0, min(1, x/6 + 1/2)) (Howard et al. 2019). */
export const hardSwish = (x: Tensor): Tensor => unary('hard_swish', x);

/** x where it is positive, slope·x elsewhere (Maas et al. 2013). */
export function leakyRelu(x: Tensor, slope = 0.01): Tensor {
  checkNumbers('leaky_relu', x, { slope });
  // One launch where it can be: of two numbers the larger is the one that is meant.
  return slope > 0 && slope <= 1 ? maximum(mul(x, slope), x) : add(mul(minimum(x, 0), slope), relu(x));
}

/** x where it is positive, slope·x elsewhere; the slope is learned, often one a channel (He et al. 2015). */
export function prelu(x: Tensor, slope: Tensor): Tensor {
  checkTensors('prelu', { x, slope });
  return add(mul(minimum(x, 0), slope), relu(x));
}

/** x where it is positive, alpha·(exp(x) − 1) elsewhere (Clevert et al. 2015). */
export function elu(x: Tensor, alpha = 1): Tensor {
  checkNumbers('elu', x, { alpha });
  return add(mul(expm1(minimum(x, 0)), alpha), relu(x));
}

/** `elu` scaled so that mean 0 and variance 1 are kept (Klambauer et al. 2017). */
export const selu = (x: Tensor): Tensor =>
  add(mul(expm1(minimum(x, 0)), 1.7580993408473766), mul(relu(x), 1.0507009873554805));

/** x where it is positive, alpha·(exp(x/alpha) − 1) elsewhere (Barron 2017). */
export function celu(x: Tensor, alpha = 1): Tensor {
  checkNumbers('celu', x, { alpha });
  return add(mul(expm1(mul(minimum(x, 0), 1 / alpha)), alpha), relu(x));
}

/** log(1 + exp(x)), exact at both ends. */
export const softplus = (x: Tensor): Tensor => unary('softplus', x);
/** x / (1 + |x|). */
export const softsign = (x: Tensor): Tensor => div(x, add(abs(x), 1));
/** x · tanh(softplus(x)) (Misra 2019). */
export const mish = (x: Tensor): Tensor => mul(tanh(softplus(x)), x);

/** x, but at least `low` and at most `high`, where they are given; `high` wins. The gradient is 1 from low to high. */
export function clip(x: Tensor, low?: Tensor | number, high?: Tensor | number): Tensor {
  checkTensors('clip', { x });
  const above = low === undefined ? x : maximum(x, low);
  return high === undefined ? above : minimum(above, high);
}

/** min(max(x, 0), 6), as in MobileNets; its gradient is 0 at 0 and 1 at 6. */
export const relu6 = (x: Tensor): Tensor => minimum(relu(x), 6);

/** x where it is larger than alpha, else 0. */
export function thresholdedRelu(x: Tensor, alpha = 1): Tensor {
  checkNumbers('thresholded_relu', x, { alpha });
  return binary('relu_grad', x, sub(x, alpha));
}

function checkNumbers(op: string, x: Tensor, numbers: Readonly<Record<string, number>>): void {
  checkTensors(op, { x });
  for (const [name, value] of Object.entries(numbers)) checkNumber(op, name, value);
}
