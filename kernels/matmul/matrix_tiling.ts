import { MAX_WORKGROUPS, ceilDiv, distinct } from '../kernel.ts';
import type { Problem, TileTarget } from './tiling.ts';

/** The matrices that a subgroup multiplies at once: [M, K] · [K, N] of f16, summed in f32. */
export interface SubgroupMatrix {
  readonly M: number;
  readonly N: number;
  readonly K: number;
  readonly subgroupSize: number;
}

/** What tilings with subgroup matrices depend on. */
export interface MatrixTarget extends TileTarget {
  /** Absent where there are none, or where a program may not use them. */
  readonly subgroupMatrix?: SubgroupMatrix;
}

/** How a product is tiled with subgroup matrices: see matrix_tile.wgsl. */
export type MatrixTiling = {
  readonly subgroupsM: number;
  readonly subgroupsN: number;
  readonly regM: number;
  readonly regN: number;
  readonly tileK: number;
  readonly stages: number;
  /** 1 or 0: whether workgroups that run after one another have the same rows. */
  readonly rowByRow: number;
  /** At most so many parts of the sum are made apart and added up. */
  readonly parts: number;
};

type Tile = Pick<MatrixTiling, 'subgroupsM' | 'subgroupsN' | 'regM' | 'regN'>;

/**
 * Tiles and how fast they are thought to be: a larger tile reads an operand less often. Rows and columns for matrices
 * of 16 x 16. Four or eight subgroups of 32, so that a workgroup is a multiple of the largest subgroup that Dawn's null
 * backend has, 128.
 */
const TILES: readonly (Tile & { readonly speed: number })[] = [
  { subgroupsM: 2, subgroupsN: 4, regM: 4, regN: 2, speed: 1 }, // 128 x 128
  { subgroupsM: 2, subgroupsN: 2, regM: 4, regN: 4, speed: 0.95 }, // 128 x 128
  { subgroupsM: 2, subgroupsN: 2, regM: 4, regN: 2, speed: 0.8 }, // 128 x 64
  { subgroupsM: 2, subgroupsN: 2, regM: 2, regN: 2, speed: 0.6 }, // 64 x 64
  { subgroupsM: 4, subgroupsN: 1, regM: 2, regN: 2, speed: 0.5 }, // 128 x 32
  { subgroupsM: 1, subgroupsN: 4, regM: 2, regN: 2, speed: 0.5 }, // 32 x 128
  { subgroupsM: 4, subgroupsN: 1, regM: 2, regN: 1, speed: 0.35 }, // 128 x 16
  { subgroupsM: 2, subgroupsN: 2, regM: 1, regN: 1, speed: 0.3 }, // 32 x 32
];

/** Workgroups that keep a large GPU busy: two for each of its 132 processors. */
const ENOUGH_WORKGROUPS = 264;

/** Below so many multiplications a product is over before a tile of this size pays. */
const LEAST_WORK = 2 ** 20;
const TILE_K = 32;

/** Whether an operand's vec4s run along the depth. */
export interface Layout {
  readonly leftAlong: boolean;
  readonly rightAlong: boolean;
}

const heightOf = ({ subgroupsM, regM }: Tile, { M }: SubgroupMatrix) => subgroupsM * regM * M;
const widthOf = ({ subgroupsN, regN }: Tile, { N }: SubgroupMatrix) => subgroupsN * regN * N;
const threadsOf = ({ subgroupsM, subgroupsN }: Tile, { subgroupSize }: SubgroupMatrix) =>
  subgroupsM * subgroupsN * subgroupSize;
const tilesOf = ({ rows, cols }: Problem, tile: Tile, matrix: SubgroupMatrix) =>
  [ceilDiv(rows, heightOf(tile, matrix)), ceilDiv(cols, widthOf(tile, matrix))] as const;

