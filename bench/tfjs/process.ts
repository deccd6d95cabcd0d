import { serve } from '../serve.ts';
import { tfjsContender } from './contender.ts';
import { openTf } from './open_in_node.ts';

// The whole program of tfjs's process: the benchmark bundles it and forks it.
serve(async (job) => {
  const opened = await openTf(job.adapter);
  return { ...tfjsContender(opened, job), close: () => opened.device[Symbol.dispose]() };
});
