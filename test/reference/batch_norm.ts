/** Batch norm in float64, written from Ioffe & Szegedy 2015 over x [rows, channels]. */
export type Activation = 'none' | 'relu' | 'silu';

const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));
const activate = (a: Activation, z: number) => (a === 'relu' ? Math.max(0, z) : a === 'silu' ? z * sigmoid(z) : z);
const slope = (a: Activation, z: number) =>
  a === 'relu' ? Number(z > 0) : a === 'silu' ? sigmoid(z) * (1 + z * (1 - sigmoid(z))) : 1;

/** [2, channels]: mean and biased variance. */
export function batchNormStats(x: ArrayLike<number>, channels: number): Float64Array {
  const rows = x.length / channels;
  const stats = new Float64Array(2 * channels);
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < rows; i++) stats[c] += x[i * channels + c] / rows;
    for (let i = 0; i < rows; i++) stats[channels + c] += (x[i * channels + c] - stats[c]) ** 2 / rows;
  }
  return stats;
}

export interface BatchNormCase {
  readonly x: ArrayLike<number>;
  readonly stats: ArrayLike<number>;
  readonly gamma: ArrayLike<number>;
  readonly beta: ArrayLike<number>;
  readonly epsilon: number;
  readonly activation: Activation;
}

export function batchNormApply({ x, stats, gamma, beta, epsilon, activation }: BatchNormCase): Float64Array {
  const channels = gamma.length;
  return Float64Array.from(x, (v, i) => {
    const c = i % channels;
    return activate(activation, (gamma[c] * (v - stats[c])) / Math.sqrt(stats[channels + c] + epsilon) + beta[c]);
  });
}

/** dx, dgamma and dbeta; with `frozen` statistics they are constants, otherwise those of x itself. */
export function batchNormGradients(
  at: BatchNormCase,
  dy: ArrayLike<number>,
  frozen: boolean,
): { dx: Float64Array; dGamma: Float64Array; dBeta: Float64Array } {
  const { x, stats, gamma, beta, epsilon, activation } = at;
  const channels = gamma.length;
  const rows = x.length / channels;
  const dx = new Float64Array(x.length);
  const dGamma = new Float64Array(channels);
  const dBeta = new Float64Array(channels);
  for (let c = 0; c < channels; c++) {
    const deviation = Math.sqrt(stats[channels + c] + epsilon);
    const normal = Array.from({ length: rows }, (_, i) => (x[i * channels + c] - stats[c]) / deviation);
    const dz = normal.map((v, i) => dy[i * channels + c] * slope(activation, gamma[c] * v + beta[c]));
    dz.forEach((d, i) => {
      dBeta[c] += d;
      dGamma[c] += d * normal[i];
    });
    dz.forEach((d, i) => {
      const through = frozen ? 0 : (dBeta[c] + normal[i] * dGamma[c]) / rows;
      dx[i * channels + c] = (gamma[c] / deviation) * (d - through);
    });
  }
  return { dx, dGamma, dBeta };
}
