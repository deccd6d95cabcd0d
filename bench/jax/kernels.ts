import { openGpu } from '../../engine/device/gpu.node.ts';
import { Device } from '../../engine/device/device.ts';
import type { Shape } from '../../engine/tensor.ts';
import { drawOperands, type Case } from '../kernels/cases.ts';
import type { KernelContender, Prepared } from '../kernels/contender.ts';
import type { Kind } from '../kernels/layer.ts';
import { importOptional } from '../optional_package.ts';
import { permuted } from '../permuted.ts';

/** An array of jax-js. A function consumes its arguments; `ref` is one more reference to the same array. */
interface JaxArray {
  readonly ref: JaxArray;
  data(): Promise<Float32Array>;
  blockUntilReady(): Promise<JaxArray>;
  dispose(): void;
}
type Compute = (...args: JaxArray[]) => JaxArray;

/** The part of jax-js that is used here. */
interface Jax {
  init(device: 'webgpu'): Promise<readonly string[]>;
  defaultDevice(device: 'webgpu'): void;
  getWebGPUDevice(): GPUDevice;
  jit(f: Compute): Compute & { dispose(): void };
  vjp(f: (x: JaxArray) => JaxArray, primals: readonly [JaxArray]): [JaxArray, (dy: JaxArray) => [JaxArray]];
  readonly numpy: {
    array(values: Float32Array, options: { shape: readonly number[] }): JaxArray;
    zeros(shape: readonly number[]): JaxArray;
    matmul: Compute;
  };
  readonly lax: {
    convGeneralDilated(
      x: JaxArray,
      w: JaxArray,
      strides: readonly number[],
      padding: 'SAME',
      options: { featureGroupCount: number },
    ): JaxArray;
  };
}

/**
 * jax-js, layer by layer: convolutions and products, jitted, gradients by `vjp`. @throws UserError where it is not
 * installed
 */
export async function openJaxKernels(adapterName?: string): Promise<KernelContender> {
  // It looks for the browser's WebGPU, and for the browser's name.
  const gpu = openGpu({ adapter: adapterName });
  Object.defineProperty(globalThis, 'navigator', { value: { gpu, userAgent: 'Node' }, configurable: true });
  const jax = (await importOptional('@jax-js/jax', '0.1.25')) as Jax;
  await jax.init('webgpu');
  jax.defaultDevice('webgpu');
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  const device = new Device(jax.getWebGPUDevice(), adapter!);
  return {
    adapter: device.adapter,
    maxStorageBinding: device.capabilities.maxStorageBinding,
    close: () => device[Symbol.dispose](),
    async prepare(c: Case): Promise<Prepared | string> {
      if (!['conv2d', 'depthwise_conv2d', 'matmul'].includes(c.layer.kind))
        return 'jax-js is asked for convolutions and products only';
      const values = drawOperands(c);
      const args = c.operands.map(({ name, shape }) => {
        const { axes, extra } = orderOf(c.layer.kind, name);
        return jax.numpy.array(permuted(values[name], shape, axes), { shape: inOrder(shape, axes, extra) });
      });
      const jitted = jax.jit(computation(jax, c));
      const once = () => jitted(...args.map(({ ref }) => ref));
      return {
        kernels: [],
        async compute() {
          const [{ name, shape }] = c.results;
          const result = await once().data();
          device.check();
          const { axes } = orderOf(c.layer.kind, name);
          return [
            permuted(
              result,
              axes.map((axis) => shape[axis]),
              axes.map((_, axis) => axes.indexOf(axis)),
            ),
          ];
        },
        async run(times) {
          // It is lazy: an array that is let go before somebody asks for it is never computed.
          const results = Array.from({ length: times }, once);
          await Promise.all(results.map((result) => result.blockUntilReady()));
          for (const result of results) result.dispose();
          await device.idle();
          return times;
        },
        gpuTime: () => Promise.resolve(undefined),
        release() {
          jitted.dispose();
          for (const arg of args) arg.dispose();
        },
      };
    },
  };
}

/** From the case's operands, in their order, to its one result. */
function computation(jax: Jax, { layer: { kind, x, w, stride = 1, groups: inGroups = 1 }, direction }: Case): Compute {
  const groups = kind === 'depthwise_conv2d' ? x[3] : inGroups;
  const f: Compute = (a, b) =>
    kind === 'matmul'
      ? jax.numpy.matmul(a, b)
      : jax.lax.convGeneralDilated(a, b, [stride, stride], 'SAME', { featureGroupCount: groups });
  // Linear in what is differentiated, so that any value of it serves: zeros. The forward pass, unused, is dropped by
  // `jit`.
  const gradient = (g: (at: JaxArray) => JaxArray, name: 'x' | 'w', shape: Shape, dy: JaxArray): JaxArray => {
    const { axes, extra } = orderOf(kind, name);
    const [y, back] = jax.vjp(g, [jax.numpy.zeros(inOrder(shape, axes, extra))]);
    y.dispose();
    return back(dy)[0];
  };
  switch (direction) {
    case 'input_grad':
      return (dy, b) => gradient((a) => f(a, b), 'x', x, dy);
    case 'filter_grad':
      return (a, dy) => gradient((b) => f(a, b), 'w', w!, dy);
    default:
      return f;
  }
}

/**
 * jax-js has channels before pixels and filters as [K, C, r, s], depthwise [C, 1, r, s]: the order of our axes, and
 * where it has one more.
 */
function orderOf(kind: Kind, name: string): { axes: readonly number[]; extra?: number } {
  if (kind === 'matmul') return { axes: [0, 1] };
  if (name !== 'w' && name !== 'dw') return { axes: [0, 3, 1, 2] };
  return kind === 'depthwise_conv2d' ? { axes: [2, 0, 1], extra: 1 } : { axes: [3, 2, 0, 1] };
}

function inOrder(shape: Shape, axes: readonly number[], extra?: number): number[] {
  const ordered = axes.map((axis) => shape[axis]);
  if (extra !== undefined) ordered.splice(extra, 0, 1);
  return ordered;
}
