import type { Contender, Job } from '../contender.ts';
import type { Case } from './cases.ts';
import type { Prepared } from './contender.ts';

/** What a whole network's case asks of an engine. */
export const jobOf = ({ layer: { x }, direction }: Case): Job => ({
  work: direction === 'forward' ? 'forward' : 'train',
  batch: x[0],
  size: x[1],
});

/** A network as one case: its runs upload their images and end when their result is back, one after another. */
export function preparedNetwork({ direction }: Case, contender: Contender): Prepared {
  return {
    kernels: [],
    async compute() {
      const first = await contender.run();
      return direction === 'forward' ? [first] : [first, await contender.run()];
    },
    async run(times) {
      for (let i = 0; i < times; i++) await contender.run();
      return times;
    },
    gpuTime: () => Promise.resolve(undefined),
    release: () => contender.close(),
  };
}
