// `import conv2d from './conv2d_v1.wgsl'` gives a KernelSource: the text with its includes resolved, and its interface
// as reflect.mjs reads it. One reading for the build (esbuild) and the tests (vite), so that nothing about a kernel's
// interface is ever written twice. In the build kernels share the text of what they include.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { reflectWgsl } from './reflect.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

const INCLUDE = /^\/\/!include\s+(\S+)\s*$/gm;

/** A file's text before its first include, then between that and the next, and so on; and what it includes. */
function cutAtIncludes(path) {
  const text = readFileSync(path, 'utf8');
  const includes = [...text.matchAll(INCLUDE)];
  const begins = [0, ...includes.map(({ index, 0: line }) => index + line.length)];
  const ends = [...includes.map(({ index }) => index), text.length];
  return { pieces: begins.map((begin, i) => text.slice(begin, ends[i])), names: includes.map(([, name]) => name) };
}

/**
 * The text of a kernel file, in pieces, with every `//!include path` line replaced by that file, each at most once,
 * between lines that say so: `placeOf` of decided.ts finds by them where a line is from. A piece of an included file
 * says which it is. `seen` collects the files read. Throws an error that names both files where one is missing.
 */
function piecesOf(path, seen, isIncluded = false) {
  seen.add(path);
  const { pieces, names } = cutAtIncludes(path);
  return pieces.flatMap((text, index) => {
    const isEnd = isIncluded && index === names.length;
    const own = { text: isEnd ? text.replace(/\n$/, '') : text, ...(isIncluded && { of: `${path}?piece=${index}` }) };
    if (index === 0) return [own];
    const name = names[index - 1];
    const included = join(dirname(path), name);
    if (seen.has(included)) return [own];
    if (!existsSync(included)) throw new Error(`${path} includes ${name}, and there is no file ${included}`);
    return [{ text: `//!begin ${name}\n` }, ...piecesOf(included, seen, true), { text: '\n//!end' }, own];
  });
}

/** The same in one. */
export const resolveIncludes = (path, seen = new Set()) =>
  piecesOf(path, seen)
    .map(({ text }) => text)
    .join('');

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

/**
 * The same with each piece of an included file in a module of its own, which kernels share: a page gets it once. The
 * getter joins them; a bundler takes it for free of effects, and leaves out a kernel that nobody uses.
 */
function toSharingModule(path) {
  const { code, ...kernel } = reflectKernel(path);
  const pieces = piecesOf(path, new Set()).filter(({ text }) => text !== '');
  const imports = pieces.flatMap(({ of }, i) =>
    of ? [`import p${i} from ${JSON.stringify(besides(path, of))};`] : [],
  );
  const names = pieces.map(({ text, of }, i) => (of ? `p${i}` : JSON.stringify(text)));
  const members = JSON.stringify(kernel).slice(1, -1);
  return `${imports.join('\n')}\nexport default { ${members}, get code() { return [${names}].join(''); } };`;
}

/** How a module names another file: a source map is the same wherever it was made. */
const besides = (path, other) => `./${relative(dirname(path), other).replaceAll('\\', '/')}`;

/** The module of a piece. @param suffix ?piece= and its number */
function pieceModule(path, suffix) {
  const { text } = piecesOf(path, new Set(), true).find(({ of }) => of === path + suffix);
  return `export default ${JSON.stringify(text)};`;
}

/** For esbuild's `plugins`. */
export const wgslEsbuild = {
  name: 'wgsl',
  setup(build) {
    build.onResolve({ filter: /\.wgsl\?piece=\d+$/ }, ({ path, resolveDir }) => {
      const [file, piece] = path.split('?');
      return { path: join(resolveDir, file), suffix: `?${piece}`, sideEffects: false };
    });
    build.onLoad({ filter: /\.wgsl$/ }, ({ path, suffix }) => ({
      contents: suffix ? pieceModule(path, suffix) : toSharingModule(path),
      loader: 'js',
      resolveDir: dirname(path),
    }));
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
