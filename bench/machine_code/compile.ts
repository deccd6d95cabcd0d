import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../engine/user_error.ts';
import type { Drivers } from './debian.ts';
import type { PosedGpu } from './gpus.ts';
import { readReport, type DriverReport } from './listing.ts';
import type { CompiledPipeline } from './table.ts';

const LAYER = 'VK_LAYER_TUNINGFORK_machine_code';

/** Where the packages' libraries are. */
const libraries = ({ root }: Drivers): string => join(root, 'usr/lib/x86_64-linux-gnu');

/** Compiles the layer, and writes what makes the Vulkan loader find it. */
export function buildLayer(source: string, drivers: Drivers, folder: string): void {
  mkdirSync(folder, { recursive: true });
  const args = ['-O1', '-Wall', '-shared', '-fPIC', '-fvisibility=hidden', `-I${join(drivers.root, 'usr/include')}`];
  const library = join(folder, 'libcapture_layer.so');
  const { status, stderr, error } = spawnSync('gcc', [...args, '-o', library, source], { encoding: 'utf8' });
  if (error) throw new UserError('the layer needs a C compiler; run: sudo apt-get install gcc libc6-dev');
  if (status !== 0) throw new UserError(`gcc could not compile ${source}: ${stderr.trim()}`);
  const manifest = {
    file_format_version: '1.1.2',
    layer: {
      name: LAYER,
      type: 'GLOBAL',
      library_path: library,
      api_version: '1.3.0',
      implementation_version: '1',
      description: 'Writes statistics and listings of compute pipelines',
    },
  };
  writeFileSync(join(folder, 'capture_layer.json'), JSON.stringify(manifest));
}

/** The driver's own description with the path that it has here. */
function driverFile(drivers: Drivers, driver: string, folder: string): string {
  const description = JSON.parse(readFileSync(join(drivers.root, `usr/share/vulkan/icd.d/${driver}_icd.json`), 'utf8'));
  description.ICD.library_path = join(libraries(drivers), `libvulkan_${driver}.so`);
  const file = join(folder, `${driver}_icd.json`);
  writeFileSync(file, JSON.stringify(description));
  return file;
}

/**
 * Compiles the programs' pipelines as if the GPU were there, in a process of its own. The reports stay in `folder`.
 * @param program the bundle of programs.ts
 * @param layers the folder of `buildLayer`
 * @returns each pipeline with its report, null where it did not compile
 * @throws UserError where the GPU's shim is not there, or the process fails
 */
export function compileFor(
  gpu: PosedGpu,
  drivers: Drivers,
  { program, layers, folder }: { program: string; layers: string; folder: string },
): (readonly [CompiledPipeline, DriverReport | null])[] {
  const lib = libraries(drivers);
  const shim = join(lib, `lib${gpu.shim}_noop_drm_shim.so`);
  if (!existsSync(shim))
    throw new UserError(`Debian has no drm-shim for ${gpu.driver}: build ${shim} as bench/ladder_gpu.md tells`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  // The packages' own C library and loader, as the system's may be older; the shim is in this process alone.
  const start = ['--library-path', lib, '--preload', shim, process.execPath, program, folder, gpu.toggles.join(',')];
  const { status, signal, stderr, error } = spawnSync(join(lib, 'ld-linux-x86-64.so.2'), start, {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    env: {
      ...process.env,
      TUNINGFORK_TENSOR_CORES: '0',
      ...gpu.env,
      MESA_SHADER_CACHE_DISABLE: 'true',
      VK_DRIVER_FILES: driverFile(drivers, gpu.driver, layers),
      VK_LAYER_PATH: layers,
      VK_INSTANCE_LAYERS: LAYER,
    },
  });
  if (error || status !== 0)
    throw new UserError(`the compiling process failed (${error?.message ?? signal ?? status}): ${lastLines(stderr)}`);
  const pipelines: CompiledPipeline[] = JSON.parse(readFileSync(join(folder, 'pipelines.json'), 'utf8'));
  const written = new Set(readdirSync(folder));
  return pipelines.map((pipeline) => {
    const isThere = pipeline.error === undefined && written.has(pipeline.id);
    return [pipeline, isThere ? readReport(readFileSync(join(folder, pipeline.id), 'latin1')) : null];
  });
}

const lastLines = (text: string): string => text.trim().split('\n').slice(-5).join('\n');
