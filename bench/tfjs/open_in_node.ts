import { openGpu } from '../../engine/device/gpu.node.ts';
import { openBackend, type OpenTf } from './open.ts';

/** TensorFlow.js on the same Dawn and the same adapter as this engine. */
export async function openTf(adapterName?: string): Promise<OpenTf> {
  // tfjs looks for the browser's WebGPU while it is being imported: what the binding offers must lie there first.
  const gpu = openGpu({ adapter: adapterName });
  Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true });
  const tf = await import('@tensorflow/tfjs');
  await import('@tensorflow/tfjs-backend-webgpu');
  return openBackend(tf, gpu);
}
