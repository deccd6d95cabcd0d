import type { Contender, Job } from './contender.ts';
import type { KernelContender } from './kernels/contender.ts';
import { bundleTfjs } from './tfjs_bundle.ts';

/**
 * Other engines that are measured beside this one; `v1` is this one with its naive kernels, `v2` with those in tiles
 * and without Winograd's, `f32` in that precision.
 */
export type Peer = 'tfjs' | 'ort' | 'jax' | 'v1' | 'v2' | 'f32';

const VERSIONS: Readonly<Record<string, 1 | 2>> = { v1: 1, v2: 2 };

/**
 * The file and arguments of a peer's process, for whole models or for single layers.
 * @throws UserError where tfjs cannot be bundled; whether the others are installed shows when they are opened
 */
export const peerProgram = async (peer: Peer, work: 'contender' | 'kernel-contender'): Promise<string[]> =>
  peer === 'tfjs'
    ? [await bundleTfjs(work === 'contender' ? 'process' : 'kernel_process')]
    : [process.argv[1], 'bench', work, peer];

/** What opens an engine that measures layers in a process of this program. */
export async function openKernels(engine: string): Promise<(adapter?: string) => Promise<KernelContender>> {
  switch (engine) {
    case 'ort':
      return (await import('./ort/kernels.ts')).openOrtKernels;
    case 'jax':
      return (await import('./jax/kernels.ts')).openJaxKernels;
    default: {
      const [{ openAdapter }, { tuningforkKernels }] = await Promise.all([
        import('../engine/device/adapters.node.ts'),
        import('./kernels/tuningfork_kernels.ts'),
      ]);
      return async (adapter) =>
        tuningforkKernels(await openAdapter(adapter), VERSIONS[engine], engine === 'tuningfork-f16' ? 'f16' : 'f32');
    }
  }
}

/** This engine on an adapter of its own, ready for the job. */
export async function openTuningfork(job: Job): Promise<Contender> {
  const [{ openSession }, { tuningforkContender }, { onnxContender }, { isOnnxFile }] = await Promise.all([
    import('../cli/session.node.ts'),
    import('./tuningfork_contender.ts'),
    import('./onnx_contender.ts'),
    import('../models/onnx/onnx_file.node.ts'),
  ]);
  // Not what the user tuned, but what everybody gets.
  const device = await openSession({ adapter: job.adapter, tuning: 'none' });
  const { model } = job;
  const opened =
    model !== undefined && isOnnxFile(model) ? onnxContender(device, model, job) : tuningforkContender(device, job);
  return { ...(await opened), close: () => device[Symbol.dispose]() };
}
