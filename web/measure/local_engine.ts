import type { Asked } from '../../bench/contender.ts';
import type { KernelAnswers, KernelQuestions } from '../../bench/kernels/contender.ts';
import { kernelAnswers } from '../../bench/kernels/kernel_answers.ts';
import type { KernelEngine } from '../../bench/kernels/measure_case.ts';
import { tuningforkKernels } from '../../bench/kernels/tuningfork_kernels.ts';
import type { Device } from '../../engine/device/device.ts';
import { UserError } from '../../engine/user_error.ts';

/**
 * The GPU went away in the middle of a measurement: no case's fault, and the figures of this case are worth nothing.
 */
export class DeviceLost extends Error {}

interface Session {
  readonly device: Device;
  readonly answers: ReturnType<typeof kernelAnswers>['answers'];
  readonly opened: KernelAnswers['open'];
  /** Rejects with DeviceLost. */
  readonly gone: Promise<never>;
}

/** A loss rejects what waits for the device a little before it is told as one. */
const LOSS_IS_TOLD_WITHIN_MS = 100;
const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** This engine in this thread. */
export class LocalEngine implements KernelEngine {
  readonly name = 'tuningfork';
  private session: Promise<Session> | undefined;

  constructor(private readonly openDevice: () => Promise<Device>) {}

  private start(): Promise<Session> {
    this.session ??= this.begin();
    return this.session;
  }

  private async begin(): Promise<Session> {
    const device = await this.openDevice();
    const { answers } = kernelAnswers(async () => tuningforkKernels(device));
    const gone = device.lost.then((why): never => {
      throw new DeviceLost(why);
    });
    gone.catch(() => undefined); // told by whoever asks
    return { device, answers, opened: await answers.open({ ask: 'open' }), gone };
  }

  async open(): Promise<KernelAnswers['open']> {
    return (await this.start()).opened;
  }

  /** @throws DeviceLost */
  async ask<K extends keyof KernelAnswers>(question: Asked<K, KernelQuestions>): Promise<KernelAnswers[K]> {
    const { answers, gone } = await this.start();
    try {
      const answer = await Promise.race([answers[question.ask](question), gone]);
      // What a lost device was given it drops, and says that it is done.
      await Promise.race([pause(0), gone]);
      return answer;
    } catch (error) {
      await Promise.race([pause(LOSS_IS_TOLD_WITHIN_MS), gone]);
      throw new UserError(`${this.name} could not ${question.ask}: ${(error as Error).message}`);
    }
  }

  drop(): void {
    this.session?.then(
      ({ device }) => device[Symbol.dispose](),
      () => undefined,
    );
    this.session = undefined;
  }
}
