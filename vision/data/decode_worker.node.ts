// The entry of a worker thread: takes a file, perhaps with its bytes, gives back the decoded image or one sentence of
// what is wrong. The build bundles it to decode_worker.js beside the program.
import { parentPort } from 'node:worker_threads';
import type { RgbImage } from './rgb_image.ts';
import { loadImage, type ImageRequest } from './load_image.node.ts';
import { isBadImage, MachineFault } from './machine_fault.ts';

export interface DecodeRequest extends ImageRequest {
  readonly task: number;
}

/** Whose fault it is that an image is not decoded. */
export type Fault = 'image' | 'machine' | 'program';

export type DecodeReply =
  | { readonly task: number; readonly image: RgbImage }
  | { readonly task: number; readonly message: string; readonly fault: Fault };

parentPort?.on('message', async ({ task, ...request }: DecodeRequest) => {
  try {
    const image = await loadImage(request);
    const owned = image.data.buffer as ArrayBuffer;
    parentPort!.postMessage({ task, image } satisfies DecodeReply, [owned]);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const fault = isBadImage(error) ? 'image' : error instanceof MachineFault ? 'machine' : 'program';
    parentPort!.postMessage({ task, message, fault } satisfies DecodeReply);
  }
});
