import type { Device } from '../../engine/device/device.ts';

/** The same device, believed to be a real GPU: so the kernels chosen for one are tested where there is none. */
export const asHardware = (device: Device): Device =>
  Object.create(device, { capabilities: { value: { ...device.capabilities, software: false } } }) as Device;
