/** A GPU that a driver of Mesa compiles for without one: drm-shim answers in the kernel driver's place. */
export interface PosedGpu {
  /** As in libvulkan_DRIVER.so. */
  readonly driver: 'radeon' | 'nouveau' | 'asahi' | 'freedreno' | 'intel';
  /** As in libSHIM_noop_drm_shim.so. Debian has none for Intel: ladder_gpu.md tells how to build it. */
  readonly shim: 'amdgpu' | 'nouveau' | 'asahi' | 'freedreno' | 'intel';
  /** What tells the shim which GPU to be. */
  readonly env: Readonly<Record<string, string>>;
  /** Dawn's toggles. */
  readonly toggles: readonly string[];
}

const amd = (id: string): PosedGpu => ({
  driver: 'radeon',
  shim: 'amdgpu',
  env: { AMDGPU_GPU_ID: id },
  toggles: [],
});

/** Without checks: with them NVK makes four loads of 32 bits, each behind a branch, of one vec4. */
const nvidia = (chipset: string, tensorCores = 0): PosedGpu => ({
  driver: 'nouveau',
  shim: 'nouveau',
  env: { NOUVEAU_CHIPSET: chipset, TUNINGFORK_TENSOR_CORES: String(tensorCores) },
  toggles: ['disable_robustness'],
});

const adreno = (id: string): PosedGpu => ({
  driver: 'freedreno',
  shim: 'freedreno',
  env: { FD_GPU_ID: id },
  toggles: [],
});

const intel = (platform: string): PosedGpu => ({
  driver: 'intel',
  shim: 'intel',
  env: { INTEL_STUB_GPU_PLATFORM: platform },
  toggles: [],
});

/** By the name that `--gpu` takes. */
export const GPUS: Readonly<Record<string, PosedGpu>> = {
  gcn5: amd('vega20'),
  rdna1: amd('navi10'),
  rdna2: amd('navi21'),
  rdna3: amd('navi31'),
  rdna4: amd('gfx1201'),
  turing: nvidia('0x162'),
  ampere: nvidia('0x172'),
  'ampere-tensor': nvidia('0x172', 1),
  'apple-m1': { driver: 'asahi', shim: 'asahi', env: {}, toggles: [] },
  'adreno-740': adreno('740'),
  'intel-tgl': intel('tgl'),
  'intel-adl': intel('adl'),
  'intel-dg2': intel('dg2'),
  'intel-mtl': intel('mtl'),
  'intel-bmg': intel('bmg'),
};

/** Those that are kept in table.json. */
export const KEPT = ['rdna2', 'ampere', 'apple-m1'];
