// The entry of a worker thread that reads files of weights, one after another; the build bundles it to
// weights_worker.js.
import { parentPort } from 'node:worker_threads';
import { UserError } from '../../engine/user_error.ts';
import { readWeights, type WeightsFile } from './read_weights.ts';

export interface WeightsRequest {
  readonly bytes: Uint8Array;
  readonly name: string;
}

export type WeightsReply =
  | { readonly weights: WeightsFile }
  | { readonly message: string; readonly isUserError: boolean };

parentPort?.on('message', async ({ bytes, name }: WeightsRequest) => {
  const reply = await readWeights(bytes, name).then(
    (weights): WeightsReply => ({ weights }),
    (error: Error): WeightsReply => ({ message: error.message, isUserError: error instanceof UserError }),
  );
  const tensors = 'weights' in reply ? [...reply.weights.tensors.values()] : [];
  const buffers = new Set(tensors.flatMap(({ data }) => ('buffer' in data ? [data.buffer as ArrayBuffer] : [])));
  parentPort!.postMessage(reply, [...buffers]);
});
