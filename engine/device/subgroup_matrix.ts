import type { SubgroupMatrix } from '../../kernels/matmul/matrix_tiling.ts';

/** Dawn's experiment: matrices that a subgroup multiplies together, on tensor cores where there are any. */
export const SUBGROUP_MATRIX = 'chromium-experimental-subgroup-matrix' as GPUFeatureName;

/** What Dawn adds to GPUAdapterInfo. */
interface MatrixInfo {
  readonly subgroupMinSize?: number;
  readonly subgroupMaxSize?: number;
  readonly subgroupMatrixConfigs?: Iterable<{
    readonly componentType: string;
    readonly resultComponentType: string;
    readonly M: number;
    readonly N: number;
    readonly K: number;
  }>;
}

/**
 * Sides that divide the tiles of kernels/matmul/matrix_tile.wgsl, and keep every matrix in it at a multiple of 16
 * bytes.
 */
const SIDES = [8, 16];
const DEPTHS = [8, 16, 32];

/**
 * The largest matrices of f16 that an adapter multiplies into f32, the first of several as large; undefined where it
 * has none. Subgroups must have one size, because a workgroup's tile is divided among a number of them that is known
 * beforehand.
 */
export function subgroupMatrixOf(info: MatrixInfo, features: ReadonlySet<string>): SubgroupMatrix | undefined {
  const { subgroupMinSize, subgroupMaxSize, subgroupMatrixConfigs = [] } = info;
  if (
    !['shader-f16', 'subgroups', SUBGROUP_MATRIX].every((name) => features.has(name)) ||
    !subgroupMaxSize ||
    subgroupMinSize !== subgroupMaxSize
  )
    return undefined;
  const usable = [...subgroupMatrixConfigs].filter(
    ({ componentType, resultComponentType, M, N, K }) =>
      componentType === 'f16' &&
      resultComponentType === 'f32' &&
      SIDES.includes(M) &&
      SIDES.includes(N) &&
      DEPTHS.includes(K),
  );
  const [largest] = usable.sort((a, b) => b.M * b.N * b.K - a.M * a.N * a.K);
  return largest && { M: largest.M, N: largest.N, K: largest.K, subgroupSize: subgroupMaxSize };
}
