import { readFile } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { UserError } from '../../engine/user_error.ts';
import { fileError } from './file_error.node.ts';
import { kindOf } from './file_kind.ts';
import { readWeights, type WeightsFile } from './read_weights.ts';
import type { WeightsReply, WeightsRequest } from './weights_worker.node.ts';
import { workerFile } from './worker_file.node.ts';

/** Reads a file of weights of any format. @throws UserError as `readWeights` does, and where it cannot be read */
export async function readWeightsFile(path: string): Promise<WeightsFile> {
  const bytes = await readFile(path).catch((error) => {
    throw fileError('read', path, error);
  });
  return readWeightsBytes(bytes, path);
}

/** Seconds that a file may take, and bytes for which it may take one more: many times what a busy machine needs. */
const SECONDS = 15;
const BYTES_PER_SECOND = 2 ** 22;

/**
 * As `readWeights`, but not for ever: in some damaged files HDF5's library, which reads Keras's, goes round in circles.
 * So those are read in a thread that is given up after a while.
 * @param seconds that the thread may take
 */
export async function readWeightsBytes(
  bytes: Uint8Array,
  name: string,
  seconds = SECONDS + bytes.length / BYTES_PER_SECOND,
): Promise<WeightsFile> {
  if (!holdsHdf5(bytes)) return readWeights(bytes, name);
  const worker = idle ?? new Worker(await workerFile(new URL('./weights_worker.node.ts', import.meta.url)));
  idle = null;
  worker.ref();
  let limit: NodeJS.Timeout | undefined;
  try {
    const reply = await new Promise<WeightsReply>((resolve, reject) => {
      worker.on('message', resolve).on('error', reject);
      worker.on('exit', () => reject(new UserError(`${name} could not be read: the thread that read it ended.`)));
      limit = setTimeout(() => {
        const message = `${name} takes more than ${Math.ceil(seconds)} s to read; it is damaged: get the file anew.`;
        reject(new UserError(message));
      }, seconds * 1000);
      worker.postMessage({ bytes, name } satisfies WeightsRequest);
    });
    void (idle as Worker | null)?.terminate();
    idle = worker;
    if ('weights' in reply) return reply.weights;
    throw reply.isUserError ? new UserError(reply.message) : new Error(reply.message);
  } finally {
    clearTimeout(limit);
    // By name: a worker has listeners of its own to theirs.
    for (const event of ['message', 'error', 'exit']) worker.removeAllListeners(event);
    worker.unref();
    if (idle !== worker) void worker.terminate();
  }
}

/** The thread for the next file: HDF5's library is large, and is loaded once. It does not keep the process alive. */
let idle: Worker | null = null;

/** Whether it is an HDF5 file, or a zip archive in which Keras has put one. */
function holdsHdf5(bytes: Uint8Array): boolean {
  const reader = kindOf(bytes)?.reader;
  const inside = () => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes('model.weights.h5');
  return reader === 'hdf5' || (reader === 'zip' && inside());
}
