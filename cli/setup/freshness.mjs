// Whether what was installed and built still belongs to the sources. Contents decide, not dates, which a git checkout
// sets anew.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Files and folders that the bundles are made from. */
const SOURCES = [
  'kernels',
  'engine',
  'models',
  'vision',
  'galaxies',
  'cli',
  'bench',
  'web',
  'docs',
  'index.ts',
  'index.explain.ts',
  'index.node.ts',
  'index.layers.ts',
  'index.onnx.ts',
  'index.tfjs.ts',
  'index.tfjs.browser.ts',
  'index.vision.ts',
  'index.vision.browser.ts',
  'index.wgsl.ts',
  'package.json',
];

const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));

/** True where node_modules lacks a package of package-lock.json or holds another version of it. */
export function dependenciesAreStale(root) {
  const installed = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(installed)) return true;
  const present = readJson(installed).packages;
  return Object.entries(readJson(join(root, 'package-lock.json')).packages).some(
    ([path, wanted]) =>
      // An optional package is for another platform than this one, or npm would have installed it.
      path !== '' &&
      !(wanted.optional && !present[path]) &&
      (present[path]?.version !== wanted.version || present[path]?.integrity !== wanted.integrity),
  );
}

/** A number that changes with every byte of the sources. */
export function sourcesFingerprint(root) {
  const hash = createHash('sha256');
  const add = (path) => {
    if (!existsSync(path)) return;
    if (statSync(path).isDirectory()) for (const name of readdirSync(path).sort()) add(join(path, name));
    else hash.update(path.slice(root.length)).update('\0').update(readFileSync(path));
  };
  for (const name of SOURCES) add(join(root, name));
  return hash.digest('hex');
}

const stamp = (root) => join(root, 'dist', 'sources.sha256');

/** True where dist/ was made from other sources than those that lie there now. */
export const bundlesAreStale = (root) =>
  !existsSync(stamp(root)) || readFileSync(stamp(root), 'utf8') !== sourcesFingerprint(root);

/** Where the fingerprint of the sources that dist/ was made from is kept; written last. */
export const stampFile = stamp;
