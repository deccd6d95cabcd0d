import type { Asked, Handlers } from '../../bench/contender.ts';
import type { KernelAnswers, KernelQuestions } from '../../bench/kernels/contender.ts';
import type { KernelEngine } from '../../bench/kernels/measure_case.ts';
import { UserError } from '../../engine/user_error.ts';
import { WorkerClient } from '../common/worker_client.ts';

type KernelMethods = Handlers<KernelAnswers, KernelQuestions>;

/**
 * An engine in a worker of its own, which offers the answers of `kernelAnswers`; started anew where it failed at a
 * case.
 */
export class WorkerEngine implements KernelEngine {
  private running:
    | { readonly worker: WorkerClient<KernelMethods>; readonly opened: Promise<KernelAnswers['open']> }
    | undefined;

  constructor(
    readonly name: string,
    private readonly url: URL,
  ) {}

  private start() {
    if (!this.running) {
      const worker = new WorkerClient<KernelMethods>(this.url);
      this.running = { worker, opened: this.told(worker, { ask: 'open' }) };
    }
    return this.running;
  }

  open(): Promise<KernelAnswers['open']> {
    return this.start().opened;
  }

  async ask<K extends keyof KernelAnswers>(question: Asked<K, KernelQuestions>): Promise<KernelAnswers[K]> {
    await this.open();
    return this.told(this.start().worker, question);
  }

  /** Whatever goes wrong in there is that engine's affair. */
  private told<K extends keyof KernelAnswers>(
    worker: WorkerClient<KernelMethods>,
    question: Asked<K, KernelQuestions>,
  ): Promise<KernelAnswers[K]> {
    const answer = worker.call(question.ask, ...([question] as never)) as Promise<KernelAnswers[K]>;
    return answer.catch((error: Error) => {
      throw new UserError(
        error instanceof UserError ? error.message : `it could not ${question.ask}: ${error.message}`,
      );
    });
  }

  drop(): void {
    this.running?.worker.close();
    this.running = undefined;
  }
}
