import { createHash } from 'node:crypto';
import { open, stat } from 'node:fs/promises';
import type { FileStamp } from './dataset.ts';

export async function fileStamp(path: string): Promise<FileStamp> {
  const found = await stat(path).catch(() => undefined);
  const dated = found?.isFile() ? `${found.size} bytes of ${found.mtime.toISOString()}` : '';
  return { dated, bytes: () => hashOfPieces(path).catch(() => '') };
}

/** Stamps of archives: each is read once, however many images are asked for. */
export function archiveStamps(): (path: string) => Promise<FileStamp> {
  const asked = new Map<string, Promise<FileStamp>>();
  return (path) => {
    const known = asked.get(path) ?? readOnce(fileStamp(path));
    asked.set(path, known);
    return known;
  };
}

async function readOnce(stamp: Promise<FileStamp>): Promise<FileStamp> {
  const { dated, bytes } = await stamp;
  let read: Promise<string> | undefined;
  return { dated, bytes: () => (read ??= bytes()) };
}

const PIECE = 1 << 20;
const PIECES = 64;

async function hashOfPieces(path: string): Promise<string> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const hash = createHash('sha256').update(`${size}\n`);
    const apart = Math.max(PIECE, Math.floor((size - PIECE) / (PIECES - 1)));
    const piece = Buffer.alloc(Math.min(size, PIECE));
    for (let at = 0; at < size; at += apart) {
      const { bytesRead } = await file.read(piece, 0, piece.length, at);
      hash.update(piece.subarray(0, bytesRead));
    }
    return hash.digest('hex').slice(0, 16);
  } finally {
    await file.close();
  }
}
