// Reads the sources as text and finds what breaks the rules of the rooms. Functions of (path, text) pairs, so that the
// rules themselves can be tested on made-up files.
import { readFileSync, readdirSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { basename, dirname, join, normalize } from 'node:path';

export type Sources = ReadonlyMap<string, string>;

interface Import {
  readonly from: string;
  /** A path within the repository, or the name of a package. */
  readonly to: string;
  /** What is gone when types are. */
  readonly typeOnly: boolean;
  readonly lazy: boolean;
}

/** All files under the given folders with one of the endings, by their path from `root`. */
export function readSources(root: string, folders: readonly string[], endings: RegExp): Sources {
  const found = new Map<string, string>();
  const walk = (path: string): void => {
    for (const entry of readdirSync(join(root, path), { withFileTypes: true })) {
      const child = join(path, entry.name);
      if (entry.isDirectory()) walk(child);
      else if (endings.test(entry.name)) found.set(child, readFileSync(join(root, child), 'utf8'));
    }
  };
  const existing = readdirSync(root);
  for (const folder of folders) if (existing.includes(folder)) walk(folder);
  return found;
}

/** The text without comments. Strings that contain `//` lose their end, which no rule here looks at. */
const withoutComments = (text: string): string =>
  text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[^:])\/\/.*$/gm, '$1');

