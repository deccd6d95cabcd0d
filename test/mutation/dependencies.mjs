// What a test depends on, as the imports of its files and the includes of its kernels say.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { sourcesFingerprint } from '../../cli/setup/freshness.mjs';

const NAMED = /\b(?:from|import|import\()\s*['"](\.[^'"]+)['"]|^\/\/!include\s+(\S+)|new URL\(\s*['"](\.[^'"]+)['"]/gm;

/** All files that `path` reaches, itself included; paths are relative to `root`. */
function reached(root, path, seen = new Set()) {
  const full = join(root, path);
  if (seen.has(path) || !existsSync(full) || statSync(full).isDirectory()) return seen;
  seen.add(path);
  if (!/\.(ts|mjs|wgsl)$/.test(path)) return seen;
  for (const [, imported, included, located] of readFileSync(full, 'utf8').matchAll(NAMED))
    reached(root, join(dirname(path), imported ?? included ?? located), seen);
  return seen;
}

/**
 * Whether a test starts the built program, whether it opens a GPU device, and a number that changes with every byte
 * that it depends on; what is built is made from all sources.
 */
export function dependencies(root, test) {
  const files = [...reached(root, test)].sort();
  const read = (path) => readFileSync(join(root, path));
  const built = files.some((path) => path.startsWith('test/') && /\bdist\//.test(read(path).toString()));
  const hash = createHash('sha256').update(built ? sourcesFingerprint(root) : '');
  for (const path of files) hash.update(path).update('\0').update(read(path));
  return { built, gpu: built || files.includes('engine/device/gpu.node.ts'), fingerprint: hash.digest('hex') };
}
