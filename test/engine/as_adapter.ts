import type { Device } from '../../engine/device/device.ts';

/** The same device, believed to be a real GPU: so the kernels chosen for one are tested where there is none. */
export const asHardware = (device: Device): Device =>
  Object.create(device, { capabilities: { value: { ...device.capabilities, software: false } } }) as Device;

/**
 * Dawn's null backend, believed to be lavapipe: its subgroups are of four lanes or more, and kernels that share loads
 * want eight.
 */
export const asLavapipe = (device: Device): Device =>
  Object.create(device, {
    capabilities: { value: { ...device.capabilities, software: true, subgroups: 8 } },
  }) as Device;
