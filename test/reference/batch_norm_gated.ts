import { batchNormApply, batchNormGradients, type BatchNormCase } from './batch_norm.ts';

/*
 * In float64, over x [samples, pixels, channels], what the compiler makes of a batch norm that is pooled and gated,
 * written as sums over the pixels of each sample of what the batch norm's own reference says of them.
 */

/** A batch norm of some samples. */
export interface GatedCase extends BatchNormCase {
  readonly samples: number;
}

/** For each sample and channel the sum over the pixels of what `of` says of each element: [samples, channels]. */
function overPixels({ x, gamma, samples }: GatedCase, of: (i: number) => number): Float64Array {
  const channels = gamma.length;
  const sums = new Float64Array(samples * channels);
  for (let i = 0; i < x.length; i++) sums[sampleChannel(i, x.length / samples, channels)] += of(i);
  return sums;
}

/** Where element i finds the number of its sample and channel. */
const sampleChannel = (i: number, sample: number, channels: number) =>
  Math.floor(i / sample) * channels + (i % channels);

/** scale · Σ y, [samples, channels]. */
export function pool(at: GatedCase, scale: number): Float64Array {
  const y = batchNormApply(at);
  return overPixels(at, (i) => scale * y[i]);
}

/** What of x [.., channels] is multiplied by the number of its sample and channel. */
export function gated(
  values: Float64Array,
  gate: ArrayLike<number>,
  { samples, gamma }: { readonly samples: number; readonly gamma: { readonly length: number } },
): Float64Array {
  return values.map((v, i) => v * gate[sampleChannel(i, values.length / samples, gamma.length)]);
}

/** Σ dy·y, Σ dy·slope·x̂, Σ slope·x̂, Σ dy·slope, Σ slope: [5, samples, channels]. */
export function gateSums(at: GatedCase, dy: ArrayLike<number>): Float64Array {
  const { x, stats, gamma, epsilon } = at;
  const channels = gamma.length;
  const y = batchNormApply(at);
  const normal = Float64Array.from(x, (v, i) => {
    const c = i % channels;
    return (v - stats[c]) / Math.sqrt(stats[channels + c] + epsilon);
  });
  // Where the statistics are constants and gamma / √(variance + epsilon) is 1, dx is the slope.
  const slope = Float64Array.from(x, (_, i) => {
    const c = i % channels;
    const one = { x: [normal[i]], stats: [0, 1], gamma: [gamma[c]], beta: [at.beta[c]], epsilon: 0 };
    return batchNormGradients({ ...one, activation: at.activation }, [1], true).dBeta[0];
  });
  return Float64Array.from(
    [
      (i: number) => dy[i] * y[i],
      (i: number) => dy[i] * slope[i] * normal[i],
      (i: number) => slope[i] * normal[i],
      (i: number) => dy[i] * slope[i],
      (i: number) => slope[i],
    ].flatMap((term) => [...overPixels(at, term)]),
  );
}

/** dgamma and dbeta, [2, channels], of dy · s + g. */
export function gatedSums(
  sums: ArrayLike<number>,
  s: ArrayLike<number>,
  g: ArrayLike<number>,
  channels: number,
): Float64Array {
  const out = new Float64Array(2 * channels);
  for (let i = 0; i < s.length; i++) {
    const c = i % channels;
    out[c] += s[i] * sums[s.length + i] + g[i] * sums[2 * s.length + i];
    out[channels + c] += s[i] * sums[3 * s.length + i] + g[i] * sums[4 * s.length + i];
  }
  return out;
}

/** mean, 1/√(variance + epsilon), gamma, beta: [4, channels]. */
export function coefficients({
  stats,
  gamma,
  beta,
  epsilon,
}: Pick<BatchNormCase, 'stats' | 'gamma' | 'beta' | 'epsilon'>): Float64Array {
  const channels = gamma.length;
  const inverse = Array.from(gamma, (_, c) => 1 / Math.sqrt(stats[channels + c] + epsilon));
  return Float64Array.from([
    ...Array.from(stats).slice(0, channels),
    ...inverse,
    ...Array.from(gamma),
    ...Array.from(beta),
  ]);
}

/** dx from dy · s + g, from dgamma and dbeta, and from the coefficients. */
export function gatedInputGrad(
  { x, samples, activation }: Pick<GatedCase, 'x' | 'samples' | 'activation'>,
  [dy, sums, s, g, ofChannel]: readonly ArrayLike<number>[],
  frozen: boolean,
): Float64Array {
  const channels = sums.length / 2;
  return Float64Array.from(x, (v, i) => {
    const c = i % channels;
    const own = sampleChannel(i, x.length / samples, channels);
    const [mean, inverse, gamma, beta] = [0, 1, 2, 3].map((k) => ofChannel[k * channels + c]);
    const normal = (v - mean) * inverse;
    const one = { x: [normal], stats: [0, 1], gamma: [gamma], beta: [beta], epsilon: 0, activation };
    const dz = batchNormGradients(one, [dy[i] * s[own] + g[own]], true).dBeta[0];
    const through = frozen ? 0 : ((sums[channels + c] + normal * sums[c]) * channels) / x.length;
    return gamma * inverse * (dz - through);
  });
}
