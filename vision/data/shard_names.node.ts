import { readdir } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import { fileError } from '../../models/formats/file_error.node.ts';
import { UserError } from '../../engine/user_error.ts';

const MAX_SHARDS = 10_000;

/**
 * The files that a pattern names, in order: `{000..012}` counts, with the width as written; `*` in the last part of the
 * path stands for anything. A path without either is itself.
 * @throws UserError where no file fits, and for ranges that count down or too far
 */
export async function shardNames(pattern: string): Promise<readonly string[]> {
  const counted = expandRanges(pattern);
  if (!basename(pattern).includes('*')) return counted;
  const found = (await Promise.all(counted.map(matching))).flat();
  if (found.length === 0) throw new UserError(`No file fits ${pattern}`);
  return found;
}

/** What each file is known by: its name, or where two have the same, its path below the folders that all share. */
export function shortNames(paths: readonly string[]): ReadonlyMap<string, string> {
  const names = new Map(paths.map((path) => [path, basename(path)]));
  if (new Set(names.values()).size === names.size) return names;
  const parts = paths.map((path) => path.split(sep));
  let shared = 0;
  while (parts.every((each) => each[shared] === parts[0][shared])) shared++;
  return new Map(paths.map((path, i) => [path, parts[i].slice(shared).join('/')]));
}

function expandRanges(pattern: string): string[] {
  const range = /\{(\d+)\.\.(\d+)\}/.exec(pattern);
  if (!range) return [pattern];
  const [whole, first, last] = range;
  const [from, to] = [Number(first), Number(last)];
  if (to < from) throw new UserError(`${whole} in ${pattern} counts down: write the smaller number first`);
  if (to - from >= MAX_SHARDS) throw new UserError(`${whole} in ${pattern} are more than ${MAX_SHARDS} files`);
  const rest = expandRanges(pattern.slice(range.index + whole.length));
  const before = pattern.slice(0, range.index);
  const names: string[] = [];
  for (let n = from; n <= to; n++) {
    for (const end of rest) names.push(before + String(n).padStart(first.length, '0') + end);
    if (names.length > MAX_SHARDS) throw new UserError(`${pattern} names more than ${MAX_SHARDS} files`);
  }
  return names;
}

async function matching(pattern: string): Promise<string[]> {
  const folder = dirname(pattern);
  const parts = basename(pattern).split('*');
  const names = await readdir(folder).catch((error: unknown) => {
    throw fileError('read', folder, error);
  });
  return names
    .filter((name) => fits(name, parts))
    .sort()
    .map((name) => join(folder, name));
}

/** Whether a name is the parts in their order with anything between them. */
function fits(name: string, parts: readonly string[]): boolean {
  const last = parts[parts.length - 1];
  if (!name.startsWith(parts[0]) || !name.endsWith(last)) return false;
  let at = parts[0].length;
  for (const part of parts.slice(1, -1)) {
    const found = name.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at <= name.length - last.length;
}
