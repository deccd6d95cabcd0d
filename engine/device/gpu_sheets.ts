/** A GPU by its vendor's data sheet. */
export interface GpuSheet {
  /** As its maker calls it. */
  readonly title: string;
  /** As an adapter of it says, for the kernels that it gets. */
  readonly vendor: string;
  readonly architecture: string;
  /** Lanes of a subgroup. */
  readonly subgroup: number;
  /** What issues instructions to a subgroup of its own. */
  readonly schedulers: number;
  /** Floating point operations of f32 in a second, two a multiply-add, at the clock of the data sheet. */
  readonly flops: number;
  /** Bytes from and to memory in a second. */
  readonly bandwidth: number;
}

const nvidia = (
  title: string,
  architecture: string,
  processors: number,
  teraflops: number,
  gigabytes: number,
): GpuSheet => ({
  title: `NVIDIA ${title}`,
  vendor: 'nvidia',
  architecture,
  subgroup: 32,
  schedulers: 4 * processors,
  flops: teraflops * 1e12,
  bandwidth: gigabytes * 1e9,
});

/** Units of two SIMD32. From RDNA3 on a data sheet counts two operations an instruction: compilers rarely find them. */
const amd = (title: string, architecture: string, units: number, teraflops: number, gigabytes: number): GpuSheet => ({
  title: `AMD Radeon ${title}`,
  vendor: 'amd',
  architecture,
  subgroup: 32,
  schedulers: 2 * units,
  flops: teraflops * 1e12,
  bandwidth: gigabytes * 1e9,
});

const apple = (title: string, cores: number, teraflops: number, gigabytes: number): GpuSheet => ({
  title: `Apple ${title}`,
  vendor: 'apple',
  architecture: 'apple',
  subgroup: 32,
  schedulers: 4 * cores,
  flops: teraflops * 1e12,
  bandwidth: gigabytes * 1e9,
});

/** Engines of 8 lanes, which take subgroups of 16. */
const intel = (
  title: string,
  architecture: string,
  engines: number,
  teraflops: number,
  gigabytes: number,
): GpuSheet => ({
  title: `Intel ${title}`,
  vendor: 'intel',
  architecture,
  subgroup: 16,
  schedulers: engines,
  flops: teraflops * 1e12,
  bandwidth: gigabytes * 1e9,
});

/**
 * By the name that `inspect --estimate` takes. Sources: NVIDIA's architecture white papers (Turing TU102, Ampere GA102
 * and A100, Ada AD102, Hopper H100, Blackwell GB202) and product pages (T4, L4, H200); AMD's product pages; Apple's
 * press releases (bandwidth, cores; operations as measured by others: 8 cores at 1.28 GHz of 128 lanes); Intel's ARK.
 */
export const GPU_SHEETS = {
  t4: nvidia('T4', 'turing', 40, 8.1, 320),
  'rtx-2080-ti': nvidia('RTX 2080 Ti', 'turing', 68, 13.4, 616),
  'rtx-3060': nvidia('RTX 3060', 'ampere', 28, 12.7, 360),
  'rtx-3090': nvidia('RTX 3090', 'ampere', 82, 35.6, 936),
  a100: nvidia('A100 80 GB SXM', 'ampere', 108, 19.5, 2039),
  l4: nvidia('L4', 'lovelace', 58, 30.3, 300),
  'rtx-4070': nvidia('RTX 4070', 'lovelace', 46, 29.1, 504),
  'rtx-4090': nvidia('RTX 4090', 'lovelace', 128, 82.6, 1008),
  'rtx-5090': nvidia('RTX 5090', 'blackwell', 170, 104.8, 1792),
  h100: nvidia('H100 SXM', 'hopper', 132, 67, 3350),
  h200: nvidia('H200 SXM', 'hopper', 132, 67, 4800),
  'rx-6800': amd('RX 6800', 'rdna-2', 60, 16.2, 512),
  'rx-6900-xt': amd('RX 6900 XT', 'rdna-2', 80, 23, 512),
  'rx-7900-xtx': amd('RX 7900 XTX', 'rdna-3', 96, 61.4, 960),
  m1: apple('M1, 8 cores', 8, 2.6, 68),
  'm1-max': apple('M1 Max, 32 cores', 32, 10.4, 400),
  m2: apple('M2, 10 cores', 10, 3.6, 100),
  'iris-xe': intel('Iris Xe, 96 engines', 'gen-12lp', 96, 1.8, 68),
  'arc-a770': intel('Arc A770', 'gen-12hp', 512, 17.2, 560),
} as const satisfies Readonly<Record<string, GpuSheet>>;

export type GpuName = keyof typeof GPU_SHEETS;
