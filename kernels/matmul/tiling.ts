// How a product is cut into tiles: what may be taken and what is expected to be fastest.
import { gpuOf, type GpuTarget } from '../gpu.ts';
import { MAX_WORKGROUPS, ceilDiv, distinct, type KernelSource } from '../kernel.ts';

/** What tile choices depend on. */
export interface TileTarget extends GpuTarget {
  /** The least lanes of a subgroup; 0 where there are none. */
  readonly subgroups: number;
  readonly maxWorkgroupInvocations: number;
  /** Bytes of memory that a workgroup shares. */
  readonly maxWorkgroupStorage: number;
}

/** How a product is tiled. 1 says yes and 0 no. */
export type Tiling = {
  /**
   * Threads of a workgroup: one below the other, each with 4 rows, or where they stage, in a rectangle, each with
   * 4·high x 4·wide numbers of the tile.
   */
  readonly lanes: number;
  /** Columns of a tile: 4, 8, 16 or 24, or where they stage a multiple of 4·wide. */
  readonly columns: number;
  /** The order in which the tiles run: see block_origin. */
  readonly rowByRow: number;
  /** Whether the lanes of a subgroup share loads. */
  readonly subgroups: number;
  /**
   * vec4s of depth that a workgroup stages at a time in its memory (tile.wgsl); 0 where each thread loads for itself.
   */
  readonly staged: number;
  /** vec4s of rows and of columns of a thread that stages: 1 or 2; 0 elsewhere. */
  readonly high: number;
  readonly wide: number;
  /** At most so many parts of the sum are made apart and added up. */
  readonly parts: number;
};

export const padded = (n: number): number => ceilDiv(n, 4) * 4;

/** Rows of a workgroup of `lanes` threads. */
const rowsOf = (lanes: number) => lanes * 4;

/** The most threads of a workgroup that every WebGPU adapter has. */
const MOST_LANES = 256;

/** The tiled kernels take so many rows at most; there is no grid for more. */
export const MOST_ROWS = MAX_WORKGROUPS * rowsOf(MOST_LANES);

/**
 * Threads of a workgroup: one vector of a software adapter, two warps of a GPU; more where the grid would pass 65,535.
 */
function lanesFor(rows: number, { software }: TileTarget): number {
  let lanes = software ? 8 : 64;
  while (lanes < MOST_LANES && ceilDiv(rows, rowsOf(lanes)) > MAX_WORKGROUPS) lanes *= 2;
  return lanes;
}

/**
 * What a software adapter takes for the columns of a tile, in multiplications: a load for each of four rows and for
 * each eight columns costs as much as multiplying seven columns. Wider tiles would load less, but the code of their
 * loop is no longer held by a cache of 32 KiB.
 */
const softwareCost = (cols: number, width: number): number =>
  ceilDiv(cols, width) * (7 * (4 + ceilDiv(width, 8)) + width);

/** Columns that a tile of more than four may have. */
const widthsFor = ({ software }: TileTarget): number[] => (software ? [16, 24, 8] : [16, 8]);

/**
 * On a GPU 16 columns a thread, or 8 where that would waste more than a quarter of the columns; 4 where there are no
 * more, or no registers for more.
 */
function columnsFor(cols: number, target: TileTarget): number {
  if (cols <= 4 || gpuOf(target).sums < 32) return 4;
  if (!target.software) return ceilDiv(cols, 16) * 16 > 1.25 * ceilDiv(cols, 8) * 8 ? 8 : 16;
  return widthsFor(target).sort((a, b) => softwareCost(cols, a) - softwareCost(cols, b))[0];
}

/** The right operand up to this size (in elements) is taken to stay in a core's cache while the rows pass by. */
export const CACHED = 128 * 1024;

/**
 * A product as tiles see it: `rows` x `cols`, each a sum of `depth` products that may be cut into `mostParts`; or
 * `groups` such products side by side.
 */
export interface Problem {
  /** So many of all this at once, in layers of the grid; 1 where absent. */
  readonly products?: number;
  readonly groups?: number;
  readonly rows: number;
  readonly cols: number;
  readonly depth: number;
  readonly mostParts: number;
  /** So many parts that what neighbouring tiles read of the operands stays in a cache; 1 where absent. */
  readonly leastParts?: number;
}

/** Parts of at least 256 products, whose partial results of `outputs` elements each together take at most 32 MiB. */
export const mostParts = (depth: number, outputs: number): number =>
  Math.max(1, Math.min(Math.floor(depth / 256), Math.floor(2 ** 23 / outputs)));

