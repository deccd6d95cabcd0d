import type { Launch } from '../../kernels/kernel.ts';
import type { BufferRef, LowerContext, Step } from '../op.ts';

/** A launch that writes `outSize` elements to its binding `out`. */
export interface Pass {
  readonly launch: Launch;
  readonly outSize: number;
}

/**
 * Passes each of which reads, as `x`, what the one before it wrote; `inputs` are the buffers of the first, the last
 * writes the output.
 */
export function chain(
  ctx: Pick<LowerContext<object>, 'out' | 'temp'>,
  inputs: Readonly<Record<string, BufferRef>>,
  passes: readonly Pass[],
): Step[] {
  let buffers = inputs;
  return passes.map(({ launch, outSize }, i) => {
    const out = i === passes.length - 1 ? ctx.out() : ctx.temp(outSize);
    const step = { launch, buffers: { ...buffers, out } };
    buffers = { x: out };
    return step;
  });
}
