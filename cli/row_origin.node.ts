import { createHash } from 'node:crypto';
import type { Dataset } from '../vision/data/dataset.ts';
import type { Stretch } from '../vision/data/stretch.ts';
import { isOnnxFile, readOnnxFile } from '../models/onnx/onnx_file.node.ts';
import { fileChecksums } from './checksum.node.ts';
import { finishedFolds } from './crossval_folder.node.ts';
import { modelFile, type OnnxFlags } from './load_model.node.ts';
import type { Origin } from './row_state.node.ts';

/** What rows of images depend on, whatever they say: the weights, how pixels are read, the images by their names. */
export async function imageOrigin(
  model: string,
  { size, mean, std, scale, channels }: OnnxFlags,
  { name, examples }: Pick<Dataset, 'name' | 'examples'>,
  stretch: Stretch | undefined,
): Promise<Origin> {
  const ids = createHash('sha256');
  for (const { id } of examples) ids.update(`${id}\n`);
  const said = { '--size': size, '--mean': mean, '--std': std, '--scale': scale, '--channels': channels };
  return {
    model: await modelHash(model),
    data: name,
    images: examples.length,
    ids: ids.digest('hex'),
    ...(stretch && { stretch: JSON.stringify(stretch) }),
    ...Object.fromEntries(
      Object.entries(said).flatMap(([flag, value]) => (value === undefined ? [] : [[flag, String(value)]])),
    ),
  };
}

/** One hash of all networks, with the data that an ONNX file keeps in other files. */
async function modelHash(model: string): Promise<string> {
  const hashes: string[] = [];
  for (const path of finishedFolds(model) ?? [model]) {
    const file = modelFile(path);
    hashes.push(
      isOnnxFile(file)
        ? createHash('sha256').update(readOnnxFile(file).bytes).digest('hex')
        : (await fileChecksums(file)).sha256,
    );
  }
  return createHash('sha256').update(hashes.join()).digest('hex');
}
