import { BATCH_NORM_ACTIVATIONS, type BatchNormActivation } from '../batch_norm/batch_norm.ts';
import { gpuOf } from '../gpu.ts';
import type { Choices, Launch } from '../kernel.ts';
import { needsPadding, tiledChoices, type MatmulSize, type MatmulTiling } from './matmul.ts';
import { allMatmulChoices } from './matmul_v3.ts';
import normalised from './matmul_v2_workgroup_normalised.wgsl';
import type { MatrixTarget } from './matrix_tiling.ts';

/** A batch norm that a product makes as it stages its left operand. */
export interface NormalisedLeft {
  readonly activation: BatchNormActivation;
  /** Its result is multiplied by a gate, one number for a sample and channel. */
  readonly gated: boolean;
  /** Of a sample. */
  readonly pixels: number;
}

/** So many depths are staged at a time: where depths are pixels, no sample may have fewer (product_normalised.wgsl). */
const MOST_STAGED = 16;

/** A thread that holds fewer numbers spills what it normalises by beside its sums: Intel's do. */
const LEAST_NUMBERS = 64;

/** Whether a product stages its operands, where nobody measured, and can make its left one from x as it does so. */
export function canNormalise(
  size: MatmulSize,
  { gated, pixels }: Pick<NormalisedLeft, 'gated' | 'pixels'>,
  target: MatrixTarget,
): boolean {
  if (gpuOf(target).numbers < LEAST_NUMBERS || needsPadding(size) || (gated && size.transposeA && pixels < MOST_STAGED))
    return false;
  const [usual] = allMatmulChoices(size, target).candidates;
  return 'staged' in usual && usual.staged > 0;
}

/** The ways to compute such a product. What it sums are no whole numbers, whatever x is. */
export const normalisedChoices = (size: MatmulSize, target: MatrixTarget): Choices<MatmulTiling> => ({
  kernels: [normalised],
  candidates: tiledChoices(size, target).candidates.filter(({ staged }) => staged > 0),
  roundings: size.K,
});

/** A launch of such a tiling with its left operand made from x. Bindings: left, right, of_channel, gate, out. */
export const withNormalisedLeft = (launch: Launch, { activation, gated, pixels }: NormalisedLeft): Launch => ({
  ...launch,
  kernel: normalised,
  overrides: { ...launch.overrides, GATED: +gated, ACTIVATION: BATCH_NORM_ACTIVATIONS[activation] },
  params: { ...launch.params, pixels },
});
