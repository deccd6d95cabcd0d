import type { Handlers } from '../contender.ts';
import { sampledElements } from './cases.ts';
import type { KernelAnswers, KernelContender, KernelQuestions, Prepared } from './contender.ts';

/**
 * What answers the questions of a measurement: in a process, or in a worker.
 * @param open opens the engine at the first question
 * @param cpuTime milliseconds of CPU time of all threads so far, where something tells
 */
export function kernelAnswers(
  open: (adapter?: string) => Promise<KernelContender>,
  cpuTime?: () => number,
): { readonly answers: Handlers<KernelAnswers, KernelQuestions>; close(): void } {
  let contender: KernelContender | undefined;
  let prepared: Prepared | undefined;
  const release = (): null => {
    prepared?.release();
    prepared = undefined;
    return null;
  };
  const answers: Handlers<KernelAnswers, KernelQuestions> = {
    async open({ adapter }) {
      contender = await open(adapter);
      return { adapter: contender.adapter, maxStorageBinding: contender.maxStorageBinding };
    },
    async prepare({ case: c }) {
      release();
      const answer = await contender!.prepare(c);
      if (typeof answer === 'string') return { unsupported: answer };
      prepared = answer;
      const results = await answer.compute();
      return {
        kernels: answer.kernels,
        samples: c.results.map((result, i) => sampledElements(result).map((at) => results[i][at])),
        finite: results.every((values) => values.every(Number.isFinite)),
      };
    },
    async time({ runs }) {
      const [start, cpuStart] = [performance.now(), cpuTime?.()];
      const done = await prepared!.run(runs);
      const wall = (performance.now() - start) / done;
      const cpu = cpuStart === undefined ? null : (cpuTime!() - cpuStart) / done;
      // A clock that browsers have made coarse says 0 where it is too coarse.
      return { wall, cpu, gpu: (await prepared!.gpuTime(runs)) || null };
    },
    release,
  };
  return {
    answers,
    close() {
      release();
      contender?.close();
    },
  };
}
