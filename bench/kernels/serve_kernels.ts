import { answerQuestions } from '../serve.ts';
import { sampledElements } from './cases.ts';
import type { KernelAnswers, KernelContender, KernelQuestions, Prepared } from './contender.ts';

/** Makes this process a contender of `bench kernels`, as `serve` does for whole models. */
export function serveKernels(open: (adapter?: string) => Promise<KernelContender>): void {
  let contender: KernelContender | undefined;
  let prepared: Prepared | undefined;
  const release = (): null => {
    prepared?.release();
    prepared = undefined;
    return null;
  };

  answerQuestions<KernelAnswers, KernelQuestions>({
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
      const [start, cpuStart] = [performance.now(), process.cpuUsage()];
      const done = await prepared!.run(runs);
      const wall = (performance.now() - start) / done;
      const { user, system } = process.cpuUsage(cpuStart);
      return { wall, cpu: (user + system) / 1000 / done, gpu: (await prepared!.gpuTime()) ?? null };
    },
    release,
  }, () => {
    release();
    contender?.close();
  });
}
