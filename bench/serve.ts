import { UserError } from '../engine/user_error.ts';
import type { Answer, Answers, Asked, Contender, Handlers, Job, Questions } from './contender.ts';

/**
 * Answers the process that forked this one, one question at a time, until that one disconnects; then closes and ends.
 * @throws UserError where no process forked this one
 */
export function answerQuestions<A extends object, Q>(handlers: Handlers<A, Q>, close: () => void): void {
  if (!process.send)
    throw new UserError(
      'this is a part of `tuningfork bench models`, `bench train` and `bench kernels`; run one of these',
    );
  process.on('message', (question: Asked<keyof A, Q>) => {
    Promise.resolve()
      .then(() => handlers[question.ask](question))
      .then(
        (value): Answer => ({ value }),
        (error: Error): Answer => ({ error: error.message }),
      )
      .then((reply) => process.send!(reply));
  });
  process.on('disconnect', () => {
    close();
    process.exit(0);
  });
}

/**
 * Makes this process a contender of `bench models` and `bench train`.
 * @param open makes the engine ready for the job; its time counts towards the first run
 */
export function serve(open: (job: Job) => Promise<Contender>): void {
  let contender: Contender | undefined;

  const timedRun = async (): Promise<Answers['run']> => {
    const [start, cpuStart] = [performance.now(), process.cpuUsage()];
    const running = contender!.run();
    const issue = performance.now() - start;
    const output = await running;
    const milliseconds = performance.now() - start;
    const { user, system } = process.cpuUsage(cpuStart);
    return { milliseconds, issue, cpu: (user + system) / 1000, output: [...output] };
  };

  answerQuestions<Answers, Questions>(
    {
      async open({ job }) {
        const start = performance.now();
        contender = await open(job);
        const opened = performance.now() - start;
        const { milliseconds, output } = await timedRun();
        return { adapter: contender.adapter, milliseconds: opened + milliseconds, output };
      },
      run: timedRun,
      memory: () => ({
        resident: process.memoryUsage.rss(),
        peak: process.resourceUsage().maxRSS * 1024,
        gpu: contender!.gpuBytes(),
      }),
      profile: async () => (await contender!.profile()) ?? null,
    },
    () => contender?.close(),
  );
}
