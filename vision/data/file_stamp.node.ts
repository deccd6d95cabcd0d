import { stat } from 'node:fs/promises';

/** What is another when a file was changed: its size and when that was. Empty for what is no file. */
export async function fileStamp(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() ? `${found.size} bytes of ${found.mtime.toISOString()}` : '';
}
