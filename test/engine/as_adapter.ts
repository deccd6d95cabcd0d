import type { Device } from '../../engine/device/device.ts';

/** The same device, believed to be a real GPU: so the kernels chosen for one are tested where there is none. */
export const asHardware = (device: Device): Device =>
  Object.create(device, { capabilities: { value: { ...device.capabilities, software: false } } }) as Device;

/** The same, of so many threads that keep it busy, and so many sums of a product a thread. */
export const likeGpu = (device: Device, threads: number, sums = 16): Device => {
  const gpu = { sums, numbers: 120, threads, perByte: 12 };
  return Object.create(device, { capabilities: { value: { ...device.capabilities, software: false, gpu } } }) as Device;
};

/**
 * Dawn's null backend, believed to be lavapipe: its subgroups are of four lanes or more, and kernels that share loads
 * want eight.
 */
export const asLavapipe = (device: Device): Device =>
  Object.create(device, {
    capabilities: { value: { ...device.capabilities, software: true, subgroups: 8 } },
  }) as Device;
