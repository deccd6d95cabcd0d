import type { Tensor } from '../../engine/tensor.ts';
import { attrsOf, zerosOf, type Evaluate, type Numbers } from './numbers.ts';
import { FUNCTIONS } from './pointwise.ts';

interface Norm {
  readonly epsilon: number;
  readonly activation: 'none' | 'relu' | 'silu';
  /** The statistics are constants: no gradient flows through them. */
  readonly frozen: boolean;
}

/** x̂, the normalised x, and what it comes to before the activation: z = γ·x̂ + β. */
function normalised(t: Tensor, x: Numbers, stats: Numbers, gamma: Numbers, beta: Numbers) {
  const { epsilon } = attrsOf<Norm>(t);
  const channels = gamma.length;
  const deviation = gamma.map((_, c) => Math.sqrt(stats[channels + c] + epsilon));
  const xHat = x.map((v, i) => (v - stats[i % channels]) / deviation[i % channels]);
  return { channels, deviation, xHat, z: xHat.map((v, i) => gamma[i % channels] * v + beta[i % channels]) };
}

/** The cotangent of z from that of y. */
function behindActivation(t: Tensor, dy: Numbers, z: Numbers): Numbers {
  const { activation } = attrsOf<Norm>(t);
  return activation === 'none' ? dy : dy.map((d, i) => FUNCTIONS[`${activation}_grad`](d, z[i]));
}

/** Batch norm of x [..., C] channel by channel (Ioffe & Szegedy 2015). */
export const BATCH_NORM: Readonly<Record<string, Evaluate>> = {
  /** [2, C]: the mean of each channel, and its variance. */
  batch_norm_stats(t, x) {
    const channels = t.shape[1];
    const rows = x.length / channels;
    const stats = zerosOf(t.shape);
    x.forEach((v, i) => (stats[i % channels] += v / rows));
    x.forEach((v, i) => (stats[channels + (i % channels)] += (v - stats[i % channels]) ** 2 / rows));
    return stats;
  },
  batch_norm_apply(t, x, stats, gamma, beta) {
    const { z } = normalised(t, x, stats, gamma, beta);
    const { activation } = attrsOf<Norm>(t);
    return activation === 'none' ? z : z.map((v) => FUNCTIONS[activation](v, NaN));
  },
  /** [2, C]: dγ = Σ dz·x̂ and dβ = Σ dz. */
  // biome-ignore lint/complexity/useMaxParams: the op's inputs, in their order
  batch_norm_sums(t, dy, x, stats, gamma, beta) {
    const { channels, xHat, z } = normalised(t, x, stats, gamma, beta);
    const sums = zerosOf(t.shape);
    behindActivation(t, dy, z).forEach((d, i) => {
      sums[i % channels] += d * xHat[i];
      sums[channels + (i % channels)] += d;
    });
    return sums;
  },
  /** dx = γ/σ · (dz − (dβ + x̂·dγ)/rows): the mean and the variance move with x as well, unless they are frozen. */
  // biome-ignore lint/complexity/useMaxParams: the op's inputs, in their order
  batch_norm_input_grad(t, dy, x, stats, sums, gamma, beta) {
    const { channels, deviation, xHat, z } = normalised(t, x, stats, gamma, beta);
    const rows = x.length / channels;
    const { frozen } = attrsOf<Norm>(t);
    return behindActivation(t, dy, z).map((d, i) => {
      const c = i % channels;
      const through = frozen ? 0 : (sums[channels + c] + xHat[i] * sums[c]) / rows;
      return (gamma[c] / deviation[c]) * (d - through);
    });
  },
};
