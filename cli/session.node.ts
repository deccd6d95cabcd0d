import { openAdapter } from '../engine/device/adapters.node.ts';
import type { Device } from '../engine/device/device.ts';
import { onInterrupt } from './interrupt.ts';

/**
 * Opens the device that a command computes on: the adapter of this name, or the system's choice. It is closed when the
 * command disposes it, and by Ctrl-C. Throws a UserError where there is no such adapter.
 *
 * Dawn's binding prints two lines about `maxDynamic...BuffersPerPipelineLayout` to stderr here. They mean nothing, and it
 * has no option that silences them.
 */
export async function openSession({ adapter }: { readonly adapter?: string } = {}): Promise<Device> {
  const device = await openAdapter(adapter);
  onInterrupt(() => device[Symbol.dispose]());
  return device;
}
