import { UserError } from '../../engine/user_error.ts';
import { buffersOf, type Reply } from './worker_protocol.ts';
import type { Methods } from './worker_server.ts';

/** What a page that finds no WebGPU says: where there is some. */
export const NO_WEBGPU =
  'this browser has no WebGPU. Chrome and Edge have it since 113, Safari since 26, Firefox since 141 on Windows and 145 on Macs; on Linux it may have to be switched on at chrome://flags/#enable-unsafe-webgpu. A page must come from https or from this machine (localhost). Learn and the chapters work without it, slowly';

/** The page's end of a worker: its methods as promises, its news as events. */
export class WorkerClient<M extends Methods> {
  private readonly worker: Worker;
  private readonly waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  private readonly listeners = new Map<string, (detail: never) => void>();
  private nextId = 0;
  private failure: Error | undefined;

  /** @param needs what the worker computes on: the GPU, or anything where there is none */
  constructor(
    url: URL,
    private readonly needs: 'gpu' | 'any' = 'gpu',
  ) {
    this.worker = new Worker(url, { type: 'module' });
    this.worker.onmessage = ({ data }: MessageEvent<Reply>) => this.receive(data);
    this.worker.onerror = (event) =>
      this.fail(new Error(`the page's worker stopped: ${event.message || 'its script did not load'}; reload the page`));
  }

  /** Calls a method of the worker. Rejects with a UserError where the worker threw one, or where there is no WebGPU. */
  call<K extends keyof M & string>(method: K, ...args: Parameters<M[K]>): Promise<Awaited<ReturnType<M[K]>>> {
    return this.send(method, args, []);
  }

  /** As `call`, but the typed arrays of the arguments are handed over to the worker: the page has them no more. */
  give<K extends keyof M & string>(method: K, ...args: Parameters<M[K]>): Promise<Awaited<ReturnType<M[K]>>> {
    return this.send(method, args, buffersOf(args));
  }

  private send<R>(method: string, args: readonly unknown[], transfer: ArrayBuffer[]): Promise<R> {
    if (this.needs === 'gpu' && !('gpu' in navigator)) return Promise.reject(new UserError(NO_WEBGPU));
    if (this.failure) return Promise.reject(this.failure);
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage({ id, method, args }, transfer);
    });
  }

  /** Calls a method that the worker does at once and answers nothing. */
  tell(method: string, ...args: readonly unknown[]): void {
    this.worker.postMessage({ id: this.nextId++, method, args });
  }

  /** Sets what is done at an event of the worker. */
  on<D>(event: string, listener: (detail: D) => void): void {
    this.listeners.set(event, listener as (detail: never) => void);
  }

  close(): void {
    this.worker.terminate();
  }

  private receive(reply: Reply): void {
    if ('event' in reply) {
      this.listeners.get(reply.event)?.(reply.detail as never);
      return;
    }
    const waiting = this.waiting.get(reply.id);
    this.waiting.delete(reply.id);
    if ('error' in reply) waiting?.reject(reply.byUser ? new UserError(reply.error) : new Error(reply.error));
    else waiting?.resolve(reply.result as never);
  }

  private fail(error: Error): void {
    this.failure = error;
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }
}
