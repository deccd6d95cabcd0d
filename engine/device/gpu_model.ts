import { MIDDLE, type Gpu } from '../../kernels/gpu.ts';
import { GPU_SHEETS, type GpuName } from './gpu_sheets.ts';

/** Of the peak, what a product reaches. */
const REACHED = 0.7;

/** Threads and multiply-adds of a kind of GPUs, by the data sheet of a middling one. */
function like(name: GpuName): Pick<Gpu, 'threads' | 'perByte'> {
  const { subgroup, schedulers, flops, bandwidth } = GPU_SHEETS[name];
  return { threads: 2 * subgroup * schedulers, perByte: Math.round((REACHED * flops) / 2 / bandwidth) };
}

/**
 * GPUs by what an adapter says of itself: vendor, architecture and, outside browsers, a description. The first row that
 * fits is taken. `sums` and `numbers` are read from machine code (bench/ladder_gpu.md), the rest follows from a data
 * sheet.
 */
const ROWS: readonly (readonly [RegExp, Partial<Gpu>])[] = [
  [/hopper|h100|h200/i, { sums: 64, numbers: 116, ...like('h100') }],
  [/nvidia/i, { sums: 64, numbers: 116, ...like('rtx-3090') }],
  [/\bamd\b|radeon|radv/i, { sums: 64, numbers: 124, ...like('rx-6800') }],
  // 64 sums spill in the input gradient of a convolution.
  [/apple|honeykrisp/i, { sums: 32, ...like('m1') }],
  // A thread of 16 lanes has 64 registers in all: even 5x5 depthwise kernels in strips of two spill.
  [/intel/i, { sums: 16, numbers: 34, ...like('iris-xe') }],
];

/** The row of an adapter, or undefined where none is known. */
export function gpuModel(adapter: { vendor: string; architecture: string; description: string }): Gpu | undefined {
  const name = `${adapter.vendor} ${adapter.architecture} ${adapter.description}`;
  const row = ROWS.find(([pattern]) => pattern.test(name))?.[1];
  return row && { ...MIDDLE, ...row };
}
