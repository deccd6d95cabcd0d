import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { UserError } from '../user_error.ts';
import { pollPatiently } from './patient_polling.node.ts';
import { SOFTWARE_ADAPTER_NAMES, SOFTWARE_DRIVERS } from './software_drivers.mjs';

export type SoftwareAdapter = 'lavapipe' | 'swiftshader';

/** The driver file of a software adapter, or undefined where it is not installed. */
export function softwareDriver(name: SoftwareAdapter): string | undefined {
  return SOFTWARE_DRIVERS[name].find((path) => existsSync(path));
}

/** Which GPU Dawn is to open, and how. */
export interface GpuOptions {
  /** `lavapipe`, `swiftshader`, or part of an adapter's name; the system's choice when absent. */
  readonly adapter?: string;
  /** Dawn toggles that a browser cannot set, such as `disable_robustness`: figures taken with them are labelled. */
  readonly enable?: readonly string[];
  readonly disable?: readonly string[];
  /** `null` validates kernels and computes nothing: for tests of compilation only. */
  readonly backend?: 'null' | 'vulkan' | 'metal' | 'd3d12';
}

/**
 * What makes Dawn offer its experimental subgroup matrices (tensor cores). TUNINGFORK_TENSOR_CORES=1 asks for them: the
 * kernels that use them were proved by emulation and compiled, and never yet ran on a GPU.
 */
export const SUBGROUP_MATRIX_TOGGLES: readonly string[] = ['allow_unsafe_apis'];

/**
 * A Dawn toggle: asked to clear a workgroup's memory by this Vulkan extension, SwiftShader compiles a store for every
 * number of it, seconds for a tile. Dawn has a loop instead.
 */
export const SLOW_ON_SWIFTSHADER = 'use_vulkan_zero_initialize_workgroup_memory_extension';

/**
 * By their flags. One that was opened is kept: Dawn's binding frees its instance when the GPU object is collected,
 * under the feet of every device made from it. And it is given again: each instance has threads that nothing ends.
 */
const opened = new Map<string, GPU>();
let loaded: typeof import('webgpu') | undefined;

/**
 * WebGPU for Node, through Dawn; the same object for the same options. The Vulkan loader reads its environment when the
 * first adapter is asked for, so a process that wants a software adapter says so in its first call.
 */
export function openGpu(options: GpuOptions = {}): GPU {
  process.env['XDG_RUNTIME_DIR'] ??= '/tmp';
  const flags: string[] = [];
  const wanted = options.adapter?.toLowerCase();
  if (wanted === 'lavapipe' || wanted === 'swiftshader') {
    if (!softwareDriver(wanted))
      throw new UserError(
        `the software adapter ${wanted} is not installed; run \`tuningfork doctor\` for the command that installs it`,
      );
    // Both drivers are named, so that one process can open both: the loader reads this once.
    process.env['VK_DRIVER_FILES'] = [softwareDriver('lavapipe'), softwareDriver('swiftshader')]
      .filter(Boolean)
      .join(':');
    flags.push(`adapter=${SOFTWARE_ADAPTER_NAMES[wanted]}`);
  } else if (wanted) {
    // SwiftShader lies in a browser's folder, where the loader does not look by itself.
    process.env['VK_ADD_DRIVER_FILES'] ??= softwareDriver('swiftshader') ?? '';
    flags.push(`adapter=${options.adapter}`);
  }
  // Dawn rounds timestamps to 65 us as a browser must; a benchmark needs them as they are.
  const disable = ['timestamp_quantization', ...(options.disable ?? [])];
  if (wanted === 'swiftshader') disable.push(SLOW_ON_SWIFTSHADER);
  flags.push(`disable-dawn-features=${disable.join(',')}`);
  // NVIDIA's Vulkan driver has f16, and Dawn hides it unless asked.
  const matrices = process.env['TUNINGFORK_TENSOR_CORES'] === '1' ? SUBGROUP_MATRIX_TOGGLES : [];
  flags.push(
    `enable-dawn-features=${['vulkan_enable_f16_on_nvidia', ...matrices, ...(options.enable ?? [])].join(',')}`,
  );
  if (options.backend) flags.push(`backend=${options.backend}`);
  try {
    // Required lazily: the binding is 20 MB, and `--help` needs none of it.
    loaded ??= createRequire(import.meta.url)('webgpu') as typeof import('webgpu');
  } catch (error) {
    throw new UserError(
      `the Dawn binding (npm package webgpu) cannot be loaded: ${(error as Error).message}; run \`npm ci\``,
    );
  }
  Object.assign(globalThis, loaded.globals);
  pollPatiently();
  const key = flags.join(' ');
  const gpu = opened.get(key) ?? loaded.create(flags);
  opened.set(key, gpu);
  return gpu;
}
