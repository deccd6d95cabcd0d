import { checkNumber } from '../check.ts';

/** The learning rate over time. */
export interface Schedule {
  readonly kind: 'constant' | 'cosine';
  /** The rate after the warm-up. */
  readonly learningRate: number;
  /** Steps over which the rate grows linearly from 0. */
  readonly warmupSteps: number;
  readonly totalSteps: number;
}

/**
 * The learning rate of a step, counted from 0. Cosine: Loshchilov & Hutter 2017, eq. 5, without restarts, down to 0.
 */
export function learningRateAt(schedule: Schedule, step: number): number {
  const { kind, learningRate, warmupSteps, totalSteps } = schedule;
  for (const [name, value] of Object.entries({ learningRate, warmupSteps, totalSteps, step }))
    checkNumber('learningRateAt', name, value);
  if (step < warmupSteps) return (learningRate * (step + 1)) / warmupSteps;
  if (kind === 'constant') return learningRate;
  const progress = (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps);
  return learningRate * 0.5 * (1 + Math.cos(Math.PI * Math.min(1, progress)));
}
