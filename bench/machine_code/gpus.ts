/** A GPU that a driver of Mesa compiles for without one: drm-shim answers in the kernel driver's place. */
export interface PosedGpu {
  /** As in libvulkan_DRIVER.so. */
  readonly driver: 'radeon' | 'nouveau' | 'asahi' | 'freedreno';
  /** As in libSHIM_noop_drm_shim.so. */
  readonly shim: 'amdgpu' | 'nouveau' | 'asahi' | 'freedreno';
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
const nvidia = (chipset: string): PosedGpu => ({
  driver: 'nouveau',
  shim: 'nouveau',
  env: { NOUVEAU_CHIPSET: chipset },
  toggles: ['disable_robustness'],
});

const adreno = (id: string): PosedGpu => ({
  driver: 'freedreno',
  shim: 'freedreno',
  env: { FD_GPU_ID: id },
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
  'apple-m1': { driver: 'asahi', shim: 'asahi', env: {}, toggles: [] },
  'adreno-740': adreno('740'),
};

/** Those that are kept in table.json. */
export const KEPT = ['rdna2', 'ampere', 'apple-m1'];
