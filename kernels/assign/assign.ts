import { bitsOf, ceilDiv, foldWorkgroups, tableParams, type Launch } from '../kernel.ts';
import emaKernel from './ema.wgsl';

/** Tensors that one launch averages. */
export const EMA_TENSORS = 64;

/** A tensor among those that lie side by side. */
export interface EmaTensor {
  readonly size: number;
  /** Elements from its first to that of the next one. */
  readonly stride: number;
  /** What the values of its halves are multiplied by. */
  readonly scales: readonly [number, number];
}

/** One step of a moving average of at most EMA_TENSORS tensors that lie one behind the other. */
export function ema(tensors: readonly EmaTensor[], momentum: number, guarded: boolean): Launch {
  let begin = 0;
  const rows = tensors.map(({ size, stride, scales }) => {
    const row = [begin, begin + Math.floor(size / 2), ...scales.map(bitsOf)];
    begin += stride;
    return row;
  });
  return {
    kernel: emaKernel,
    overrides: { GUARDED: Number(guarded) },
    params: { size: begin, count: tensors.length, momentum, ...tableParams('tensors', EMA_TENSORS, rows) },
    workgroups: foldWorkgroups(ceilDiv(begin, 64)),
  };
}
