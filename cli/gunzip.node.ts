import { createReadStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { dirname } from 'node:path';
import { createGunzip } from 'node:zlib';
import { UserError } from '../engine/user_error.ts';
import { syncFolder } from '../models/formats/atomic.node.ts';
import { fileError } from '../models/formats/file_error.node.ts';

/** Bytes that no table which is fetched has: what unpacks to more was made to do harm. */
const MOST = 4 * 2 ** 30;

/**
 * Unpacks a .gz file; `to` appears only when it is whole.
 * @throws UserError when `from` is damaged, cut short or unpacks to more than `most` bytes, or the disk is full.
 */
export async function gunzipFile(from: string, to: string, most = MOST): Promise<void> {
  const temporary = `${to}.part`;
  try {
    const file = await open(temporary, 'w');
    try {
      await pipeline(createReadStream(from), createGunzip(), async (pieces) => {
        let bytes = 0;
        for await (const piece of pieces) {
          bytes += piece.length;
          if (bytes > most) throw new UserError(`${from}: it unpacks to more than ${most} bytes; it is not the table.`);
          await file.writeFile(piece);
        }
      });
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, to);
    await syncFolder(dirname(to));
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    if (/^Z_/.test((error as NodeJS.ErrnoException).code ?? '')) {
      throw new UserError(
        `${from}: it cannot be unpacked (${(error as Error).message}); it is damaged, delete it and fetch it again.`,
      );
    }
    throw fileError('write', to, error);
  }
}
