import type { Device } from '../../engine/device/device.ts';
import { gpuModel } from '../../engine/device/gpu_model.ts';
import type { Capabilities } from '../../engine/op.ts';

/** The same device, believed to be a real GPU: so the kernels chosen for one are tested where there is none. */
export const asHardware = (device: Device): Device =>
  Object.create(device, { capabilities: { value: { ...device.capabilities, software: false } } }) as Device;

/** The same device, believed to be a GPU of Intel, whose threads have the fewest registers of all. */
export function asIntel(device: Device): Device {
  const gpu = gpuModel({ vendor: 'intel', architecture: '', description: '' });
  return Object.create(device, { capabilities: { value: { ...device.capabilities, software: false, gpu } } }) as Device;
}

/**
 * The same device, believed to be a GPU of so many threads that keep it busy; a thread holds so many sums of a product,
 * and so many numbers in all.
 */
export const likeGpu = (device: Device, threads: number, sums = 16, numbers = 120): Device => {
  const gpu = { sums, numbers, threads, perByte: 12 };
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
