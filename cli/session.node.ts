import { totalmem } from 'node:os';
import { openAdapter } from '../engine/device/adapters.node.ts';
import type { Device } from '../engine/device/device.ts';
import { onInterrupt } from './interrupt.ts';
import type { GlobalOptions } from './options.ts';
import { readTuning } from './tuning_file.node.ts';

/**
 * Opens the device that a command computes on: the adapter of this name, or the system's choice, with what was tuned
 * for it. It is closed when the command disposes it, and by Ctrl-C. Throws a UserError where there is no such adapter.
 *
 * Dawn's binding prints two lines about `maxDynamic...BuffersPerPipelineLayout` to stderr here. They mean nothing, and
 * it has no option that silences them.
 */
export async function openSession({
  adapter,
  tuning,
}: Pick<GlobalOptions, 'adapter' | 'tuning'> = {}): Promise<Device> {
  const table = readTuning(tuning, (note) => console.error(note));
  const device = await openAdapter(adapter);
  device.tuning = table;
  // A software adapter computes in main memory; of any other, only the driver knows how much there is.
  if (device.adapter.software) device.memoryLimit = Math.min(totalmem(), process.constrainedMemory() || Infinity);
  onInterrupt(() => device[Symbol.dispose]());
  return device;
}
