import { readFile } from 'node:fs/promises';
import { writeFileAtomic } from './atomic.node.ts';
import { fileError } from './file_error.node.ts';
import { parseSafetensors, writeSafetensors } from './safetensors.ts';
import type { Safetensors } from './safetensors.ts';
import type { StoredTensor } from './stored_tensor.ts';

/** Reads a .safetensors file whole. @throws UserError when it cannot be read or its header lies. */
export async function readSafetensorsFile(path: string): Promise<Safetensors> {
  const bytes = await readFile(path).catch((error) => {
    throw fileError('read', path, error);
  });
  return parseSafetensors(bytes, path);
}

/** Writes a .safetensors file, all of it or nothing. @throws UserError on a full disk and the like. */
export async function writeSafetensorsFile(
  path: string,
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  await writeFileAtomic(path, writeSafetensors(tensors, metadata));
}
