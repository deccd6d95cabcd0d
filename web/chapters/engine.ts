import { WorkerClient } from '../common/worker_client.ts';
import type { ChapterMethods } from './chapters_worker.ts';

let worker: WorkerClient<ChapterMethods> | undefined;

/** The worker that computes for the figures of a page; it starts with the first that asks. */
export const engine = (): WorkerClient<ChapterMethods> =>
  (worker ??= new WorkerClient<ChapterMethods>(new URL('./chapters_worker.js', import.meta.url)));
