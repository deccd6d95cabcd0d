import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

let fromSources: Promise<string> | null = null;

/**
 * The JavaScript file of the decode worker. In a built program it lies beside the bundle this code runs from. Run from
 * the TypeScript sources (tests), which Node 20 cannot load as a worker, it is bundled once per process into a
 * temporary folder that is removed at exit.
 */
export async function workerFile(): Promise<string> {
  const here = fileURLToPath(import.meta.url);
  if (here.endsWith('.ts')) {
    return (fromSources ??= bundle(fileURLToPath(new URL('./decode_worker.node.ts', import.meta.url))));
  }
  const built = fileURLToPath(new URL('./decode_worker.js', import.meta.url));
  if (!existsSync(built))
    throw new Error(`${built} is missing: the build bundles vision/data/decode_worker.node.ts to it`);
  return built;
}

async function bundle(entry: string): Promise<string> {
  // Not a literal, so that a bundler does not pull esbuild into the program it builds.
  const name = 'esbuild';
  const esbuild = (await import(name)) as typeof import('esbuild');
  const folder = mkdtempSync(join(tmpdir(), 'tuningfork-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const outfile = join(folder, 'decode_worker.cjs');
  esbuild.buildSync({ entryPoints: [entry], outfile, bundle: true, platform: 'node', format: 'cjs', target: 'node20' });
  return outfile;
}
