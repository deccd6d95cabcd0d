import convolution from '../conv2d/conv2d_v2_workgroup.wgsl';
import convolutionSummed from '../conv2d/conv2d_v2_workgroup_summed.wgsl';
import depthwise from '../depthwise_conv2d/depthwise_conv2d_forward_v3.wgsl';
import depthwiseSummed from '../depthwise_conv2d/depthwise_conv2d_forward_v3_summed.wgsl';
import { ceilDiv, foldWorkgroups, type Launch } from '../kernel.ts';
import product from '../matmul/matmul_v2_workgroup.wgsl';
import productSummed from '../matmul/matmul_v2_workgroup_summed.wgsl';

/** A launch that also writes `parts` partial statistics of its result, [parts, PART_ROWS, C], to its binding `partial`. */
export interface Summed {
  readonly launch: Launch;
  readonly parts: number;
}

/** Kernels that stage tiles, and their twins that make statistics beside the result. */
const TILED = new Map([
  [product, productSummed],
  [convolution, convolutionSummed],
]);

const THREADS = 64;

/** Of a workgroup that walks pieces of an image: neighbours that fill a line of a GPU's cache, or half of one. */
const columnsFor = (values: number): number => (2 * ceilDiv(values, 8) > ceilDiv(values, 4) ? 4 : 8);

/** The same launch by a kernel that makes the statistics of the result too; undefined where there is none. */
export function summed(launch: Launch): Summed | undefined {
  const { overrides, params, workgroups } = launch;
  const tiled = TILED.get(launch.kernel);
  if (tiled) {
    const rowByRow = params['row_by_row'] ?? params['rowByRow'];
    return { launch: { ...launch, kernel: tiled }, parts: workgroups[rowByRow] };
  }
  if (launch.kernel !== depthwise) return undefined;
  const COLUMNS = columnsFor(params.channels);
  const DEPTH = THREADS / COLUMNS;
  const parts = ceilDiv(params.size / params.channels, DEPTH);
  return {
    launch: {
      ...launch,
      kernel: depthwiseSummed,
      overrides: { ...overrides, COLUMNS, DEPTH, THREADS },
      workgroups: foldWorkgroups(parts * ceilDiv(params.channels, COLUMNS)),
    },
    parts,
  };
}
