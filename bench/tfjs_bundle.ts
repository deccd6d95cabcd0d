import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { UserError } from '../engine/user_error.ts';

// One folder up from here, and from dist/ once this is bundled.
const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

const entryOf = (process: string): string => join(ROOT, `bench/tfjs/${process}.ts`);

/** Whether the sources and tfjs are here. */
export const tfjsIsThere = (process = 'process'): boolean =>
  existsSync(entryOf(process)) && existsSync(join(ROOT, 'node_modules/@tensorflow/tfjs-backend-webgpu'));

/**
 * Bundles tfjs and a program of bench/tfjs into one file and returns its path: tfjs's ES modules do not load in Node as
 * they are.
 * @throws UserError where the sources or the development dependencies are missing, as in an installed package
 */
export async function bundleTfjs(process: 'process' | 'kernel_process' | 'fit_process'): Promise<string> {
  if (!tfjsIsThere(process)) {
    throw new UserError(
      "the comparison with tfjs needs Tuningfork's sources and development dependencies; run `npm ci` in a checkout and start the benchmark there",
    );
  }
  const { build } = await import('esbuild');
  const { wgslEsbuild } = (await import(pathToFileURL(join(ROOT, 'kernels/wgsl_plugin.mjs')).href)) as Pick<
    typeof import('../kernels/wgsl_plugin.mjs'),
    'wgslEsbuild'
  >;
  const outfile = join(ROOT, `.cache/bench/tfjs_${process}.mjs`);
  await build({
    entryPoints: [entryOf(process)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'es2022',
    mainFields: ['module', 'main'],
    external: ['webgpu'],
    plugins: [wgslEsbuild],
    // CommonJS parts of tfjs's dependencies require Node's modules by name.
    banner: {
      js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
    },
    logLevel: 'error',
  });
  return outfile;
}
