// The entry of a worker thread: takes a file, perhaps with its bytes, gives back the decoded image or one sentence of
// what is wrong. The build bundles it to decode_worker.js beside the program.
import { parentPort } from 'node:worker_threads';
import type { RgbImage } from './rgb_image.ts';
import { loadImage, type ImageRequest } from './load_image.node.ts';
import { UserError } from '../../engine/user_error.ts';

export interface DecodeRequest extends ImageRequest {
  readonly task: number;
}

export type DecodeReply =
  | { readonly task: number; readonly image: RgbImage }
  | { readonly task: number; readonly message: string; readonly isUserError: boolean };

parentPort?.on('message', async ({ task, ...request }: DecodeRequest) => {
  try {
    const image = await loadImage(request);
    const owned = image.data.buffer as ArrayBuffer;
    parentPort!.postMessage({ task, image } satisfies DecodeReply, [owned]);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    parentPort!.postMessage({ task, message, isUserError: error instanceof UserError } satisfies DecodeReply);
  }
});
