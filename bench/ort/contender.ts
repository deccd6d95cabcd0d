import { UserError } from '../../engine/user_error.ts';
import type { Contender, Job } from '../contender.ts';
import { images, weights } from '../job_data.ts';
import { readOnnxFile } from '../../models/onnx/onnx_file.node.ts';
import { permuted } from '../permuted.ts';
import { efficientNetOnnx } from './efficientnet.ts';
import { openOrt } from './open.ts';

/**
 * ONNX Runtime on its WebGPU provider with EfficientNet-B0, or an ONNX file of NCHW images.
 * @throws UserError where it is not installed or shall train, which it cannot
 */
export async function openOrtModel(job: Job): Promise<Contender> {
  if (job.work !== 'forward') throw new UserError('ONNX Runtime does not train: compare `bench models`');
  const { ort, adapter } = await openOrt(job.adapter);
  const { batch, size, model } = job;
  const bytes = model === undefined ? efficientNetOnnx(weights(), batch, size) : readOnnxFile(model).bytes;
  const session = await ort.InferenceSession.create(bytes, { executionProviders: ['webgpu'] });
  const [x, y] = [session.inputNames[0], session.outputNames[0]];
  const pixels = permuted(images(job), [batch, size, size, 3], [0, 3, 1, 2]);
  return {
    adapter,
    async run() {
      const outputs = await session.run({ [x]: new ort.Tensor('float32', pixels, [batch, 3, size, size]) });
      return outputs[y].data;
    },
    // It does not tell, and this is shown as a dash.
    gpuBytes: () => 0,
    profile: () => Promise.resolve(undefined),
    close: () => void session.release(),
  };
}
