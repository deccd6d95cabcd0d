import convolution from '../conv2d/conv2d_v2_workgroup.wgsl';
import convolutionSummed from '../conv2d/conv2d_v2_workgroup_summed.wgsl';
import depthwise from '../depthwise_conv2d/depthwise_conv2d_forward_v3.wgsl';
import depthwiseSummed from '../depthwise_conv2d/depthwise_conv2d_forward_v3_summed.wgsl';
import inputGrad from '../depthwise_conv2d/depthwise_conv2d_input_grad_v2.wgsl';
import inputGradSummed from '../depthwise_conv2d/depthwise_conv2d_input_grad_v2_summed.wgsl';
import turnedSummed from '../depthwise_conv2d/depthwise_conv2d_input_grad_v3_summed.wgsl';
import { BATCH_NORM_ACTIVATIONS, type BatchNormActivation } from './batch_norm.ts';
import { ceilDiv, foldWorkgroups, type KernelSource, type Launch } from '../kernel.ts';
import product from '../matmul/matmul_v2_workgroup.wgsl';
import productNormalised from '../matmul/matmul_v2_workgroup_normalised.wgsl';
import productNormalisedSummed from '../matmul/matmul_v2_workgroup_normalised_summed.wgsl';
import productSummed from '../matmul/matmul_v2_workgroup_summed.wgsl';

/** A launch that also writes `parts` partial sums over the rows of its result to its binding `partial`. */
export interface Summed {
  readonly launch: Launch;
  readonly parts: number;
}

/** Kernels that stage tiles, and their twins that make statistics beside the result. */
const TILED = new Map([
  [product, productSummed],
  [productNormalised, productNormalisedSummed],
  [convolution, convolutionSummed],
]);

/** Kernels of depthwise input gradients, and their twins that make a batch norm's sums beside the result. */
const INPUT_GRADS = new Map([
  [depthwise, turnedSummed],
  [inputGrad, inputGradSummed],
]);

const THREADS = 64;

/** Of a workgroup that walks pieces of an image: neighbours that fill a line of a GPU's cache, or half of one. */
const columnsFor = (values: number): number => (2 * ceilDiv(values, 8) > ceilDiv(values, 4) ? 4 : 8);

/** A launch whose threads each take a piece of the image, so that those of a workgroup can sum: see pieces.wgsl. */
function inPieces(launch: Launch, kernel: KernelSource): Summed {
  const { channels, size } = launch.params;
  const COLUMNS = columnsFor(channels);
  const DEPTH = THREADS / COLUMNS;
  const parts = ceilDiv(size / channels, DEPTH);
  const overrides = { ...launch.overrides, COLUMNS, DEPTH, THREADS };
  return {
    launch: { ...launch, kernel, overrides, workgroups: foldWorkgroups(parts * ceilDiv(channels, COLUMNS)) },
    parts,
  };
}

/**
 * The same launch by a kernel that makes the statistics of the result too, [parts, PART_ROWS, C]; undefined where there
 * is none.
 */
export function summed(launch: Launch): Summed | undefined {
  if (launch.kernel === depthwise) return inPieces(launch, depthwiseSummed);
  const kernel = TILED.get(launch.kernel);
  const { params, workgroups } = launch;
  return kernel && { launch: { ...launch, kernel }, parts: workgroups[params['row_by_row'] ?? params['rowByRow']] };
}

/**
 * The launch of a depthwise input gradient by a kernel that also makes dγ and dβ, [parts, 2, C], of the batch norm that
 * made the convolution's input: from of_channel, its coefficients, and `normed`, what it read. Undefined where there is
 * none.
 */
export function gradSummed(launch: Launch, activation: BatchNormActivation): Summed | undefined {
  const kernel = INPUT_GRADS.get(launch.kernel);
  if (!kernel || !launch.overrides?.['CHAINED']) return undefined;
  const ACTIVATION = BATCH_NORM_ACTIVATIONS[activation];
  return inPieces({ ...launch, overrides: { ...launch.overrides, ACTIVATION } }, kernel);
}
