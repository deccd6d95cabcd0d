import { UserError } from '../../engine/user_error.ts';
import type { Contender, Job } from '../contender.ts';
import { images, weights } from '../job_data.ts';
import { permuted } from '../permuted.ts';
import { efficientNetOnnx } from './efficientnet.ts';
import { openOrt } from './open.ts';

/**
 * ONNX Runtime on its WebGPU provider with EfficientNet-B0. @throws UserError where it is not installed or shall train,
 * which it cannot
 */
export async function openOrtModel(job: Job): Promise<Contender> {
  if (job.work === 'train') throw new UserError('ONNX Runtime does not train: compare `bench models`');
  const { ort, adapter } = await openOrt(job.adapter);
  const session = await ort.InferenceSession.create(efficientNetOnnx(weights(), job.batch, job.size), {
    executionProviders: ['webgpu'],
  });
  const pixels = permuted(images(job), [job.batch, job.size, job.size, 3], [0, 3, 1, 2]);
  return {
    adapter,
    async run() {
      const { logits } = await session.run({
        x: new ort.Tensor('float32', pixels, [job.batch, 3, job.size, job.size]),
      });
      return logits.data;
    },
    // It does not tell, and this is shown as a dash.
    gpuBytes: () => 0,
    profile: () => Promise.resolve(undefined),
    close: () => void session.release(),
  };
}
