import { readFile } from 'node:fs/promises';
import { fileError } from './file_error.node.ts';
import { readWeights, type WeightsFile } from './read_weights.ts';

/** Reads a file of weights of any format. @throws UserError as `readWeights` does, and where it cannot be read */
export async function readWeightsFile(path: string): Promise<WeightsFile> {
  const bytes = await readFile(path).catch((error) => {
    throw fileError('read', path, error);
  });
  return readWeights(bytes, path);
}
