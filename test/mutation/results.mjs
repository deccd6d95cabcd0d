// What earlier runs found, in the user's cache folder: a run that was cut off goes on where it was.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

const FILE = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'tuningfork', 'mutation.json');

/** All results by their keys; none where there is no file, or not a whole one. */
export function readResults() {
  try {
    return JSON.parse(readFileSync(FILE, 'utf8'));
  } catch {
    return {};
  }
}

/** Adds one. Two runs may add to one file. */
export function keepResult(key, result) {
  mkdirSync(dirname(FILE), { recursive: true });
  writeFileSync(FILE, `${JSON.stringify({ ...readResults(), [key]: result }, null, 1)}\n`);
}
