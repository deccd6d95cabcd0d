import { bundleTfjs } from '../tfjs_bundle.ts';

export type Peer = 'tfjs';

/** The file and arguments of a peer's process. @throws UserError where the peer is not installed */
export async function peerProgram(_name: Peer): Promise<string[]> {
  return [await bundleTfjs('kernel_process')];
}
