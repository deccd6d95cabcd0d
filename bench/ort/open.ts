import { openAdapter } from '../../engine/device/adapters.node.ts';
import type { AdapterSummary } from '../../engine/device/device.ts';
import { softwareDriver } from '../../engine/device/gpu.node.ts';
import { UserError } from '../../engine/user_error.ts';

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
  run(feeds: Record<string, OrtTensor>): Promise<Record<string, OrtTensor>>;
  release(): Promise<void>;
}

/** Measured with this version; a later one may do as well. */
const PACKAGE = 'onnxruntime-node';
const VERSION = '1.30.0';

/**
 * onnxruntime-node, which brings a Dawn of its own. It cannot be told which adapter to take, only which drivers there are, and does not say
 * which it took: the summary is that of the adapter which ours opens under the same name.
 * @throws UserError where it is not installed
 */
export async function openOrt(adapter?: string): Promise<{ ort: Ort; adapter: AdapterSummary; maxStorageBinding: number }> {
  const ort = await import(PACKAGE).catch((error: Error) => {
    throw new UserError(`${PACKAGE} does not load (${error.message.split('\n')[0]}); it is large and no dependency: \`npm install --no-save --ignore-scripts ${PACKAGE}@${VERSION}\` puts it here until the next \`npm ci\``);
  });
  const device = await openAdapter(adapter);
  const summary = { adapter: device.adapter, maxStorageBinding: device.capabilities.maxStorageBinding };
  device[Symbol.dispose]();
  const software = adapter?.toLowerCase();
  if (software === 'lavapipe' || software === 'swiftshader') process.env['VK_DRIVER_FILES'] = softwareDriver(software);
  return { ort: (ort.default ?? ort) as Ort, ...summary };
}
