import { bundleTfjs } from './tfjs_bundle.ts';

/** Other engines that are measured beside this one. */
export type Peer = 'tfjs' | 'ort';

/**
 * The file and arguments of a peer's process, for whole models or for single layers.
 * @throws UserError where tfjs cannot be bundled; whether ONNX Runtime is installed shows when it is opened
 */
export const peerProgram = async (peer: Peer, work: 'contender' | 'kernel-contender'): Promise<string[]> =>
  (peer === 'tfjs' ? [await bundleTfjs(work === 'contender' ? 'process' : 'kernel_process')] : [process.argv[1], 'bench', work, peer]);
