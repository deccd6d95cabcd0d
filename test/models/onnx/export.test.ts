import { expect, it } from 'vitest';
import { input } from '../../../engine/ops/leaves.ts';
import type { Device } from '../../../engine/device/device.ts';
import { buildModel } from '../../../models/build_network.ts';
import { initialValues } from '../../../models/initialise.ts';
import { applySegments, type Network } from '../../../models/network.ts';
import { exportOnnx } from '../../../models/onnx/export/export_onnx.ts';
import { loadOnnx } from '../../../models/onnx/load_onnx.ts';
import { decodeModel } from '../../../models/onnx/proto.ts';
import { ParameterSet, type Weights } from '../../../models/parameter_set.ts';
import { describeAdapters, evaluate } from '../../gpu.ts';
import { randomArray } from '../../random.ts';
import { onnxruntime } from './onnxruntime.ts';

/** Drawn weights, with biases and batch norms that are not those of a fresh network. */
function drawnWeights({ specs }: Network): Weights {
  return new Map(
    specs.map((spec, i) => {
      const drawn = randomArray(
        spec.shape.reduce((a, b) => a * b, 1),
        i + 1,
      );
      if (spec.kind === 'var' || spec.kind === 'gamma') return [spec.name, drawn.map((v) => 1 + 0.3 * v)];
      if (spec.shape.length === 1) return [spec.name, drawn.map((v) => 0.1 * v)];
      return [spec.name, initialValues(spec, 7)];
    }),
  );
}

/** [N, H, W, C] as [N, C, H, W]. */
function nchw(data: Float32Array, [, h, w, c]: readonly number[]): Float32Array {
  const place = (i: number) => {
    const [channel, pixel, sample] = [i % c, Math.floor(i / c) % (h * w), Math.floor(i / (c * h * w))];
    return (sample * c + channel) * h * w + pixel;
  };
  const out = new Float32Array(data.length);
  data.forEach((v, i) => (out[place(i)] = v));
  return out;
}

/** Logits of images [N, H, W, C] by the engine. */
async function ours(device: Device, network: Network, weights: Weights, data: Float32Array, shape: readonly number[]) {
  using parameters = new ParameterSet(device, network.specs, weights, 1);
  const x = input('x', shape);
  const y = applySegments(network.segments, x, { parameters, batchNorm: 'running' });
  return (await evaluate(device, [y], { x: data }))[0];
}

const worst = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  expect(a.length).toBe(b.length);
  const scale = Math.max(...Array.from(b, Math.abs));
  expect(scale).toBeGreaterThan(0.01);
  return Math.max(...Array.from(a, (v, i) => Math.abs(v - b[i]))) / scale;
};

const NETWORKS = [
  { name: 'vgg_small', size: 32, width: 1 },
  { name: 'efficientnet_b0', size: 64, width: 1 },
  { name: 'vgg11', size: 64, width: 0.125 },
  { name: 'vgg11_bn', size: 224, width: 0.125 },
  { name: 'resnet50', size: 64, width: 0.25 },
  { name: 'galaxy_vgg', size: 64, width: 0.25 },
] as const;

describeAdapters('networks as ONNX files', (device) => {
  it.each(NETWORKS)('$name gives in onnxruntime what it gives here', async ({ name, size, width }) => {
    const { network } = buildModel(name, 3, undefined, { width });
    const weights = drawnWeights(network);
    const bytes = exportOnnx({ network, weights }, { size });
    const again = loadOnnx(bytes);
    for (const batch of [1, 3]) {
      const shape = [batch, size, size, 3];
      const data = randomArray(batch * size * size * 3, 5);
      const logits = await ours(device(), network, weights, data, shape);
      const given = { input: { shape: [batch, 3, size, size], data: nchw(data, shape) } };
      const theirs = await onnxruntime(bytes, given);
      expect(theirs['logits'].shape).toEqual([batch, 3]);
      expect(worst(logits, theirs['logits'].data)).toBeLessThan(1e-5);
      const readBack = await ours(device(), again.network, again.weights, data, shape);
      expect(worst(readBack, logits)).toBeLessThan(1e-5);
    }
    const ops = new Set(decodeModel(bytes, name).graph!.node.map(({ opType }) => opType));
    expect(ops).not.toContain('Transpose');
  });
});
