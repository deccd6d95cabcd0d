import { gpuOf, type GpuTarget } from '../gpu.ts';
import { ceilDiv, foldWorkgroups, type KernelSource, type Launch } from '../kernel.ts';
import argKernel from './arg.wgsl';
import broadcastKernel from './broadcast.wgsl';
import foldKernel from './fold.wgsl';
import foldWideKernel from './fold_wide.wgsl';
import reduceKernel from './reduce.wgsl';
import reduceProductsKernel from './reduce_products.wgsl';
import productsWideKernel from './reduce_products_wide.wgsl';
import wideKernel from './reduce_wide.wgsl';
import { sumJoint } from './several.ts';

/** The longest sum one thread makes; longer ones are split into parts and summed again. */
const LONGEST = 256;

/** Threads of a workgroup that adds up columns together; every adapter allows as many. */
const THREADS = 128;

/** Neighbouring Values that fill a line of a GPU's cache, 128 bytes. */
const NEIGHBOURS = 8;

/** The power of two at or above `n`. */
const powerAbove = (n: number): number => 2 ** Math.ceil(Math.log2(Math.max(1, n)));

/** How the threads of a workgroup stand, side by side and one below the other: see include/depth.wgsl. */
export type Depth = Readonly<Record<'COLUMNS' | 'DEPTH' | 'THREADS', number>>;

/** For sums of so many rows in so many columns of Values, on a GPU. */
export function depthFor(columns: number, rows: number): Depth {
  const depth = Math.min(THREADS / Math.min(NEIGHBOURS, powerAbove(columns)), powerAbove(rows / 4));
  return { COLUMNS: THREADS / depth, DEPTH: depth, THREADS };
}

/** [outer, length, inner]: what is summed is the middle dimension. */
export type SumSize = readonly [outer: number, length: number, inner: number];

/** A launch, and the elements that it writes. */
export interface SumPass {
  readonly launch: Launch;
  readonly outSize: number;
}

/**
 * The pass of a GPU where sums are fewer than it has threads: as many parts as keep it busy, unless a thread of one
 * part has at most 64 rows. Undefined where each thread may as well have a sum of its own.
 */
function widePass([outer, length, inner]: SumSize, target: GpuTarget): { across: number; parts: number } | undefined {
  const { threads } = gpuOf(target);
  if (target.software || length <= 8 || outer * inner >= threads) return undefined;
  const { COLUMNS, DEPTH } = depthFor(inner, length);
  const across = outer * ceilDiv(inner, COLUMNS);
  if (length <= 64 * DEPTH) return { across, parts: 1 };
  return { across, parts: Math.min(ceilDiv(length, 8 * DEPTH), ceilDiv((4 * threads) / THREADS, across)) };
}

/** The kernel of a thread for each result, and that whose threads share one. */
interface Kernels {
  readonly plain: KernelSource;
  readonly wide: KernelSource;
}
const SUMS: Kernels = { plain: reduceKernel, wide: wideKernel };
const PRODUCTS: Kernels = { plain: reduceProductsKernel, wide: productsWideKernel };
const FOLDS: Kernels = { plain: foldKernel, wide: foldWideKernel };

/**
 * The passes that make one number of the middle dimension of [outer, length, inner]. Each pass's output, [outer, parts,
 * inner], is the next one's input, of `outSize` elements; the last has parts = 1 and applies `scale`.
 */
function passes(
  [outer, length, inner]: SumSize,
  target: GpuTarget,
  kernelsOf: (pass: number) => Kernels,
  { scale = 1, overrides }: { scale?: number; overrides?: Record<string, number> },
): SumPass[] {
  const width = inner % 4 === 0 ? 4 : 1;
  const values = inner / width;
  const made: SumPass[] = [];
  for (let rest = length; ; ) {
    const { plain, wide: together } = kernelsOf(made.length);
    const wide = widePass([outer, rest, values], target);
    const parts = wide?.parts ?? (rest <= LONGEST ? 1 : ceilDiv(rest, LONGEST));
    const launch: Launch = {
      kernel: wide ? together : plain,
      ...((wide || overrides) && { overrides: { ...(wide && depthFor(values, rest)), ...overrides } }),
      aliases: width === 4 ? undefined : { Value: 'f32' },
      params: { outer, length: rest, inner: values, parts, scale: parts === 1 ? scale : 1 },
      workgroups: foldWorkgroups(wide ? wide.across * parts : ceilDiv(outer * parts * values, 64)),
      joint: sumJoint,
    };
    made.push({ launch, outSize: outer * parts * inner });
    if (parts === 1) return made;
    rest = parts;
  }
}

/**
 * The passes that sum the middle dimension of [outer, length, inner], times `scale`.
 * @param ofProducts the first pass sums the products of two tensors
 */
export const reduce = (size: SumSize, scale: number, target: GpuTarget, ofProducts = false): SumPass[] =>
  passes(size, target, (pass) => (ofProducts && pass === 0 ? PRODUCTS : SUMS), { scale });

const FOLD = { max: 1, min: 2, prod: 3 } as const;

/** The passes that take the largest, the smallest or the product of the middle dimension of [outer, length, inner]. */
export const fold = (how: keyof typeof FOLD, size: SumSize, target: GpuTarget): SumPass[] =>
  passes(size, target, () => FOLDS, { overrides: { FOLD: FOLD[how] } });

/** Where the largest or smallest of the middle dimension of [outer, length, inner] is: the first, or the `last`. */
export function arg(how: 'max' | 'min', [outer, length, inner]: SumSize, last: boolean): Launch {
  const width = inner % 4 === 0 ? 4 : 1;
  return {
    kernel: argKernel,
    overrides: { SIGN: how === 'max' ? 1 : -1, LAST: Number(last) },
    aliases: width === 4 ? undefined : { Value: 'f32' },
    params: { outer, length, inner: inner / width },
    workgroups: foldWorkgroups(ceilDiv((outer * inner) / width, 64)),
  };
}

/** [outer, inner] repeated `length` times along a new middle dimension, times `scale`. */
export const broadcast = (outer: number, length: number, inner: number, scale: number): Launch => ({
  kernel: broadcastKernel,
  params: { outer, length, inner, scale },
  workgroups: foldWorkgroups(ceilDiv(outer * length * inner, 64)),
});
