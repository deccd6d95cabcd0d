import { MIDDLE, type Gpu } from '../../kernels/gpu.ts';

/**
 * GPUs by what an adapter says of itself: vendor, architecture and, outside browsers, a description. The first row that
 * fits is taken. `sums` and `numbers` are read from machine code (bench/ladder_gpu.md); `threads` is 64 for each
 * scheduler of 32 lanes of a middling GPU of the kind, and `perByte` 0.7 of the peak of multiply-adds in f32 over the
 * bandwidth, both from the vendors' data sheets.
 */
const ROWS: readonly (readonly [RegExp, Partial<Gpu>])[] = [
  // GH100: 132 processors of four schedulers, 33.5 T multiply-adds, 3.35 TB/s.
  [/hopper|h100|h200/i, { sums: 64, numbers: 116, threads: 33_792, perByte: 7 }],
  // RTX 3090: 82 processors of four schedulers, 17.8 T, 936 GB/s.
  [/nvidia/i, { sums: 64, numbers: 116, threads: 20_992, perByte: 13 }],
  // RX 6800: 60 units of two schedulers, 8.1 T, 512 GB/s.
  [/\bamd\b|radeon|radv/i, { sums: 64, numbers: 124, threads: 7680, perByte: 11 }],
  // M1: 8 cores of four schedulers, 1.3 T, 68 GB/s. 64 sums spill in the input gradient of a convolution.
  [/apple|honeykrisp/i, { sums: 32, threads: 2048, perByte: 13 }],
  // Iris Xe: 96 units of 8 lanes, 0.9 T, 68 GB/s. 64 sums are all the registers of a thread of 16 lanes.
  [/intel/i, { sums: 16, threads: 3072, perByte: 9 }],
];

/** The row of an adapter, or undefined where none is known. */
export function gpuModel(adapter: { vendor: string; architecture: string; description: string }): Gpu | undefined {
  const name = `${adapter.vendor} ${adapter.architecture} ${adapter.description}`;
  const row = ROWS.find(([pattern]) => pattern.test(name))?.[1];
  return row && { ...MIDDLE, ...row };
}
