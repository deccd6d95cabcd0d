import { join } from 'node:path';
import { expect, it } from 'vitest';
import { input } from '../../engine/ops/leaves.ts';
import { compile } from '../../engine/program/program.ts';
import { buildModel } from '../../models/build_network.ts';
import { readSafetensorsFile } from '../../models/formats/safetensors.node.ts';
import { toFloat32 } from '../../models/formats/stored_tensor.ts';
import { findTensor } from '../../models/grad_cam.ts';
import { applySegments, segmentsBetween } from '../../models/network.ts';
import { ParameterSet } from '../../models/parameter_set.ts';
import { testData } from '../data.ts';
import { describeAdapters } from '../gpu.ts';
import { relativeL2 } from '../tolerance.ts';

const data = testData();

/** [N, C, H, W] -> [N, H, W, C] */
function nhwc(values: Float32Array, [n, c, h, w]: readonly number[]): Float32Array {
  const out = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const x = i % w;
    const y = Math.floor(i / w) % h;
    const k = Math.floor(i / (w * h)) % c;
    const b = Math.floor(i / (w * h * c));
    out[((b * h + y) * w + x) * c + k] = values[i];
  }
  expect(n * c * h * w).toBe(values.length);
  return out;
}

describeAdapters('EfficientNet-B0 against onnxruntime', (device) => {
  it.skipIf(data === null)('gives its activations, from the stem to the features, within 1e-4', async () => {
    const weights = join(data!, 'weights/efficientnet_b0_imagenet_notop.safetensors');
    const { tensors } = await readSafetensorsFile(join(data!, 'golden/efficientnet_b0_activations.safetensors'));
    const golden = (name: string) => {
      const t = tensors.get(name)!;
      const values = toFloat32(t);
      return t.shape.length === 4 ? nhwc(values, t.shape) : values;
    };
    const model = buildModel('efficientnet_b0', 2, { ...(await readSafetensorsFile(weights)), source: weights });
    using parameters = new ParameterSet(device(), model.network.specs, model.weights, 0);
    const x = input('x', [4, 224, 224, 3]);
    const features = applySegments(segmentsBetween(model.network, undefined, 'pool'), x, {
      parameters,
      batchNorm: 'running',
    });
    const taps = {
      stem_image0: findTensor(features, 'stem'),
      block0_image0: findTensor(features, 'blocks.0'),
      block1_image0: findTensor(features, 'blocks.1'),
      block15: findTensor(features, 'stage7'),
      head: findTensor(features, 'head'),
      features,
    };
    using program = await compile(device(), { outputs: Object.values(taps) });
    program.run({ x: golden('input') });
    for (const [name, tensor] of Object.entries(taps)) {
      const want = golden(name);
      // Where only the first image was kept, it is the first of the batch.
      const got = (await program.read(tensor)).subarray(0, want.length);
      expect(relativeL2(got, want), name).toBeLessThan(1e-4);
    }
  });
});
