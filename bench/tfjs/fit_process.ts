import { openDevice } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { registerTuningfork } from '../../models/tfjs/register.ts';
import { serve } from '../serve.ts';
import { fitContender } from './fit.ts';
import { openTf } from './open_in_node.ts';

// The whole program of a process that measures `model.fit`: the benchmark bundles it, and forks it with the name of one
// of tfjs's backends, its own `webgpu` or this engine's.
serve(async (job) => {
  if (process.argv[2] === 'webgpu') {
    const { tf, device, backend } = await openTf(job.adapter);
    const gpuBytes = () => backend.bufferManager.numBytesAllocated;
    return fitContender(tf, { adapter: device.adapter, gpuBytes, close: () => device[Symbol.dispose]() }, job);
  }
  const tf = await import('@tensorflow/tfjs');
  const device = await openDevice({ gpu: openGpu({ adapter: job.adapter }) });
  registerTuningfork(() => Promise.resolve(device));
  await tf.setBackend('tuningfork');
  const gpuBytes = () => device.memory.bytes;
  return fitContender(tf, { adapter: device.adapter, gpuBytes, close: () => device[Symbol.dispose]() }, job);
});
