import { ceilDiv, foldWorkgroups, type Launch } from '../kernel.ts';
import toF32Kernel from './cast_to_f32.wgsl';
import toU32Kernel from './cast_to_u32.wgsl';

/** @param to what `size` numbers of the other type become */
export const cast = (size: number, to: 'f32' | 'u32'): Launch => ({
  kernel: to === 'u32' ? toU32Kernel : toF32Kernel,
  params: { size },
  workgroups: foldWorkgroups(ceilDiv(size, 64)),
});
