import { attrsOf, type Evaluate, type Numbers } from './numbers.ts';

/** The logarithms of softmax, row by row: x − log Σ exp(x). The largest is taken off first, so nothing overflows. */
function logSoftmax(x: Numbers, classes: number): Numbers {
  const y = new Float64Array(x.length);
  for (let row = 0; row < x.length; row += classes) {
    const logits = x.subarray(row, row + classes);
    const largest = Math.max(...logits);
    const shift = largest + Math.log(logits.reduce((sum, v) => sum + Math.exp(v - largest), 0));
    logits.forEach((v, k) => (y[row + k] = v - shift));
  }
  return y;
}

const rowSum = (x: Numbers, row: number, classes: number): number =>
  x.subarray(row * classes, (row + 1) * classes).reduce((sum, v) => sum + v, 0);

export const SOFTMAX: Readonly<Record<string, Evaluate>> = {
  softmax(t, x) {
    const logarithms = logSoftmax(x, t.shape[t.shape.length - 1]);
    return attrsOf<{ logarithm: boolean }>(t).logarithm ? logarithms : logarithms.map(Math.exp);
  },
  /** loss[n] = −Σ_k targets[n, k] · log softmax(logits)[n, k] */
  softmax_cross_entropy(t, logits, targets) {
    const classes = t.inputs[0].shape[1];
    const products = logSoftmax(logits, classes).map((v, i) => targets[i] * v);
    return Float64Array.from({ length: t.size }, (_, n) => -rowSum(products, n, classes));
  },
  /** dlogits[n, k] = dloss[n] · (softmax(logits)[n, k] · Σ_j targets[n, j] − targets[n, k]) */
  softmax_cross_entropy_logits_grad(t, logits, targets, dLoss) {
    const classes = t.shape[1];
    return logSoftmax(logits, classes).map((v, i) => {
      const n = Math.floor(i / classes);
      return dLoss[n] * (Math.exp(v) * rowSum(targets, n, classes) - targets[i]);
    });
  },
};
