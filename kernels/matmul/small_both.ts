import { canBeEpilogue } from '../epilogue/epilogue.ts';
import type { Pair } from '../kernel.ts';
import { POINTWISE, singleStage } from '../pointwise/pointwise.ts';
import both from './matmul_small_both.wgsl';

/** A launch of a small product writes a function of its result too. */
export const WITH_FUNCTION: Pair = {
  reads: 'x',
  both(first, later) {
    const then = singleStage(later);
    if (!then || first.aliases?.['Out']) return undefined;
    const { op, mode, immediate = 0, size } = then;
    const isWhole = size === first.params['M'] * first.params['N'];
    if (mode !== 'immediate' || !canBeEpilogue([then]) || !isWhole) return undefined;
    const overrides = { ...first.overrides, THEN: POINTWISE[op], OPERAND: immediate };
    return { ...first, kernel: both, overrides, joint: undefined, pairs: undefined };
  },
  bind: (first, { out }) => ({ ...first, too: out }),
};
