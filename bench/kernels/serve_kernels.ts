import { answerQuestions } from '../serve.ts';
import type { KernelAnswers, KernelContender, KernelQuestions } from './contender.ts';
import { kernelAnswers } from './kernel_answers.ts';

/** Makes this process a contender of `bench kernels`, as `serve` does for whole models. */
export function serveKernels(open: (adapter?: string) => Promise<KernelContender>): void {
  const { answers, close } = kernelAnswers(open, () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  });
  answerQuestions<KernelAnswers, KernelQuestions>(answers, close);
}
