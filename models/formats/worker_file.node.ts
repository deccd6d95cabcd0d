import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const fromSources = new Map<string, Promise<string>>();

/**
 * The JavaScript file of a worker. In a built program it lies beside the bundle this code runs from, named after its
 * source: decode_worker.node.ts is decode_worker.js. Run from the TypeScript sources (tests), which Node 20 cannot load
 * as a worker, it is bundled once per process to where packages are found, and removed at exit.
 * @param source the worker's source, as the sources lie
 */
export async function workerFile(source: URL): Promise<string> {
  const here = fileURLToPath(import.meta.url);
  const name = basename(source.pathname, '.node.ts');
  if (here.endsWith('.ts')) {
    if (!fromSources.has(name)) fromSources.set(name, bundle(fileURLToPath(source), name));
    return fromSources.get(name)!;
  }
  const built = join(dirname(here), `${name}.js`);
  if (!existsSync(built)) throw new Error(`${built} is missing: the build bundles ${name}.node.ts to it`);
  return built;
}

async function bundle(entry: string, name: string): Promise<string> {
  // Not a literal, so that a bundler does not pull esbuild into the program it builds.
  const esbuild = (await import(['es', 'build'].join(''))) as typeof import('esbuild');
  const folder = fileURLToPath(new URL(`../../node_modules/.cache/tuningfork-${process.pid}`, import.meta.url));
  mkdirSync(folder, { recursive: true });
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const outfile = join(folder, `${name}.mjs`);
  esbuild.buildSync({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
  });
  return outfile;
}
