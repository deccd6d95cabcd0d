import { byId } from '../common/dom.ts';
import type { WorkerClient } from '../common/worker_client.ts';
import type { AskingNews } from './look_core.ts';
import type { LookMethods } from './look_worker.ts';

const place = byId('asking');
const [bar, said] = [byId<HTMLProgressElement>('asking-progress'), byId('asking-text')];
const stop = byId<HTMLButtonElement>('asking-stop');

/**
 * The questions about an image that take a while: how far the one is that the worker is at, and the button that stops
 * it. What takes a single pass is never shown.
 */
export class Asking {
  private number = 0;

  constructor(private readonly worker: WorkerClient<LookMethods>) {
    stop.onclick = () => this.stop();
    worker.on<AskingNews>('asking', ({ question, done, total }) => {
      if (question !== this.number) return;
      place.hidden = false;
      bar.max = total;
      bar.value = done;
      said.textContent = `The network is asked about ${total} changed images: ${done} done.`;
    });
  }

  /** Does what the worker is asked under a number; undefined where it was stopped. */
  async ask<R>(work: (number: number) => Promise<R | undefined>): Promise<R | undefined> {
    const number = ++this.number;
    try {
      return await work(number);
    } finally {
      if (number === this.number) {
        if (document.activeElement === stop) byId('method').focus();
        place.hidden = true;
      }
    }
  }

  /** Stops what is asked just now, where anything is. */
  stop(): void {
    this.worker.tell('stop', this.number);
  }
}
