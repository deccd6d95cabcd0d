import { ceilDiv, foldWorkgroups, type Launch } from '../kernel.ts';
import naive from './matmul_v1.wgsl';

/** out [M, N] = op(a) · op(b) with op(a) [M, K] and op(b) [K, N]; a transposed operand is stored as [K, M] or [N, K]. */
export interface MatmulSize {
  readonly M: number;
  readonly N: number;
  readonly K: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/** One thread an output element. Bindings: a, b, out. */
export function matmulV1({ M, N, K, transposeA, transposeB }: MatmulSize): Launch {
  const [a_m, a_k] = transposeA ? [1, M] : [K, 1];
  const [b_k, b_n] = transposeB ? [1, K] : [N, 1];
  return { kernel: naive, params: { M, N, K, a_m, a_k, b_k, b_n }, workgroups: foldWorkgroups(ceilDiv(M * N, 64)) };
}
