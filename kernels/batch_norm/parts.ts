import { EPILOGUE_BINDINGS } from '../epilogue/epilogue.ts';
import type { KernelSource, Launch, Pair } from '../kernel.ts';
import { OPERAND_MODE, POINTWISE } from '../pointwise/pointwise.ts';
import stats from './batch_norm_stats.wgsl';
import statsOfParts from './batch_norm_stats_parts.wgsl';
import sums from './batch_norm_sums.wgsl';
import sumsOfParts from './batch_norm_sums_parts.wgsl';

/** Whether a launch that adds up parts adds nothing else, or one tensor more; undefined where it does more. */
function isAdded({ overrides = {} }: Launch): boolean | undefined {
  if (!overrides['EPILOGUE0']) return false;
  const isSum = overrides['EPILOGUE0'] === POINTWISE.add && overrides['FROM0'] === OPERAND_MODE.full;
  return isSum && !overrides['EPILOGUE1'] ? true : undefined;
}

/**
 * A launch that adds up the parts of a product takes along one by which batch norm reads the sum.
 * @param reads the binding by which it does, of a kernel, and the alias that says how that is stored
 * @param twin the kernel that adds up the parts as it reads them
 */
const ofParts = (reads: string, kernel: KernelSource, storage: string, twin: KernelSource): Pair => ({
  reads,
  both(first, later) {
    const added = isAdded(first);
    const { samples, rows, channels } = later.params;
    const isWhole = first.params['size'] === samples * rows * channels && later.aliases?.['Value'] === undefined;
    if (later.kernel !== kernel || added === undefined || !isWhole) return undefined;
    const { [storage]: Whole, ...others } = later.aliases ?? {};
    const Residual = first.aliases?.['E0'];
    return {
      ...later,
      kernel: twin,
      overrides: { ...later.overrides, ADDED: Number(added) },
      consts: first.consts,
      aliases: { ...others, ...(Whole && { Whole }), ...(Residual && { Residual }) },
      params: { ...later.params, pieces: first.params['parts'] },
    };
  },
  bind(first, later) {
    const { [reads]: _, ...others } = later;
    return { ...others, pieces: first['x'], residual: first[EPILOGUE_BINDINGS[0]], whole: first['out'] };
  },
  hardware: true,
});

/** For statistics, and for the sums of a gradient. */
export const OF_PARTS: readonly Pair[] = [
  ofParts('x', stats, 'X', statsOfParts),
  ofParts('dy', sums, 'Dy', sumsOfParts),
];
