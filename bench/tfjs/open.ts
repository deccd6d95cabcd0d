import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { Device } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import type { Tf } from './network.ts';

/** TensorFlow.js on its webgpu backend, on the same Dawn and the same adapter as this engine. `device` closes it. */
export async function openTf(adapterName?: string): Promise<{ tf: Tf; backend: WebGPUBackend; device: Device }> {
  // tfjs looks for the browser's WebGPU while it is being imported: what the binding offers must lie there first.
  const gpu = openGpu({ adapter: adapterName });
  Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true });
  const tf = await import('@tensorflow/tfjs');
  await import('@tensorflow/tfjs-backend-webgpu');
  // Or it computes small operands on the CPU, out of sight.
  tf.env().set('WEBGPU_CPU_FORWARD', false);
  await tf.setBackend('webgpu');
  await tf.ready();
  const backend = tf.backend() as WebGPUBackend;
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  return { tf, backend, device: new Device(backend.device, adapter!) };
}
