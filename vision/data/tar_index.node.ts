import { posix } from 'node:path';
import { UserError } from '../../engine/user_error.ts';
import { badPath } from './archive_paths.ts';
import type { FileWindow } from './file_window.node.ts';
import { BLOCK, readPaxRecords, readTarHeader, type PaxRecords, type TarHeader } from './tar_header.ts';

/** A file within a tar archive, and where its bytes lie. */
export interface TarFile {
  readonly path: string;
  readonly start: number;
  readonly size: number;
}

/** Bytes read at once while the headers are read: small files beside an image come with its header. */
const AHEAD = 4096;
/** Bytes of the longest extended header or name. */
const MAX_EXTENDED = 2 ** 16;

/** An entry that is a file or leads to one. */
type Entry = TarFile & Pick<TarHeader, 'type' | 'target'>;

/**
 * The files of an archive in its order, by reading headers only, and behind them those that links lead to.
 * @param lost takes the links that lead to none of them
 * @throws UserError for damaged headers, unsafe paths, and an archive without its end
 */
export async function* tarFiles(file: FileWindow, lost: string[]): AsyncGenerator<TarFile> {
  const files = new Map<string, TarFile>();
  const links: Entry[] = [];
  for await (const entry of entriesOf(file)) {
    const { path, start, size, type } = entry;
    if (type === '1' || type === '2') {
      links.push(entry);
      continue;
    }
    files.set(path, { path, start, size });
    yield { path, start, size };
  }
  const targets = new Map(links.map((link) => [link.path, targetOf(link)]));
  for (const { path } of links) {
    let target: string | undefined = path;
    // As many steps as there are links: what takes more goes in a circle.
    for (let steps = 0; target !== undefined && steps <= links.length && !files.has(target); steps++)
      target = targets.get(target);
    const found = target === undefined ? undefined : files.get(target);
    if (found) yield { ...found, path };
    else lost.push(path);
  }
}

/** The path in the archive that a link leads to: of a hard link from its root, of another from where the link lies. */
const targetOf = ({ path, type, target }: Entry): string =>
  posix.normalize(type === '1' ? target : posix.join(posix.dirname(path), target));

/** The entries that are files or links, in the archive's order. */
async function* entriesOf(file: FileWindow): AsyncGenerator<Entry> {
  const first = await file.peek(0, Math.min(file.size, BLOCK), AHEAD);
  if (first[0] === 0x1f && first[1] === 0x8b) {
    throw new UserError(`${file.path} is compressed, and a tar archive is read in place: unpack it with gunzip`);
  }
  let next: PaxRecords = {};
  for (let at = 0; ; ) {
    if (at + BLOCK > file.size) throw new UserError(`${file.path} is cut off: it is a tar archive without its end`);
    const where = `byte ${at} of ${file.path}`;
    const header = readTarHeader(await file.peek(at, BLOCK, AHEAD), where);
    if (!header) return;
    const { type } = header;
    const start = at + BLOCK;
    const isExtended = 'xgLK'.includes(type);
    // No bytes follow a link, whatever size some writers give it.
    const size = isExtended ? header.size : type === '1' || type === '2' ? 0 : (next.size ?? header.size);
    if (start + size > file.size) {
      throw new UserError(`${file.path} is cut off: ${header.path} has ${size} bytes from byte ${start} on`);
    }
    at = start + Math.ceil(size / BLOCK) * BLOCK;
    if (isExtended) {
      if (size > MAX_EXTENDED) throw new UserError(`${where} is damaged: an extended header of ${size} bytes`);
      const bytes = await file.peek(start, size, AHEAD);
      const long = (): string => new TextDecoder().decode(bytes).replace(/\0.*$/s, '');
      if (type === 'x') next = { ...next, ...readPaxRecords(bytes, where) };
      if (type === 'L') next = { ...next, path: long() };
      if (type === 'K') next = { ...next, target: long() };
      continue;
    }
    const path = (next.path ?? header.path).replace(/^(\.\/)+/, '');
    const target = next.target ?? header.target;
    next = {};
    if (!'0127'.includes(type)) continue;
    if (path === '' || path.endsWith('/')) continue;
    const bad = badPath(path);
    if (bad) throw new UserError(`${file.path} ${bad}`);
    yield { path, start, size, type, target };
  }
}
