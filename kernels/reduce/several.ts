import { bitsOf, ceilDiv, foldWorkgroups, tableParams, type Joint, type Launch } from '../kernel.ts';
import reduceKernel from './reduce.wgsl';
import severalKernel from './reduce_several.wgsl';
import wideKernel from './reduce_wide.wgsl';

/** Sums that one launch makes: with its result they are the 8 buffers that every adapter binds. */
const SEVERAL_SUMS = 7;

/** Threads of a workgroup of reduce_several.wgsl. */
const THREADS = 128;

/** The sum of a middle dimension, as a launch of its own makes it in one pass. */
interface SingleSum {
  /** Numbers of a Value. */
  readonly width: number;
  readonly inner: number;
  readonly length: number;
  /** Of a workgroup. */
  readonly columns: number;
  readonly scale: number;
}

/** What a launch of reduce.wgsl or reduce_wide.wgsl sums; undefined of others, and where it makes several parts. */
function singleSum({ kernel, overrides, aliases, params }: Launch): SingleSum | undefined {
  const { outer, inner, length, parts, scale } = params;
  const columns = kernel === wideKernel ? overrides?.['COLUMNS'] : kernel === reduceKernel ? THREADS : undefined;
  if (columns === undefined || outer !== 1 || parts !== 1) return undefined;
  // As f16 too it is one number or four.
  return { width: aliases?.['Value'] === 'f32' ? 1 : 4, inner, length, columns, scale };
}

/** Of a launch that makes a sum in one pass. */
export function sumJoint(launch: Launch): Joint | undefined {
  const width = singleSum(launch)?.width;
  return width === undefined
    ? undefined
    : { key: `sum ${width}`, inputs: ['x'], most: SEVERAL_SUMS, width, together: severalSums };
}

/**
 * Launches of single sums of one width, each made to the bits of its own, whose results lie in one memory. Bindings: x0
 * to x6, out.
 * @param begins where the result of each begins, in numbers, which the width divides
 */
export function severalSums(launches: readonly Launch[], begins: readonly number[]): Launch {
  const sums = launches.map((launch) => singleSum(launch)!);
  const [{ width }] = sums;
  let workgroups = 0;
  const rows = sums.map(({ inner, length, columns }) => {
    const row = [workgroups, inner, length, columns];
    workgroups += ceilDiv(inner, columns);
    return row;
  });
  const places = sums.map(({ scale }, i) => [begins[i] / width, bitsOf(scale), 0, 0]);
  return {
    kernel: severalKernel,
    aliases: width === 4 ? undefined : { Value: 'f32' },
    params: {
      count: sums.length,
      ...tableParams('sums', SEVERAL_SUMS, rows),
      ...tableParams('places', SEVERAL_SUMS, places),
    },
    workgroups: foldWorkgroups(workgroups),
  };
}
