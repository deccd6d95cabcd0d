/** Softmax and cross entropy in float64, written from the definitions over rows of `classes`. */
const rowsOf = (x: ArrayLike<number>, classes: number) =>
  Array.from({ length: x.length / classes }, (_, n) => Array.from({ length: classes }, (_, k) => x[n * classes + k]));

export function logSoftmax(x: ArrayLike<number>, classes: number): Float64Array {
  return Float64Array.from(
    rowsOf(x, classes).flatMap((row) => {
      const largest = Math.max(...row);
      const logSum = largest + Math.log(row.reduce((s, v) => s + Math.exp(v - largest), 0));
      return row.map((v) => v - logSum);
    }),
  );
}

export const softmax = (x: ArrayLike<number>, classes: number): Float64Array => logSoftmax(x, classes).map(Math.exp);

/** J[k][j] = ∂softmax_k/∂x_j = s_k·(δ_kj − s_j), applied to dy: the whole Jacobian, as a check on shortcuts. */
export function softmaxInputGrad(x: ArrayLike<number>, dy: ArrayLike<number>, classes: number): Float64Array {
  const s = rowsOf(softmax(x, classes), classes);
  return Float64Array.from(
    rowsOf(dy, classes).flatMap((d, n) =>
      d.map((_, j) => d.reduce((sum, v, k) => sum + v * s[n][k] * (Number(k === j) - s[n][j]), 0)),
    ),
  );
}

export function logSoftmaxInputGrad(x: ArrayLike<number>, dy: ArrayLike<number>, classes: number): Float64Array {
  const s = rowsOf(softmax(x, classes), classes);
  return Float64Array.from(
    rowsOf(dy, classes).flatMap((d, n) =>
      d.map((_, j) => d.reduce((sum, v, k) => sum + v * (Number(k === j) - s[n][j]), 0)),
    ),
  );
}

export function crossEntropy(x: ArrayLike<number>, t: ArrayLike<number>, classes: number): Float64Array {
  const logs = rowsOf(logSoftmax(x, classes), classes);
  return Float64Array.from(rowsOf(t, classes), (row, n) => row.reduce((loss, v, k) => loss - v * logs[n][k], 0));
}

export function crossEntropyGradients(
  x: ArrayLike<number>,
  t: ArrayLike<number>,
  dLoss: ArrayLike<number>,
  classes: number,
): { dx: Float64Array; dt: Float64Array } {
  const spread = Float64Array.from(x, (_, i) => -t[i] * dLoss[Math.floor(i / classes)]);
  return {
    dx: logSoftmaxInputGrad(x, spread, classes),
    dt: logSoftmax(x, classes).map((l, i) => -l * dLoss[Math.floor(i / classes)]),
  };
}
