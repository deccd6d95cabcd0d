import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

/** Hexadecimal checksums of a file, read once in pieces. */
export async function fileChecksums(path: string): Promise<{ sha256: string; md5: string }> {
  const sha256 = createHash('sha256');
  const md5 = createHash('md5');
  for await (const piece of createReadStream(path, { highWaterMark: 1 << 20 })) {
    sha256.update(piece);
    md5.update(piece);
  }
  return { sha256: sha256.digest('hex'), md5: md5.digest('hex') };
}
