import { makesCoefficients, makesStatistics, withCoefficients } from '../../kernels/batch_norm/batch_norm.ts';
import type { BufferRef } from '../op.ts';
import type { Lowered, LoweredStep } from './lower.ts';

/**
 * A batch norm's coefficients are written where its statistics are joined, by the same launch: where gamma and beta are
 * parameters, inputs or constants, which are there by then.
 */
export function joinCoefficients(lowered: Lowered): Lowered {
  const steps: LoweredStep[] = [];
  /** Where the launch that makes these statistics stands. */
  const makers = new Map<BufferRef, number>();
  const isThere = (ref: BufferRef) => ['parameter', 'input', 'constant'].includes(lowered.buffers[ref].kind);
  for (const step of lowered.steps) {
    const { stats, gamma, beta, out } = step.buffers;
    const at = makesCoefficients(step.launch) ? makers.get(stats) : undefined;
    if (at !== undefined && isThere(gamma) && isThere(beta)) {
      const { launch, tensor, buffers } = steps[at];
      steps[at] = {
        tensor,
        launch: withCoefficients(launch, step.launch),
        buffers: { ...buffers, gamma, beta, coefficients: out },
      };
      makers.delete(stats);
      continue;
    }
    if (makesStatistics(step.launch)) makers.set(out, steps.length);
    steps.push(step);
  }
  return { ...lowered, steps };
}
