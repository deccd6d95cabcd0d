import { hasAdapter, openDevice, type Device } from '../../engine/device/device.ts';

/** The GPU's device; where the browser has no WebGPU, or no adapter for it, one that computes in JavaScript. */
export async function openAnyDevice(): Promise<Device> {
  if (await hasAdapter()) return openDevice();
  // Loaded where it is needed only.
  const { PlainDevice } = await import('./plain_device.ts');
  return new PlainDevice();
}
