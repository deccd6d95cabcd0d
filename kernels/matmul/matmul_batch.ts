import { gpuOf, type GpuTarget } from '../gpu.ts';
import { ceilDiv, foldWorkgroups, type Launch } from '../kernel.ts';
import type { MatmulSize } from './matmul_size.ts';
import batchKernel from './matmul_batch.wgsl';
import { strided } from './small.ts';

/** Products [M, K] · [K, N], one after the other; a factor may be the same for all. */
export interface BatchSize extends Pick<MatmulSize, 'M' | 'N' | 'K' | 'transposeA' | 'transposeB'> {
  readonly products: number;
  readonly sharedA: boolean;
  readonly sharedB: boolean;
}

/** Threads that keep four workgroups of a software adapter busy. */
const FEW_THREADS = 256;

/** The launch; `naive` gives each element a thread, and so do products too few to keep the adapter busy otherwise. */
export function matmulBatch(size: BatchSize, target: GpuTarget, naive: boolean): Launch {
  const { M, N, K, products, sharedA, sharedB } = size;
  const side = (n: number): number => (naive || n < 4 ? 1 : 4);
  const [tall, wide] = [side(M), side(N)];
  const threads = products * ceilDiv(M, tall) * ceilDiv(N, wide);
  const isFew = threads < (target.software ? FEW_THREADS : gpuOf(target).threads);
  const [TM, TN] = isFew ? [1, 1] : [tall, wide];
  return {
    kernel: batchKernel,
    consts: { TM, TN },
    params: { ...strided(size), products, a_z: sharedA ? 0 : M * K, b_z: sharedB ? 0 : K * N },
    workgroups: foldWorkgroups(ceilDiv(products * ceilDiv(M, TM) * ceilDiv(N, TN), 64)),
  };
}