type Shape = Pick<Tiling, 'lanes' | 'columns' | 'staged' | 'high' | 'wide'>;

/** Threads of a staging workgroup down and across. */
function rectangle({ lanes, columns, wide }: Shape) {
  const across = columns / (4 * wide);
  return { down: lanes / across, across };
}

const heightOf = (shape: Shape): number =>
  shape.staged ? 4 * shape.high * rectangle(shape).down : rowsOf(shape.lanes);

const tilesOf = ({ rows, cols, groups = 1 }: Problem, shape: Shape) =>
  [ceilDiv(rows, heightOf(shape)), groups * ceilDiv(cols, shape.columns)] as const;

/** Eight lanes load the eight vec4s of a tile's right operand: see columns_subgroup.wgsl. */
const sharesLoads = ({ subgroups }: TileTarget): boolean => subgroups >= 8;

/** A software adapter takes as long for so many multiplications of a tile as for the launch that adds its parts up. */
const WORTH_A_PART = 2 ** 18;

/**
 * What is taken for a product where nobody measured. Loads are shared between lanes where they are dear, and the sum is
 * split into as many parts as give all processors work.
 */
function defaultTiling(problem: Problem, target: TileTarget): Tiling {
  const size = {
    lanes: lanesFor(problem.rows, target),
    columns: columnsFor(problem.cols, target),
    staged: 0,
    high: 0,
    wide: 0,
  };
  const [down, across] = tilesOf(problem, size);
  const wanted = Math.max(
    ceilDiv(gpuOf(target).threads, size.lanes * down * across * (problem.products ?? 1)),
    problem.leastParts ?? 1,
  );
  const worthwhile = target.software
    ? Math.floor((rowsOf(size.lanes) * size.columns * problem.depth) / WORTH_A_PART)
    : Infinity;
  return {
    ...size,
    rowByRow: +((problem.groups ?? 1) * problem.cols * problem.depth <= CACHED || down > MAX_WORKGROUPS),
    subgroups: +(target.software && sharesLoads(target)),
    parts: Math.max(1, Math.min(wanted, problem.mostParts, worthwhile)),
  };
}

/** Tiles that are staged in workgroup memory. A GPU that spills 8 x 8 sums a thread takes those of 4 x 8 or 4 x 4. */
const STAGED: readonly Shape[] = [
  { lanes: 256, columns: 128, staged: 4, high: 2, wide: 2 }, // 128 x 128
  { lanes: 128, columns: 64, staged: 4, high: 2, wide: 2 }, // 128 x 64
  { lanes: 64, columns: 64, staged: 4, high: 2, wide: 2 }, // 64 x 64
  { lanes: 64, columns: 32, staged: 2, high: 2, wide: 2 }, // 128 x 32
  { lanes: 256, columns: 128, staged: 4, high: 1, wide: 2 }, // 64 x 128
  { lanes: 128, columns: 64, staged: 4, high: 1, wide: 2 }, // 64 x 64
  { lanes: 64, columns: 32, staged: 4, high: 1, wide: 2 }, // 64 x 32
  { lanes: 256, columns: 64, staged: 4, high: 1, wide: 1 }, // 64 x 64
  { lanes: 64, columns: 32, staged: 4, high: 1, wide: 1 }, // 32 x 32
];

const sumsOf = ({ high, wide }: Shape): number => 16 * high * wide;

/**
 * What a multiplication of a tile costs, the multiply-add itself being 1. For each of its 4·high + 4·wide operands a
 * thread reads workgroup memory, and a workgroup the buffers for each row and column of the tile. A tile that is not
 * staged loads all from the buffers.
 */
function costOfOne(shape: Shape): number {
  if (!shape.staged) return 4;
  const { high, wide, columns } = shape;
  return 1 + (2 * (high + wide)) / sumsOf(shape) + 16 / columns + 16 / heightOf(shape);
}

function stagedOverrides(shape: Shape) {
  const { down, across } = rectangle(shape);
  const { high, wide, staged } = shape;
  return {
    DOWN: down,
    ACROSS: across,
    HIGH: high,
    WIDE: wide,
    DEPTH: staged,
    LEFT_TILE: 4 * staged * (high * down + 1),
    RIGHT_TILE: 4 * staged * wide * across,
  };
}

