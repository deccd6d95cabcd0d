import type { SubgroupMatrix } from '../../kernels/matmul/matrix_tiling.ts';
import { openDevice, type Device } from './device.ts';
import { openGpu } from './gpu.node.ts';
import { UserError } from '../user_error.ts';

/** One adapter as WebGPU describes it, with the limits that decide what can be trained. */
export interface AdapterFacts {
  /** Give this, or a part of it, to `--adapter`. */
  readonly name: string;
  readonly driver: string;
  readonly vendor: string;
  readonly type: 'software' | 'hardware';
  readonly f16: boolean;
  readonly subgroups: boolean;
  /** The matrices that subgroups multiply, f16 x f16 to f32; null where there are none that Tuningfork uses. */
  readonly subgroupMatrix: SubgroupMatrix | null;
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

/** The names of the adapters in the message with which Dawn refuses an unknown name; null for any other message. */
function namesInRefusal(error: Error): string[] | null {
  if (!error.message.includes('no suitable backends found')) return null;
  return [...error.message.matchAll(/name: '(.*)'/g)].map((match) => match[1]);
}

/**
 * Every adapter that this machine has, software drivers that belong to a browser included. Each is opened once. Empty
 * where there is none; throws a UserError where the Dawn binding does not load.
 */
export async function listAdapters(): Promise<AdapterFacts[]> {
  const names = await openGpu({ adapter: NOBODY })
    .requestAdapter()
    .then(
      () => [],
      (error: Error) => namesInRefusal(error) ?? [],
    );
  const facts: AdapterFacts[] = [];
  for (const name of names) facts.push(await describe(name));
  return facts;
}

/**
 * Opens the adapter of this name (`lavapipe`, `swiftshader`, part of another's name), or the system's choice. Throws a
 * UserError that lists the adapters there are where none is called so.
 */
export async function openAdapter(name: string | undefined): Promise<Device> {
  return openDevice({ gpu: openGpu({ adapter: name }) }).catch((error: Error) => {
    const names = name === undefined ? null : namesInRefusal(error);
    throw names ? new UserError(`no adapter is called ${name}; this machine has ${names.join(', ') || 'none'}`) : error;
  });
}

async function describe(name: string): Promise<AdapterFacts> {
  using device = await openAdapter(name);
  const { limits } = device.gpu;
  return {
    name,
    driver: device.adapter.description,
    vendor: device.adapter.vendor,
    type: device.adapter.software ? 'software' : 'hardware',
    f16: device.capabilities.f16,
    subgroups: device.capabilities.subgroups > 0,
    subgroupMatrix: device.capabilities.subgroupMatrix ?? null,
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
