import { UserError } from '../engine/user_error.ts';
import type { Answer, Answers, Contender, Job, Question } from './contender.ts';

/**
 * Makes this process a contender's: answers the process that forked it, one question at a time, until that one disconnects.
 * @throws UserError where no process forked this one
 * @param open makes the engine ready for the job; its time counts towards the first run
 */
export function serve(open: (job: Job) => Promise<Contender>): void {
  if (!process.send) throw new UserError('this is a part of `tuningfork bench models` and `bench train`; run one of these');
  let contender: Contender | undefined;

  const timedRun = async (): Promise<Answers['run']> => {
    const [start, cpuStart] = [performance.now(), process.cpuUsage()];
    const output = await contender!.run();
    const milliseconds = performance.now() - start;
    const { user, system } = process.cpuUsage(cpuStart);
    return { milliseconds, cpu: (user + system) / 1000, output: [...output] };
  };

  const answer = async (question: Question): Promise<Answers[keyof Answers]> => {
    switch (question.ask) {
      case 'open': {
        const start = performance.now();
        contender = await open(question.job);
        const opened = performance.now() - start;
        const { milliseconds, output } = await timedRun();
        return { adapter: contender.adapter, milliseconds: opened + milliseconds, output };
      }
      case 'run':
        return timedRun();
      case 'memory':
        return { resident: process.memoryUsage.rss(), peak: process.resourceUsage().maxRSS * 1024, gpu: contender!.gpuBytes() };
      case 'profile':
        return (await contender!.profile()) ?? null;
    }
  };

  process.on('message', (question: Question) => {
    answer(question).then(
      (value): Answer => ({ value }),
      (error: Error): Answer => ({ error: error.message }),
    ).then((reply) => process.send!(reply));
  });
  process.on('disconnect', () => {
    contender?.close();
    process.exit(0);
  });
}