/** How often the threads of a launch fall short of what keeps the GPU busy; 1 where they do not. */
function idleness(problem: Problem, tiling: Omit<Tiling, 'rowByRow' | 'subgroups'>, target: TileTarget): number {
  if (target.software) return 1;
  const [down, across] = tilesOf(problem, tiling);
  const workgroups = down * across * tiling.parts * (problem.products ?? 1);
  return Math.max(1, gpuOf(target).threads / (workgroups * tiling.lanes));
}

/** None for a CPU, which has no such memory. */
function stagedTilings(problem: Problem, target: TileTarget): Tiling[] {
  if (target.software) return [];
  return STAGED.flatMap((shape) => {
    const { LEFT_TILE, RIGHT_TILE } = stagedOverrides(shape);
    if (shape.lanes > target.maxWorkgroupInvocations || 16 * (LEFT_TILE + RIGHT_TILE) > target.maxWorkgroupStorage)
      return [];
    const [, across] = tilesOf(problem, shape);
    const wanted = Math.ceil(idleness(problem, { ...shape, parts: 1 }, target));
    return [
      {
        ...shape,
        rowByRow: +(across <= MAX_WORKGROUPS),
        subgroups: 0,
        parts: Math.min(wanted, problem.mostParts),
      },
    ];
  });
}

/** Whether `a` is expected to take clearly less than `b`, as tilings of two problems. */
export const isCheaper = (a: readonly [Problem, Tiling], b: readonly [Problem, Tiling], target: TileTarget): boolean =>
  costOf(...a, target) < 0.75 * costOf(...b, target);

/** What a tiling is expected to take, in multiply-adds of the whole GPU. */
function costOf(problem: Problem, tiling: Tiling, target: TileTarget): number {
  const [down, across] = tilesOf(problem, tiling);
  const covered = down * across * heightOf(tiling) * tiling.columns;
  return covered * costOfOne(tiling) * idleness(problem, tiling, target);
}

/** The default, what differs from it in one respect, and other tiles. */
export function tilings(problem: Problem, target: TileTarget): Tiling[] {
  const alone = defaultTiling(problem, target);
  const staged = stagedTilings(problem, target);
  const held = staged.filter((tiling) => sumsOf(tiling) <= gpuOf(target).sums);
  const usual = [...held, alone].sort((a, b) => costOf(problem, a, target) - costOf(problem, b, target))[0];
  // A GPU that stages has no use for others of the tiles that it does not stage.
  const lanes = (target.software ? [8, 16, 32] : staged.length > 0 ? [] : [32, 64, 128]).filter(
    (n) => n <= target.maxWorkgroupInvocations,
  );
  const columns = staged.length > 0 ? [] : problem.cols <= 4 ? [4, 8] : widthsFor(target);
  const parts = [1, usual.parts >> 1, usual.parts * 2, ...(target.software ? [usual.parts * 4] : [])].filter(
    (n) => n >= 1 && n <= problem.mostParts,
  );
  const all: Tiling[] = [
    usual,
    alone,
    ...staged,
    ...lanes.map((n) => ({ ...alone, lanes: n })),
    ...columns.map((n) => ({ ...alone, columns: n })),
    { ...usual, rowByRow: 1 - usual.rowByRow },
    ...(sharesLoads(target) ? [{ ...alone, subgroups: 1 - alone.subgroups }] : []),
    ...parts.map((n) => ({ ...usual, parts: n })),
  ];
  return distinct(all).filter((tiling) => tilesOf(problem, tiling).every((n) => n <= MAX_WORKGROUPS));
}

/** The overrides and the first two sides of the grid. */
export function tileGrid(problem: Problem, tiling: Tiling) {
  const [down, across] = tilesOf(problem, tiling);
  const grid = tiling.rowByRow ? ([across, down] as const) : ([down, across] as const);
  return {
    overrides: tiling.staged ? stagedOverrides(tiling) : { LANES: tiling.lanes, COLUMNS: tiling.columns },
    grid,
  };
}

/** Of the kernels whose threads load alone, share loads by subgroups, or stage: the tiling's. */
export const kernelOf = (kernels: TileKernels, { subgroups, staged }: Tiling): KernelSource =>
  kernels[staged ? 2 : subgroups];

export type TileKernels = readonly [alone: KernelSource, bySubgroups: KernelSource, inWorkgroups: KernelSource];

/** Elements that the tiles of a product cover where nobody measured, those beyond the matrix included. */
export function tiledArea({ rows, cols }: Pick<Problem, 'rows' | 'cols'>, target: TileTarget): number {
  const height = rowsOf(lanesFor(rows, target));
  const width = columnsFor(cols, target);
  return ceilDiv(rows, height) * height * ceilDiv(cols, width) * width;
}
