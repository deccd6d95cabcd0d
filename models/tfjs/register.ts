import { findBackend, getKernel, getKernelsForBackend, registerBackend, registerKernel } from '@tensorflow/tfjs-core';
import type { KernelBackend, KernelFunc, TensorInfo, TypedArray } from '@tensorflow/tfjs-core';
import type { Device } from '../../engine/device/device.ts';
import { sizeOf } from '../../engine/tensor.ts';
import { TuningforkBackend } from './backend.ts';
import { kernelOf, refuse, type Rows } from './call.ts';
import { MATRICES } from './matrices.ts';
import { MOVES } from './moves.ts';
import { POINTWISE } from './pointwise.ts';
import { REDUCTIONS } from './reductions.ts';

const NAME = 'tuningfork';

/** Kernels of tfjs as compositions of ops, by name. */
export const KERNELS: Rows = { ...POINTWISE, ...MATRICES, ...REDUCTIONS, ...MOVES };

/** The kernel of tfjs's own cpu backend, where that is there and all inputs are numbers that were never computed. */
const onCpu =
  (name: string): KernelFunc =>
  (args) => {
    const backend = args.backend as TuningforkBackend;
    const cpu = findBackend('cpu') as KernelBackend | null;
    const kernel = getKernel(name, 'cpu');
    if (!cpu || !kernel)
      refuse(name, 'is not among the kernels here, and the cpu backend, which has it, is not loaded');
    const copy = (info: TensorInfo): TensorInfo => {
      if (info.dtype === 'complex64') refuse(name, 'takes no complex numbers here');
      const values = sizeOf(info.shape) === 0 ? new Float32Array(0) : backend.valuesOf(info.dataId);
      if (values === undefined)
        refuse(
          name,
          'runs on the CPU, and one of its inputs was computed on the GPU; make a tensor of what data() gives',
        );
      const { shape, dtype } = info;
      // Some of those kernels ask for the rank, which tensors have.
      return Object.assign({ dataId: cpu.write(values, shape, dtype), shape, dtype }, { rank: shape.length });
    };
    const given = Object.entries(args.inputs).filter(([, info]) => info !== undefined && info !== null);
    const copies = given.map(
      ([key, info]) => [key, Array.isArray(info) ? info.map(copy) : copy(info as TensorInfo)] as const,
    );
    const inputs = Array.isArray(args.inputs) ? copies.map(([, info]) => info) : Object.fromEntries(copies);
    const made = kernel.kernelFunc({ inputs: inputs as typeof args.inputs, attrs: args.attrs, backend: cpu });
    const back = (info: TensorInfo): TensorInfo => {
      const values = cpu.readSync(info.dataId) as TypedArray;
      return { ...info, dataId: backend.write(values, info.shape, info.dtype) };
    };
    const results = Array.isArray(made) ? made.map(back) : back(made);
    for (const { dataId } of [...copies.flatMap(([, info]) => info), ...[made].flat()]) cpu.disposeData(dataId, true);
    return results;
  };

/**
 * Registers the backend `tuningfork` and its kernels with tfjs. Kernels that are no composition of ops run on tfjs's
 * cpu backend, where that is loaded and their inputs were never computed.
 * @param open opens the device, when the backend is first asked for; the backend closes it
 */
export function registerTuningfork(open: () => Promise<Device>, priority = 4): void {
  for (const [name, row] of Object.entries(KERNELS))
    if (!getKernel(name, NAME))
      registerKernel({ kernelName: name, backendName: NAME, kernelFunc: kernelOf(name, row, onCpu(name)) });
  registerBackend(
    NAME,
    async () => {
      for (const { kernelName } of getKernelsForBackend('cpu'))
        if (!getKernel(kernelName, NAME))
          registerKernel({ kernelName, backendName: NAME, kernelFunc: onCpu(kernelName) });
      return new TuningforkBackend(await open());
    },
    priority,
  );
}
