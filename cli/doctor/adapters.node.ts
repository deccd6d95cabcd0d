import { openDevice } from '../../engine/device/device.ts';
import { openGpu, softwareDriver } from '../../engine/device/gpu.node.ts';
import { namesInRefusal } from '../session.node.ts';

/** One adapter as WebGPU describes it, with the limits that decide what can be trained. */
export interface AdapterFacts {
  /** Give this, or a part of it, to `--adapter`. */
  readonly name: string;
  readonly driver: string;
  readonly vendor: string;
  readonly type: 'software' | 'hardware';
  readonly f16: boolean;
  readonly subgroups: boolean;
  readonly timestamps: boolean;
  readonly limits: {
    readonly maxBufferSize: number;
    readonly maxStorageBufferBindingSize: number;
    readonly maxStorageBuffersPerShaderStage: number;
    readonly maxComputeWorkgroupStorageSize: number;
    readonly maxComputeInvocationsPerWorkgroup: number;
  };
}

/** Part of no adapter's name: Dawn answers it with a list of those there are. */
const NOBODY = 'no adapter is called this';

/**
 * Every adapter that this machine has, software drivers that belong to a browser included. Each is opened once. Empty where
 * there is none; throws a UserError where the Dawn binding does not load.
 */
export async function listAdapters(): Promise<AdapterFacts[]> {
  // SwiftShader lies in a browser's folder, where the Vulkan loader does not look by itself.
  const ownSearch = process.env['VK_ADD_DRIVER_FILES'];
  process.env['VK_ADD_DRIVER_FILES'] = [ownSearch, softwareDriver('swiftshader')].filter(Boolean).join(':');
  try {
    const names = await openGpu({ adapter: NOBODY }).requestAdapter().then(() => [], (error: Error) => namesInRefusal(error.message));
    const facts: AdapterFacts[] = [];
    for (const name of names) facts.push(await describe(name));
    return facts;
  } finally {
    if (ownSearch === undefined) delete process.env['VK_ADD_DRIVER_FILES'];
    else process.env['VK_ADD_DRIVER_FILES'] = ownSearch;
  }
}

async function describe(name: string): Promise<AdapterFacts> {
  using device = await openDevice({ gpu: openGpu({ adapter: name }) });
  const { limits } = device.gpu;
  return {
    name,
    driver: device.adapter.description,
    vendor: device.adapter.vendor,
    type: device.adapter.software ? 'software' : 'hardware',
    f16: device.capabilities.f16,
    subgroups: device.capabilities.subgroups,
    timestamps: device.hasTimestamps,
    limits: {
      maxBufferSize: limits.maxBufferSize,
      maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
      maxStorageBuffersPerShaderStage: limits.maxStorageBuffersPerShaderStage,
      maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
      maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
    },
  };
}
