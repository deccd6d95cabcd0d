import { openDevice, type Device } from '../engine/device/device.ts';
import { openGpu } from '../engine/device/gpu.node.ts';
import { UserError } from '../engine/user_error.ts';
import { onInterrupt } from './interrupt.ts';

/** Dawn's answer to a name that no adapter has: an error that lists the adapters there are. */
const NAME_IN_LIST = /name: '(.*)'/g;

/** The names of the adapters in the message with which Dawn refuses an unknown name. */
export const namesInRefusal = (message: string): string[] => [...message.matchAll(NAME_IN_LIST)].map((match) => match[1]);

/**
 * Opens the device that a command computes on: the adapter of this name, or the system's choice. It is closed when the
 * command disposes it, and by Ctrl-C. Throws a UserError where there is no such adapter.
 */
export async function openSession({ adapter }: { readonly adapter?: string } = {}): Promise<Device> {
  const device = await openDevice({ gpu: openGpu({ adapter }) }).catch((error: Error) => {
    if (adapter === undefined || !error.message.includes('no suitable backends found')) throw error;
    const names = namesInRefusal(error.message);
    throw new UserError(`no adapter is called ${adapter}; this machine has ${names.join(', ') || 'none'}`);
  });
  onInterrupt(() => device[Symbol.dispose]());
  return device;
}
