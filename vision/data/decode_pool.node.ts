import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { UserError } from '../../engine/user_error.ts';
import type { RgbImage } from './rgb_image.ts';
import { workerFile } from '../../models/formats/worker_file.node.ts';
import type { DecodeReply, DecodeRequest, Fault } from './decode_worker.node.ts';
import { loadImage } from './load_image.node.ts';
import { MachineFault } from './machine_fault.ts';
import type { Stretch } from './stretch.ts';

interface Task {
  readonly file: string;
  /** The file's bytes; absent: the thread reads them. */
  readonly bytes?: Uint8Array;
  readonly resolve: (image: RgbImage) => void;
  readonly reject: (error: unknown) => void;
}

/** One worker thread, the task it is at, and what ends both when that takes too long. */
interface Thread {
  readonly worker: Worker;
  task: Task | null;
  limit?: NodeJS.Timeout;
}

const ERRORS = { image: UserError, machine: MachineFault, program: Error } satisfies Record<Fault, unknown>;

/** Seconds that one image may take, its reading included. The largest that are read take some. */
const MOST_SECONDS = 60;

export interface PoolOptions {
  /** One less than there are cores, at least 1, when absent; 0 decodes in the calling thread. */
  readonly threads?: number;
  /** How samples of more than 8 bits become 8: see `decodeImage`. */
  readonly stretch?: Stretch;
  /** Seconds that one file may take in a thread: 60 when absent. */
  readonly seconds?: number;
}

/**
 * Decodes image files in worker threads, which start when first needed and take files in the order asked for. A thread
 * that dies, or is at one file for too long, takes only that file with it; the next one gets a new thread. Waiting
 * threads do not keep the process alive.
 */
export class DecodePool {
  readonly threads: number;
  readonly #stretch: Stretch | undefined;
  readonly #seconds: number;
  readonly #running: Thread[] = [];
  readonly #queue: Task[] = [];
  #starting = 0;
  #number = 0;
  #closed = false;

  constructor({
    threads = Math.max(1, availableParallelism() - 1),
    seconds = MOST_SECONDS,
    stretch,
  }: PoolOptions = {}) {
    if (!Number.isInteger(threads) || threads < 0) throw new UserError(`${threads} is not a number of threads`);
    this.threads = threads;
    this.#seconds = seconds;
    this.#stretch = stretch;
  }

  /**
   * Decodes one file, and reads it where its bytes are not given. Rejects with a UserError that names it when it is
   * missing, damaged or too large; with a MachineFault where the disk or the thread failed, or it took too long.
   */
  async decode(file: string, bytes?: Uint8Array): Promise<RgbImage> {
    if (this.#closed) throw new Error('the decode pool is closed');
    if (this.threads === 0) return loadImage({ file, bytes, stretch: this.#stretch });
    return new Promise((resolve, reject) => {
      this.#queue.push({ file, bytes, resolve, reject });
      this.#advance();
    });
  }

  /** Ends the threads. Files not yet decoded are rejected. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const task of this.#queue.splice(0)) task.reject(new Error(`closed before ${task.file} was decoded`));
    await Promise.all(this.#running.map((thread) => thread.worker.terminate()));
  }

  #advance(): void {
    for (const thread of this.#running) {
      if (thread.task) continue;
      const task = this.#queue.shift();
      if (!task) return;
      this.#give(thread, task);
    }
    const wanted = Math.min(this.#queue.length, this.threads - this.#running.length);
    for (let missing = wanted - this.#starting; missing > 0; missing--) void this.#start();
  }

  #give(thread: Thread, task: Task): void {
    thread.task = task;
    thread.worker.ref();
    thread.limit = setTimeout(() => {
      this.#lose(thread, `it takes more than ${this.#seconds} s; it is damaged, or made to do so: take it away`);
      void thread.worker.terminate();
    }, this.#seconds * 1000);
    const { file } = task;
    // A copy of its own goes over: whoever gave the bytes keeps them.
    const bytes = task.bytes && new Uint8Array(task.bytes);
    const request: DecodeRequest = { task: ++this.#number, file, bytes, stretch: this.#stretch };
    thread.worker.postMessage(request, bytes ? [bytes.buffer] : []);
  }

  async #start(): Promise<void> {
    this.#starting++;
    try {
      const file = await workerFile(new URL('./decode_worker.node.ts', import.meta.url));
      if (this.#closed) return;
      const thread: Thread = { worker: new Worker(file, { name: 'decode' }), task: null };
      this.#running.push(thread);
      thread.worker.unref();
      thread.worker.on('message', (reply: DecodeReply) => this.#finish(thread, reply));
      thread.worker.on('error', (error) => this.#lose(thread, error.message));
      thread.worker.on('exit', () => this.#lose(thread, 'its thread ended'));
    } catch (error) {
      for (const task of this.#queue.splice(0)) task.reject(error);
    } finally {
      this.#starting--;
    }
    this.#advance();
  }

  #finish(thread: Thread, reply: DecodeReply): void {
    const task = thread.task;
    thread.task = null;
    clearTimeout(thread.limit);
    // While the pool closes, the thread's end is waited for, and nothing else may be left to keep the process alive
    // until then.
    if (!this.#closed) thread.worker.unref();
    if ('image' in reply) task?.resolve(reply.image);
    else task?.reject(new ERRORS[reply.fault](reply.message));
    this.#advance();
  }

  #lose(thread: Thread, why: string): void {
    const at = this.#running.indexOf(thread);
    if (at < 0) return;
    this.#running.splice(at, 1);
    clearTimeout(thread.limit);
    thread.task?.reject(new MachineFault(`${thread.task.file} could not be decoded: ${why}`));
    thread.task = null;
    if (!this.#closed) this.#advance();
  }
}
