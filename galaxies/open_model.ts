import { requireDevice, type Device } from '../engine/device/device.ts';
import { ImageModel } from '../vision/answer/image_model.ts';
import { readModel } from '../vision/answer/stored_model.ts';
import type { FileReader } from '../vision/data/file_reader.ts';
import { bytesOfFile, type FileSource } from '../vision/data/picture.ts';
import { storedTask, taskOf } from './tasks.ts';

/** A model of any task, from its file: see `loadModel` of index.vision.ts. */
export async function openModel(device: Device, file: FileSource, reader: FileReader): Promise<ImageModel> {
  requireDevice('loadModel', device);
  const { bytes, name: source } = await bytesOfFile(file, 'the model', reader);
  const stored = await readModel(bytes, source, storedTask);
  const task = stored.task && taskOf(stored.task, stored.classes);
  return new ImageModel(device, { stored, task, source, reader });
}
