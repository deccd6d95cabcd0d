import type { Pair } from '../kernel.ts';
import { singleStage } from '../pointwise/pointwise.ts';
import coefficientsKernel from './batch_norm_coefficients.wgsl';
import combineCoefficientsKernel from './batch_norm_combine_coefficients.wgsl';
import gateSumsSlopeKernel from './batch_norm_gate_sums_slope.wgsl';

/** A launch that joins statistics, the last, writes a batch norm's coefficients too. */
export const WITH_COEFFICIENTS: Pair = {
  reads: 'stats',
  both: (first, later) =>
    later.kernel === coefficientsKernel && first.params['parts'] <= first.params['group']
      ? {
          ...first,
          kernel: combineCoefficientsKernel,
          params: { ...first.params, epsilon: later.params['epsilon'] },
          pairs: undefined,
        }
      : undefined,
  bind: (first, { gamma, beta, out }) => ({ ...first, gamma, beta, coefficients: out }),
};

/** A launch that sums by whole samples takes the gate's cotangent through its sigmoid. */
export const WITH_SLOPE: Pair = {
  reads: 'x',
  both(first, later) {
    const then = singleStage(later);
    const { samples, channels, parts } = first.params;
    const size = samples * channels * (first.aliases?.['Value'] === 'f32' ? 1 : 4);
    const isSlope = then?.op === 'sigmoid_grad' && then.mode === 'full' && then.size === size;
    return isSlope && parts === 1 ? { ...first, kernel: gateSumsSlopeKernel, pairs: undefined } : undefined;
  },
  bind: (first, { a, out }) => ({ ...first, s: a, too: out }),
};
