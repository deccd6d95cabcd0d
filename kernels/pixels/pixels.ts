import { ceilDiv, foldWorkgroups, type Launch } from '../kernel.ts';
import kernel from './pixels.wgsl';

/** The bytes of `lines` lines of pixels, each line `pitch` pixels after the one before, as numbers. */
export function pixels(lines: number, width: number, channels: number, pitch: number): Launch {
  const size = lines * width * channels;
  return { kernel, params: { size, width, channels, pitch }, workgroups: foldWorkgroups(ceilDiv(size, 64)) };
}
