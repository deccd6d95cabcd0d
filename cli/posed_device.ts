import type { Device } from '../engine/device/device.ts';
import { gpuModel } from '../engine/device/gpu_model.ts';
import { GPU_SHEETS, type GpuName } from '../engine/device/gpu_sheets.ts';
import { TuningTable } from '../engine/tuning.ts';

/** What drivers of such GPUs give WebGPU at least; Apple's workgroup memory is the smallest. */
const USUAL = { maxWorkgroupInvocations: 1024, maxWorkgroupStorage: 32_768, maxStorageBinding: 2 ** 31 - 4 };

/**
 * A device that is planned for as if it were another GPU: its kernels are chosen by that one's model, with nothing
 * tuned and no tensor cores. For plans only; what computes is still the device.
 */
export function posedAs(device: Device, name: GpuName): Device {
  const { title, vendor, architecture, subgroup } = GPU_SHEETS[name];
  const adapter = { vendor, architecture, description: `${title}, by its data sheet`, software: false };
  const capabilities = { ...USUAL, f16: true, subgroups: subgroup, software: false, gpu: gpuModel(adapter) };
  return Object.create(device, {
    adapter: { value: adapter },
    capabilities: { value: capabilities },
    memoryLimit: { value: Infinity },
    tuning: { value: new TuningTable() },
  }) as Device;
}
