// `import conv2d from './conv2d_v1.wgsl'` gives a KernelSource: the text with its includes resolved, and its interface
// as reflect.mjs reads it. One transform for the build (esbuild) and the tests (vite), so that nothing about a kernel's
// interface is ever written twice.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { reflectWgsl } from './reflect.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

const INCLUDE = /^\/\/!include\s+(\S+)\s*$/gm;

/**
 * The text of a kernel file with every `//!include path` line replaced by that file, each at most once, between lines
 * that say so: `placeOf` of decided.ts finds by them where a line is from. `seen` collects the files read. Throws an
 * error that names both files where one is missing.
 */
export function resolveIncludes(path, seen = new Set()) {
  seen.add(path);
  return readFileSync(path, 'utf8').replace(INCLUDE, (_, name) => {
    const included = join(dirname(path), name);
    if (seen.has(included)) return '';
    if (!existsSync(included)) throw new Error(`${path} includes ${name}, and there is no file ${included}`);
    return `//!begin ${name}\n${resolveIncludes(included, seen).replace(/\n$/, '')}\n//!end`;
  });
}

/** The kernel of a WGSL file; see KernelSource in kernels/kernel.ts. */
export function reflectKernel(path) {
  const code = resolveIncludes(path);
  return {
    name: basename(path, '.wgsl'),
    file: relative(ROOT, path).replaceAll('\\', '/'),
    hash: createHash('sha256').update(code).digest('hex').slice(0, 16),
    ...reflectWgsl(code, path),
  };
}

const toModule = (path) => `export default ${JSON.stringify(reflectKernel(path))};`;

/** For esbuild's `plugins`. */
export const wgslEsbuild = {
  name: 'wgsl',
  setup(build) {
    build.onLoad({ filter: /\.wgsl$/ }, ({ path }) => ({ contents: toModule(path), loader: 'js' }));
  },
};

/** For vite's `plugins`. */
export const wgslVite = {
  name: 'wgsl',
  enforce: 'pre',
  load(id) {
    return id.endsWith('.wgsl') ? toModule(id) : null;
  },
};
