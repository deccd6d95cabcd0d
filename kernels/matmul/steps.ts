import type { Launch } from '../kernel.ts';
import several from './matmul_step_several.wgsl';
import tile from './matmul_step_tile.wgsl';
import vectors from './matmul_step_vectors.wgsl';

/** The steps between the naive product and the tiled one, which docs/16-read-the-kernel.md goes through. */
export type MatmulStep = 'tile' | 'several' | 'vectors';

/** The sizes of a step's product are multiples of this: a kernel that teaches has no edges. */
export const STEP_MULTIPLE = 64;

/** out [M, N] = a [M, K] · b [K, N], all multiples of STEP_MULTIPLE. Bindings: a, b, out. */
export function matmulStep(step: MatmulStep, M: number, N: number, K: number): Launch {
  if ([M, N, K].some((n) => n % STEP_MULTIPLE !== 0))
    throw new Error(`matmul_step_${step}: ${M}, ${N} and ${K} must be multiples of ${STEP_MULTIPLE}`);
  const side = step === 'tile' ? 16 : 64;
  return {
    kernel: { tile, several, vectors }[step],
    params: step === 'vectors' ? { N: N / 4, K: K / 4 } : { N, K },
    workgroups: [N / side, M / side, 1],
  };
}
