// Registers, spills and loops of the kernels, compiled for GPUs that are not there; `--help` says how. This file
// bundles the rest, which is TypeScript and imports WGSL.
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { wgslEsbuild } from '../../kernels/wgsl_plugin.mjs';

const home = dirname(fileURLToPath(import.meta.url));
const root = dirname(dirname(home));
const cache = join(root, '.cache/machine_code');
await build({
  absWorkingDir: root,
  entryPoints: [join(home, 'command.ts'), join(home, 'programs.ts')],
  outdir: cache,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'es2022',
  packages: 'external',
  plugins: [wgslEsbuild],
  logLevel: 'warning',
});
const { machineCode } = await import(pathToFileURL(join(cache, 'command.mjs')).href);
try {
  process.exitCode = await machineCode(process.argv.slice(2), { home, cache, program: join(cache, 'programs.mjs') });
} catch (error) {
  if (error.name !== 'UserError') throw error;
  console.error(`machine_code: ${error.message}`);
  process.exitCode = 2;
}
