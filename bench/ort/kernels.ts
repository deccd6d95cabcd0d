import { drawOperands, type Case } from '../kernels/cases.ts';
import type { KernelContender, Prepared } from '../kernels/contender.ts';
import { permuted } from '../permuted.ts';
import { OnnxGraph } from './onnx.ts';
import { openOrt, type OrtSession } from './open.ts';

/**
 * The same layer so often in one session, on one input and with so many filters of the same values: a session's run
 * always uploads its input and downloads its output, and this is how little of that is left in a layer's time.
 */
const COPIES = 8;

/**
 * ONNX Runtime on its WebGPU provider, layer by layer: forward passes of convolutions and products. @throws UserError
 * where it is not installed
 */
export async function openOrtKernels(adapterName?: string): Promise<KernelContender> {
  const { ort, adapter, maxStorageBinding } = await openOrt(adapterName);
  const create = (model: Uint8Array) => ort.InferenceSession.create(model, { executionProviders: ['webgpu'] });
  return {
    adapter,
    maxStorageBinding,
    close() {},
    async prepare(c: Case): Promise<Prepared | string> {
      const { kind, x: shape } = c.layer;
      if (c.direction !== 'forward' || !['conv2d', 'depthwise_conv2d', 'matmul'].includes(kind))
        return 'ONNX Runtime is asked for forward passes of convolutions and products only';
      const { x, w } = drawOperands(c);
      const images = shape.length === 4;
      // ONNX has channels before pixels.
      const [n, h, v, k] = c.results[0].shape;
      const dims = images ? [shape[0], shape[3], shape[1], shape[2]] : shape;
      const feeds = { x: new ort.Tensor('float32', images ? permuted(x, shape, [0, 3, 1, 2]) : x, dims) };

      const whole = new OnnxGraph();
      whole.output(layer(whole, c, whole.input('x', dims), w, 'y'), images ? [n, k, h, v] : c.results[0].shape);
      const many = new OnnxGraph();
      const input = many.input('x', dims);
      const [zeros, ones] = [
        many.integers(
          'zeros',
          dims.map(() => 0),
        ),
        many.integers(
          'ones',
          dims.map(() => 1),
        ),
      ];
      const corners = Array.from({ length: COPIES }, (_, i) =>
        many.node('Slice', [layer(many, c, input, w, `y${i}`), zeros, ones]),
      );
      many.output(
        many.node('Sum', corners, {}, 'corner'),
        dims.map(() => 1),
      );

      let timed: OrtSession | undefined;
      return {
        kernels: [],
        async compute() {
          const session = await create(whole.model());
          const { y } = await session.run(feeds);
          const values = images ? permuted(y.data, [n, k, h, v], [0, 2, 3, 1]) : y.data;
          await session.release();
          return [values];
        },
        async run(times) {
          timed ??= await create(many.model());
          const runs = Math.ceil(times / COPIES);
          for (let i = 0; i < runs; i++) await timed.run(feeds);
          return runs * COPIES;
        },
        gpuTime: () => Promise.resolve(undefined),
        release: () => void timed?.release(),
      };
    },
  };
}

/** Adds the layer with a filter of its own and returns its output. */
function layer(
  g: OnnxGraph,
  { layer: { kind, w: shape, stride = 1, groups = 1 } }: Case,
  x: string,
  w: Float32Array,
  name: string,
): string {
  if (kind === 'matmul') return g.node('MatMul', [x, g.constant(`w_${name}`, shape!, w)], {}, name);
  const [r, s, c, k] = shape!;
  const filter =
    kind === 'depthwise_conv2d'
      ? g.constant(`w_${name}`, [c, 1, r, s], permuted(w, [r, s, c], [2, 0, 1]))
      : g.constant(`w_${name}`, [k, c, r, s], permuted(w, [r, s, c, k], [3, 2, 0, 1]));
  const group = kind === 'depthwise_conv2d' ? c : groups;
  return g.node(
    'Conv',
    [x, filter],
    { auto_pad: 'SAME_UPPER', kernel_shape: [r, s], strides: [stride, stride], group },
    name,
  );
}