export function importsOf(path: string, text: string): Import[] {
  const code = withoutComments(text);
  const target = (specifier: string) =>
    specifier.startsWith('.') ? normalize(join(dirname(path), specifier)) : specifier;
  const found: Import[] = [];
  for (const [, clause, specifier] of code.matchAll(/^\s*(?:import|export)\b([^;'"]*?)\bfrom\s*['"]([^'"]+)['"]/gm)) {
    const names = /\{([^}]*)\}/
      .exec(clause)?.[1]
      .split(',')
      .map((name) => name.trim())
      .filter(Boolean);
    const typeOnly =
      /^\s*type\b/.test(clause) ||
      (names !== undefined && /^\s*\{/.test(clause) && names.every((name) => name.startsWith('type ')));
    found.push({ from: path, to: target(specifier), typeOnly, lazy: false });
  }
  for (const [, specifier] of code.matchAll(/^\s*import\s*['"]([^'"]+)['"]/gm))
    found.push({ from: path, to: target(specifier), typeOnly: false, lazy: false });
  for (const [, before, specifier] of code.matchAll(/(typeof\s+)?\bimport\(\s*['"]([^'"]+)['"]\s*\)/g))
    found.push({ from: path, to: target(specifier), typeOnly: before !== undefined, lazy: true });
  return found;
}

const allImports = (sources: Sources): Import[] => [...sources].flatMap(([path, text]) => importsOf(path, text));

/** From the ground up; what lies in one group may import each other. The first pattern that fits a path is its room. */
const ROOMS: readonly (readonly [RegExp, number])[] = [
  [/^kernels\//, 0],
  [/^engine\/ops\//, 2],
  [/^engine\/(autodiff|program|optimizer)/, 3],
  [/^engine\/(train|explain)\//, 4],
  [/^engine\//, 1],
  [/^models\//, 5],
  [/^vision\//, 6],
  [/^galaxies\//, 7],
  [/^(cli|bench|web)\//, 8],
];

const roomOf = (path: string): number | undefined => ROOMS.find(([pattern]) => pattern.test(path))?.[1];

/** Imports, types included, that go up the list of rooms. */
export function upwardImports(sources: Sources): string[] {
  return allImports(sources).flatMap(({ from, to }) => {
    const [lower, upper] = [roomOf(from), roomOf(to)];
    return lower !== undefined && upper !== undefined && upper > lower ? [`${from} imports ${to}`] : [];
  });
}

/** Cycles of imports, types and lazy ones included, each as a chain of files. */
export function importCycles(sources: Sources): string[] {
  const edges = new Map<string, string[]>();
  for (const { from, to } of allImports(sources)) {
    if (sources.has(to)) edges.set(from, [...(edges.get(from) ?? []), to]);
  }
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, chain: readonly string[]): void => {
    const start = chain.indexOf(path);
    if (start >= 0) cycles.push([...chain.slice(start), path].join(' -> '));
    if (start >= 0 || done.has(path)) return;
    for (const next of edges.get(path) ?? []) visit(next, [...chain, path]);
    done.add(path);
  };
  for (const path of sources.keys()) visit(path, []);
  return cycles;
}

const MAY_USE_NODE = /^(cli|bench|test)\/|\.node\.ts$|\.mjs$|\.d\.m?ts$/;
const NODE_GLOBALS = /\bprocess\.|\bBuffer\.|\b__dirname\b|\brequire\(|\bNodeJS\./;

/** Files that must run in a browser and import, directly or through a `.node.ts`, what only Node has. */
export function nodeInBrowserFiles(sources: Sources): string[] {
  return [...sources].flatMap(([path, text]) => {
    if (MAY_USE_NODE.test(path)) return [];
    const wrong = importsOf(path, text)
      .filter(
        ({ to, typeOnly }) =>
          !typeOnly &&
          (to.startsWith('node:') || builtinModules.includes(to) || to === 'webgpu' || to.endsWith('.node.ts')),
      )
      .map(({ to }) => `${path} imports ${to}`);
    const global = NODE_GLOBALS.exec(withoutComments(text));
    return global ? [...wrong, `${path} uses ${global[0]}`] : wrong;
  });
}

const MAY_TOUCH_GPU = /^(engine\/(device|program)|bench|test)\//;

/** Files outside of engine/device and engine/program that name WebGPU's objects or reach through `device.gpu`. */
export function gpuOutsideEngine(sources: Sources): string[] {
  return [...sources].flatMap(([path, text]) => {
    const found = MAY_TOUCH_GPU.test(path)
      ? null
      : /\bGPU[A-Z]\w+|\.gpu\.\w+/.exec(withoutComments(text).replace(/'[^'\n]*'|`[^`]*`/g, "''"));
    return found ? [`${path} uses ${found[0]}`] : [];
  });
}

export const longFiles = (sources: Sources, most: number): string[] =>
  [...sources].flatMap(([path, text]) => {
    const lines = text.split('\n').length - 1;
    return lines > most ? [`${path} has ${lines} lines`] : [];
  });

/** The lines, as `path:number`, that a pattern fits. */
export const naming = (sources: Sources, pattern: RegExp): string[] =>
  [...sources].flatMap(([path, text]) =>
    text.split('\n').flatMap((line, i) => (pattern.test(line) ? [`${path}:${i + 1}`] : [])),
  );

/** Markdown without what cannot be broken: tables, formulas, links that stand alone, code. The lines stay. */
const prose = (markdown: string): string =>
  markdown
    .replace(/^ *```.*\n[\s\S]*?^ *```$/gm, (code) => code.replace(/.+/g, ''))
    .replace(/^ *(\|.*\||\$\$.*|(- )?!?\[[^\]]*\]\([^)]*\))$/gm, '');

/** What the formatter leaves as long as it is, line by line: kernels, prose, and comments in TypeScript. */
const written = (path: string, text: string): string[] =>
  path.endsWith('.md')
    ? prose(text).split('\n')
    : text.split('\n').map((line) => (path.endsWith('.wgsl') || /^\s*(\/\/|\/?\*)/.test(line) ? line : ''));

/** Lines of kernels and of prose, and lines of TypeScript that are comments, of more characters than `most`. */
export const longLines = (sources: Sources, most: number): string[] =>
  [...sources].flatMap(([path, text]) =>
    written(path, text).flatMap((line, i) => {
      const { length } = [...line];
      return length > most ? [`${path}:${i + 1} has ${length} characters`] : [];
    }),
  );

/** Kernels that do not begin with a comment, `enable` directives aside. An `//!include` is none. */
export const withoutHeader = (sources: Sources): string[] =>
  [...sources]
    .filter(([path, text]) => path.endsWith('.wgsl') && !/^\/\/(?!!)/.test(text.replace(/^(enable [^;]*;\s*)*/, '')))
    .map(([path]) => path);

/**
 * Variables of a nested block that are declared without a value: WGSL makes them zero each time, and Dawn (npm webgpu
 * 0.6.2, seen on two drivers) only the first time in a loop. A subgroup's matrices have no value that could be written;
 * theirs are read only where they were given one.
 */
export const withoutValue = (sources: Sources): string[] =>
  [...sources].flatMap(([path, text]) =>
    path.endsWith('.wgsl')
      ? [...withoutComments(text).matchAll(/^ {4,}var (\w+): [^=;]+;/gm)]
          .filter(([line]) => !line.includes('Matrix;'))
          .map(([, name]) => `${path}: ${name}`)
      : [],
  );

/** Kernels (not what they include) that share a file name: it is the kernel's name, and pipelines are cached by it. */
export function sharedKernelNames(sources: Sources): string[] {
  const paths = [...sources]
    .filter(([path, text]) => path.endsWith('.wgsl') && withoutComments(text).includes('@compute'))
    .map(([path]) => path);
  return paths.filter((path, i) => paths.findIndex((other) => basename(other) === basename(path)) !== i);
}
