import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { Device } from '../../engine/device/device.ts';
import type { Tf } from './network.ts';

/** TensorFlow.js on its webgpu backend; `device` closes it. */
export interface OpenTf {
  readonly tf: Tf;
  readonly backend: WebGPUBackend;
  readonly device: Device;
}

/**
 * Opens tfjs's backend, which finds WebGPU in `navigator`.
 * @param gpu what lies there, for the adapter's name
 */
export async function openBackend(tf: Tf, gpu: GPU): Promise<OpenTf> {
  // Or it computes small operands on the CPU, out of sight.
  tf.env().set('WEBGPU_CPU_FORWARD', false);
  if (!(await tf.setBackend('webgpu'))) throw new Error('tfjs does not open its webgpu backend here');
  await tf.ready();
  const backend = tf.backend() as WebGPUBackend;
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  return { tf, backend, device: new Device(backend.device, adapter!) };
}
