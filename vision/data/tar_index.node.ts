import { UserError } from '../../engine/user_error.ts';
import { badPath } from './archive_paths.ts';
import type { FileWindow } from './file_window.node.ts';
import { BLOCK, readPaxRecords, readTarHeader } from './tar_header.ts';

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

/**
 * The regular files of an archive in its order, by reading headers only.
 * @throws UserError for damaged headers, unsafe paths, and an archive without its end
 */
export async function* tarFiles(file: FileWindow): AsyncGenerator<TarFile> {
  const first = await file.peek(0, Math.min(file.size, BLOCK), AHEAD);
  if (first[0] === 0x1f && first[1] === 0x8b) {
    throw new UserError(`${file.path} is compressed, and a tar archive is read in place: unpack it with gunzip`);
  }
  let next: { path?: string; size?: number } = {};
  for (let at = 0; ; ) {
    if (at + BLOCK > file.size) throw new UserError(`${file.path} is cut off: it is a tar archive without its end`);
    const where = `byte ${at} of ${file.path}`;
    const header = readTarHeader(await file.peek(at, BLOCK, AHEAD), where);
    if (!header) return;
    const start = at + BLOCK;
    const isExtended = 'xgLK'.includes(header.type);
    const size = isExtended ? header.size : (next.size ?? header.size);
    if (start + size > file.size) {
      throw new UserError(`${file.path} is cut off: ${header.path} has ${size} bytes from byte ${start} on`);
    }
    at = start + Math.ceil(size / BLOCK) * BLOCK;
    if (isExtended) {
      if (size > MAX_EXTENDED) throw new UserError(`${where} is damaged: an extended header of ${size} bytes`);
      const bytes = await file.peek(start, size, AHEAD);
      if (header.type === 'x') next = { ...next, ...readPaxRecords(bytes, where) };
      if (header.type === 'L') next = { ...next, path: new TextDecoder().decode(bytes).replace(/\0.*$/s, '') };
      continue;
    }
    const path = (next.path ?? header.path).replace(/^(\.\/)+/, '');
    next = {};
    if (header.type !== '0' && header.type !== '7') continue;
    if (path === '' || path.endsWith('/')) continue;
    const bad = badPath(path);
    if (bad) throw new UserError(`${file.path} ${bad}`);
    yield { path, start, size };
  }
}
