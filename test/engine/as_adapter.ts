import type { Device } from '../../engine/device/device.ts';
import type { Capabilities } from '../../engine/op.ts';

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

/** The same device, believed to be a GPU that holds so many sums a thread, and that so many threads keep busy. */
export const likeGpu = (device: Device, sums: number, threads: number): Device => {
  const gpu = { sums, numbers: 120, threads, perByte: 12 };
  return Object.create(device, { capabilities: { value: { ...device.capabilities, software: false, gpu } } });
};

/** What the compiler knows of a CPU, or of a GPU so small that a few tiles keep it busy. */
export const plainCapabilities = (software: boolean): Capabilities => ({
  maxWorkgroupInvocations: 256,
  maxWorkgroupStorage: 16_384,
  maxStorageBinding: 2 ** 27,
  f16: false,
  subgroups: 0,
  software,
  gpu: software ? undefined : { sums: 16, numbers: 103, threads: 64, perByte: 12 },
});

/** The kernels of a program, in order. */
export const kernelsOf = (steps: readonly { readonly launch: { readonly kernel: { readonly name: string } } }[]) =>
  steps.map(({ launch }) => launch.kernel.name);
