// A copy of the tree, in which a fault may stand for a while.
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Copies what git tracks, as it lies there now, and what it does not ignore, to a temporary folder, which goes with
 * this process. The packages are linked.
 */
export function scratchCopy(root) {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'tuningfork_mutation_'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root });
  for (const path of new Set(listed.toString().split('\0'))) {
    // node_modules is listed where it is a link.
    if (path && path !== 'node_modules' && existsSync(join(root, path))) cpSync(join(root, path), join(folder, path));
  }
  symlinkSync(realpathSync(join(root, 'node_modules')), join(folder, 'node_modules'), 'junction');
  return folder;
}

/** The file's text with the fault in it. Throws where its text does not stand there once. */
export function withFault(original, { file, text, replacement }) {
  const [before, after, more] = original.split(text);
  if (after === undefined || more !== undefined) throw new Error(`${file} does not hold once: ${text}`);
  return before + replacement + after;
}

/** Does `work` while these faults, of one file each, stand in the copy. */
export async function whileFaulty(folder, faults, work) {
  const originals = faults.map(({ file }) => readFileSync(join(folder, file), 'utf8'));
  try {
    faults.forEach((fault, i) => writeFileSync(join(folder, fault.file), withFault(originals[i], fault)));
    return await work();
  } finally {
    faults.forEach(({ file }, i) => writeFileSync(join(folder, file), originals[i]));
  }
}
