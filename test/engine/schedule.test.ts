import { describe, expect, it } from 'vitest';
import { learningRateAt } from '../../engine/train/schedule.ts';

// The rates below are worked out by hand: cos 0 = 1, cos π/4 = √½, cos π/3 = ½, cos π/2 = 0, cos 2π/3 = −½.
const close = (got: number, want: number) => expect(got).toBeCloseTo(want, 14);

describe('the learning rate', () => {
  const schedule = { kind: 'cosine', learningRate: 0.6, warmupSteps: 3, totalSteps: 15 } as const;

  it('grows in equal steps from 1/n of its height in the first step to all of it in the last of the warm-up', () => {
    close(learningRateAt(schedule, 0), 0.2);
    close(learningRateAt(schedule, 1), 0.4);
    close(learningRateAt(schedule, 2), 0.6);
    for (const [step, rate] of [0.2, 0.4, 0.6].entries())
      close(learningRateAt({ ...schedule, kind: 'constant' }, step), rate);
  });

  it('falls as half a cosine over the steps that are left, down to 0 after the last', () => {
    // 12 steps are left: ½·(1 + cos(π·k/12)) of the height in the k-th.
    close(learningRateAt(schedule, 3), 0.6);
    close(learningRateAt(schedule, 3 + 3), 0.3 * (1 + Math.SQRT1_2));
    close(learningRateAt(schedule, 3 + 4), 0.6 * 0.75);
    close(learningRateAt(schedule, 3 + 6), 0.6 * 0.5);
    close(learningRateAt(schedule, 3 + 8), 0.6 * 0.25);
    // cos(11π/12) = −(√6 + √2)/4
    close(learningRateAt(schedule, 14), 0.3 * (1 - (Math.sqrt(6) + Math.SQRT2) / 4));
    close(learningRateAt(schedule, 15), 0);
    close(learningRateAt(schedule, 40), 0);
  });

  it('without a warm-up begins at its height', () => {
    close(learningRateAt({ ...schedule, warmupSteps: 0, totalSteps: 4 }, 0), 0.6);
    close(learningRateAt({ ...schedule, warmupSteps: 0, totalSteps: 4 }, 1), 0.3 * (1 + Math.SQRT1_2));
    close(learningRateAt({ ...schedule, warmupSteps: 0, totalSteps: 4 }, 2), 0.3);
    close(learningRateAt({ ...schedule, warmupSteps: 0, totalSteps: 4 }, 3), 0.3 * (1 - Math.SQRT1_2));
  });

  it('without a fall stays at its height', () => {
    for (const step of [3, 4, 14, 15, 40]) close(learningRateAt({ ...schedule, kind: 'constant' }, step), 0.6);
    close(learningRateAt({ ...schedule, kind: 'constant', warmupSteps: 0 }, 0), 0.6);
  });

  it('of a single step is its height, warm-up or none; a warm-up longer than the training only grows', () => {
    close(learningRateAt({ ...schedule, warmupSteps: 0, totalSteps: 1 }, 0), 0.6);
    close(learningRateAt({ ...schedule, warmupSteps: 1, totalSteps: 1 }, 0), 0.6);
    const short = { ...schedule, warmupSteps: 6, totalSteps: 3 };
    for (const [step, rate] of [0.1, 0.2, 0.3].entries()) close(learningRateAt(short, step), rate);
  });
});
