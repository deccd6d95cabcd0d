import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fileError } from '../../models/formats/file_error.node.ts';
import { decodeImage } from './decode.node.ts';
import { fetchBytes } from './file_reader.browser.ts';
import type { FileReader, NamedBytes } from './file_reader.ts';

/** Files by their path or URL; a folder stands for the model in it. Every kind of image that is read. */
export const NODE_READER: FileReader = { fetch: readAt, decode: decodeImage };

async function readAt(address: string): Promise<NamedBytes> {
  if (/^(https?|data|blob):/.test(address)) return fetchBytes(address);
  const path = address.startsWith('file:') ? fileURLToPath(address) : address;
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  const name = isFolder ? join(path, 'model.safetensors') : path;
  const bytes = await readFile(name).catch((error) => {
    throw fileError('read', name, error);
  });
  return { bytes: new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength), name };
}
