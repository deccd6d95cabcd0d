import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { TuningTable, type Tuned } from '../engine/tuning.ts';
import { UserError } from '../engine/user_error.ts';
import { writeFileAtomic } from '../models/formats/atomic.node.ts';
import { fileError } from '../models/formats/file_error.node.ts';
import { makeFolder } from '../models/formats/make_folder.node.ts';

/** Says that nothing tuned is to be used. */
const NONE = 'none';

/**
 * The file that `--tuning` or TUNINGFORK_TUNING names (null: `none`), or the user's own, in the cache folder that the
 * XDG base directories have.
 */
export function tuningFile(option: string | undefined): { readonly path: string | null; readonly named: boolean } {
  const name = option ?? process.env['TUNINGFORK_TUNING'];
  if (name) return { path: name === NONE ? null : name, named: true };
  const cache = process.env['XDG_CACHE_HOME'];
  // The specification says that a relative path is to be ignored.
  return {
    path: join(cache && isAbsolute(cache) ? cache : join(homedir(), '.cache'), 'tuningfork', 'tuning.json'),
    named: false,
  };
}

/**
 * What was tuned. The user's own file may be missing, and one that is damaged is passed over with a note.
 * @throws UserError where a file was named and cannot be read
 */
export function readTuning(option: string | undefined, note: (text: string) => void): TuningTable {
  const { path, named } = tuningFile(option);
  if (path === null || (!named && !existsSync(path))) return new TuningTable();
  try {
    return parseFile(path);
  } catch (error) {
    if (named || !(error instanceof UserError)) throw error;
    note(`tuningfork: ${error.message}; going on without it (\`tuningfork tune --clear\` removes it)`);
    return new TuningTable();
  }
}

function parseFile(path: string): TuningTable {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw fileError('read', path, error);
  }
  return TuningTable.parse(text, path);
}

/**
 * Adds a finding to a file, beside what another process may have added since it was read. A file that is no tuning is
 * written anew.
 */
export async function addToTuningFile(path: string, adapter: string, task: string, tuned: Tuned): Promise<void> {
  makeFolder(dirname(path));
  let table = new TuningTable();
  try {
    if (existsSync(path)) table = parseFile(path);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
  }
  table.set(adapter, task, tuned);
  await writeFileAtomic(path, String(table));
}
