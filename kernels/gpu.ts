/** What the choices among kernels take a GPU to be. The rows of real ones are in engine/device/gpu_model.ts. */
export interface Gpu {
  /** Sums of a product that a thread can hold beside its operands without spilling: 64, 32 or 16. */
  readonly sums: number;
  /** Numbers that a thread can hold elsewhere: see `chains` in depthwise_conv2d/depthwise_conv2d.ts. */
  readonly numbers: number;
  /** Threads that give all of its schedulers two subgroups each. */
  readonly threads: number;
  /** Multiply-adds that a product makes in the time in which a byte comes from memory. */
  readonly perByte: number;
}

/** The software adapter that the choices were measured on: two cores of eight lanes. */
export const LAVAPIPE: Gpu = { sums: 64, numbers: 111, threads: 128, perByte: 20 / 9 };

/** A GPU of which nothing is known. Whatever it is, 4 x 4 sums spill on none that was looked at. */
export const MIDDLE: Gpu = { sums: 16, numbers: 103, threads: 16_384, perByte: 12 };

/** What a kernel may know of what it runs on. */
export interface GpuTarget {
  /** A CPU pretending to be a GPU. */
  readonly software: boolean;
  /** Absent where it is not known. */
  readonly gpu?: Gpu;
}

export const gpuOf = ({ software, gpu }: GpuTarget): Gpu => (software ? LAVAPIPE : (gpu ?? MIDDLE));
