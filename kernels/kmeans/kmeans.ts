import { ceilDiv, foldWorkgroups, type Launch } from '../kernel.ts';
import chooseKernel from './kmeans_seed_choose.wgsl';
import moveKernel from './kmeans_move.wgsl';
import nearestKernel from './kmeans_nearest.wgsl';
import sumsKernel from './kmeans_sums.wgsl';
import weightsKernel from './kmeans_seed_weights.wgsl';

/** n points of d coordinates, k centres. */
export interface KMeansSize {
  readonly n: number;
  readonly d: number;
  readonly k: number;
}

/**
 * At most so many parts of the points, whatever their number: what the second passes go through, and what bounds the
 * scratch memory.
 */
const MOST_PARTS = 256;
const SHORTEST = 64;

function parts(n: number): { chunk: number; parts: number } {
  const chunk = Math.max(SHORTEST, ceilDiv(n, MOST_PARTS));
  return { chunk, parts: ceilDiv(n, chunk) };
}

/** The nearest centre of each point. */
export const nearest = ({ n, d, k }: KMeansSize): Launch => ({
  kernel: nearestKernel,
  params: { n, d, k },
  workgroups: foldWorkgroups(ceilDiv(n, 64)),
});

/** Two passes that move every centre to the mean of its points, with `scratch` numbers between them. */
export function move({ n, d, k }: KMeansSize): { sums: Launch; move: Launch; scratch: number } {
  const division = parts(n);
  const scratch = division.parts * k * (d + 1);
  return {
    sums: {
      kernel: sumsKernel,
      params: { n, d, k, chunk: division.chunk, size: scratch },
      workgroups: foldWorkgroups(ceilDiv(scratch, 64)),
    },
    move: {
      kernel: moveKernel,
      params: { d, k, parts: division.parts },
      workgroups: foldWorkgroups(ceilDiv(k * d, 64)),
    },
    scratch,
  };
}

/** Two passes that choose the next centre, with `scratch` numbers between them. */
export function seed({ n, d }: Pick<KMeansSize, 'n' | 'd'>): { weights: Launch; choose: Launch; scratch: number } {
  const params = { n, d, ...parts(n) };
  return {
    weights: { kernel: weightsKernel, params, workgroups: foldWorkgroups(ceilDiv(params.parts, 64)) },
    choose: { kernel: chooseKernel, params, workgroups: foldWorkgroups(ceilDiv(d, 64)) },
    scratch: params.parts,
  };
}
