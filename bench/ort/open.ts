import { openAdapter } from '../../engine/device/adapters.node.ts';
import type { AdapterSummary } from '../../engine/device/device.ts';
import { softwareDriver } from '../../engine/device/gpu.node.ts';
import { importOptional } from '../optional_package.ts';

/** The part of onnxruntime-node that is used here: it is no dependency, and its types are not there. */
export interface Ort {
  readonly Tensor: new (type: 'float32', data: Float32Array, dims: readonly number[]) => OrtTensor;
  readonly InferenceSession: {
    create(model: Uint8Array, options: object): Promise<OrtSession>;
  };
}
export interface OrtTensor {
  readonly data: Float32Array;
}
export interface OrtSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  run(feeds: Record<string, OrtTensor>): Promise<Record<string, OrtTensor>>;
  release(): Promise<void>;
}

/**
 * onnxruntime-node, which brings a Dawn of its own. It cannot be told which adapter to take, only which drivers there
 * are, and does not say which it took: the summary is that of the adapter which ours opens under the same name.
 * @throws UserError where it is not installed
 */
export async function openOrt(
  adapter?: string,
): Promise<{ ort: Ort; adapter: AdapterSummary; maxStorageBinding: number }> {
  const ort = (await importOptional('onnxruntime-node', '1.30.0')) as Ort & { default?: Ort };
  const device = await openAdapter(adapter);
  const summary = { adapter: device.adapter, maxStorageBinding: device.capabilities.maxStorageBinding };
  device[Symbol.dispose]();
  const software = adapter?.toLowerCase();
  if (software === 'lavapipe' || software === 'swiftshader') process.env['VK_DRIVER_FILES'] = softwareDriver(software);
  return { ort: ort.default ?? ort, ...summary };
}
