import { kernelAnswers } from '../../bench/kernels/kernel_answers.ts';
import { tfjsKernels } from '../../bench/tfjs/kernels.ts';
import type { Tf } from '../../bench/tfjs/network.ts';
import { openBackend } from '../../bench/tfjs/open.ts';
import { UserError } from '../../engine/user_error.ts';
import { serve } from '../common/worker_server.ts';

async function loadTf(): Promise<Tf> {
  try {
    return (await import(new URL('./tfjs.js', import.meta.url).href)) as Tf;
  } catch (error) {
    throw new UserError(
      `these pages do not have it (${(error as Error).message}); it comes with the package, and with \`npm ci\` and \`npm run build\` in a checkout`,
    );
  }
}

serve(kernelAnswers(async () => tfjsKernels(await openBackend(await loadTf(), navigator.gpu))).answers);
