import { ceilDiv, foldWorkgroups, type Launch } from '../kernel.ts';
import augmentKernel from './augment.wgsl';

/** Views of `batch` images of sourceH x sourceW pixels, as squares of `size` pixels; taps x taps samples a pixel. */
export const augment = (batch: number, sourceH: number, sourceW: number, size: number, taps: number): Launch => ({
  kernel: augmentKernel,
  params: { batch, sourceH, sourceW, size, taps },
  workgroups: foldWorkgroups(ceilDiv(batch * size * size, 64)),
});