/** Bytes of workgroup memory, each array as matrix_tile.wgsl declares it. */
function storageOf(
  { leftAlong, rightAlong }: Layout,
  tile: Tile & Pick<MatrixTiling, 'tileK' | 'stages'>,
  matrix: SubgroupMatrix,
): number {
  const halves = (size: number, along: boolean) => (along ? size * (tile.tileK + 8) : tile.tileK * (size + 8));
  const staged = halves(heightOf(tile, matrix), leftAlong) + halves(widthOf(tile, matrix), rightAlong);
  return 2 * tile.stages * staged + 4 * tile.subgroupsM * tile.subgroupsN * matrix.M * (matrix.N + 4);
}

/**
 * The tilings with subgroup matrices, the default first; none where the target has no such matrices or the product is
 * too small for them.
 */
export function matrixTilings(problem: Problem, layout: Layout, target: MatrixTarget): MatrixTiling[] {
  const { rows, cols, depth, mostParts } = problem;
  const { subgroupMatrix: matrix, maxWorkgroupInvocations, maxWorkgroupStorage } = target;
  if (!matrix || TILE_K % matrix.K !== 0 || Math.min(rows, cols, depth) < 16 || rows * cols * depth < LEAST_WORK)
    return [];
  const fits = (tile: Tile & Pick<MatrixTiling, 'tileK' | 'stages'>) =>
    threadsOf(tile, matrix) <= maxWorkgroupInvocations &&
    storageOf(layout, tile, matrix) <= maxWorkgroupStorage &&
    tilesOf(problem, tile, matrix).every((n) => n <= MAX_WORKGROUPS);
  const found = TILES.flatMap(({ speed, ...tile }) => {
    const stages = [2, 1].find((n) => fits({ ...tile, tileK: TILE_K, stages: n }));
    if (stages === undefined) return [];
    const [down, across] = tilesOf(problem, tile, matrix);
    const parts = Math.min(ceilDiv(ENOUGH_WORKGROUPS, down * across), mostParts);
    const idle = Math.max(1, ENOUGH_WORKGROUPS / (down * across * parts));
    const cost = (down * across * heightOf(tile, matrix) * widthOf(tile, matrix) * idle) / speed;
    return [{ tiling: { ...tile, tileK: TILE_K, stages, rowByRow: +(across <= MAX_WORKGROUPS), parts }, cost }];
  });
  if (found.length === 0) return [];
  const [{ tiling: usual }, ...others] = found.sort((a, b) => a.cost - b.cost);
  const parts = [1, usual.parts >> 1, usual.parts * 2].filter((n) => n >= 1 && n <= mostParts);
  return distinct([
    usual,
    ...others.map(({ tiling }) => tiling),
    { ...usual, stages: 3 - usual.stages },
    { ...usual, rowByRow: 1 - usual.rowByRow },
    ...parts.map((n) => ({ ...usual, parts: n })),
  ]).filter(fits);
}

/** The constants of matrix_tile.wgsl and the first two sides of the grid. */
export function matrixGrid(
  problem: Problem,
  { leftAlong, rightAlong }: Layout,
  tiling: MatrixTiling,
  matrix: SubgroupMatrix,
) {
  const [down, across] = tilesOf(problem, tiling, matrix);
  const grid = tiling.rowByRow ? ([across, down] as const) : ([down, across] as const);
  const consts = {
    MAT_M: matrix.M,
    MAT_N: matrix.N,
    MAT_K: matrix.K,
    SUBGROUP_SIZE: matrix.subgroupSize,
    SUBGROUPS_M: tiling.subgroupsM,
    SUBGROUPS_N: tiling.subgroupsN,
    THREADS: threadsOf(tiling, matrix),
    REG_M: tiling.regM,
    REG_N: tiling.regN,
    TILE_K: tiling.tileK,
    STAGES: tiling.stages,
    LEFT_ALONG: +leftAlong,
    RIGHT_ALONG: +rightAlong,
  };
  return { consts, grid };
}
