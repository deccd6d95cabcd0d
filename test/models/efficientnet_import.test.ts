import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { importEfficientNet } from '../../models/efficientnet_names.ts';
import { efficientNetConfig, efficientNetShape } from '../../models/efficientnet_table.ts';
import { readSafetensorsFile } from '../../models/formats/safetensors.node.ts';
import { toFloat32 } from '../../models/formats/stored_tensor.ts';
import { testData } from '../data.ts';

/*
 * The imported weights, table, padding and epsilon against activations that onnxruntime computed: stem and first two
 * blocks of one image by plain loops, HWC.
 */

interface Image {
  size: number;
  channels: number;
  data: Float64Array;
}
const sigmoid = (v: number): number => 1 / (1 + Math.exp(-v));
const silu = (v: number): number => v * sigmoid(v);

/** SAME: ceil(size/stride) places, the odd row and column of padding at the bottom and right. */
function convolve(x: Image, w: Float32Array, kernel: number, stride: number, out: number, depthwise: boolean): Image {
  const size = Math.ceil(x.size / stride);
  const pad = Math.max((size - 1) * stride + kernel - x.size, 0) >> 1;
  const y = new Float64Array(size * size * out);
  for (let ho = 0; ho < size; ho++)
    for (let wo = 0; wo < size; wo++)
      for (let r = 0; r < kernel; r++)
        for (let s = 0; s < kernel; s++) {
          const [h, v] = [ho * stride + r - pad, wo * stride + s - pad];
          if (h < 0 || v < 0 || h >= x.size || v >= x.size) continue;
          const [from, to, tap] = [(h * x.size + v) * x.channels, (ho * size + wo) * out, r * kernel + s];
          if (depthwise) for (let c = 0; c < out; c++) y[to + c] += x.data[from + c] * w[tap * out + c];
          else
            for (let c = 0; c < x.channels; c++)
              for (let k = 0; k < out; k++) y[to + k] += x.data[from + c] * w[(tap * x.channels + c) * out + k];
        }
  return { size, channels: out, data: y };
}

const data = testData();
describe.runIf(data)('the real trunk', () => {
  it('gives the activations of stem, block 0 and block 1', async () => {
    const { tensors } = await readSafetensorsFile(join(data!, 'weights/efficientnet_b0_imagenet_notop.safetensors'));
    const config = efficientNetConfig('b0', 2);
    const { weights, bnEpsilon } = importEfficientNet(tensors, config, 'trunk');
    const golden = (await readSafetensorsFile(join(data!, 'golden/efficientnet_b0_activations.safetensors'))).tensors;
    const w = (name: string): Float32Array => weights.get(name)!;

    const normalised = (x: Image, name: string, activation: (v: number) => number): Image => ({
      ...x,
      data: x.data.map((v, i) => {
        const c = i % x.channels;
        return activation(
          ((v - w(`${name}.mean`)[c]) / Math.sqrt(w(`${name}.var`)[c] + bnEpsilon)) * w(`${name}.gamma`)[c] +
            w(`${name}.beta`)[c],
        );
      }),
    });
    const dense = (x: Float64Array, name: string, out: number): Float64Array =>
      Float64Array.from({ length: out }, (_, k) =>
        x.reduce((sum, v, c) => sum + v * w(`${name}.w`)[c * out + k], w(`${name}.b`)[k]),
      );
    const distance = (x: Image, name: string): number => {
      const chw = toFloat32(golden.get(name)!);
      let [difference, norm] = [0, 0];
      x.data.forEach((v, i) => {
        const expected = chw[(i % x.channels) * x.size ** 2 + Math.floor(i / x.channels)];
        difference += (v - expected) ** 2;
        norm += expected ** 2;
      });
      return Math.sqrt(difference / norm);
    };

    const input = toFloat32(golden.get('input')!);
    let x: Image = {
      size: 224,
      channels: 3,
      data: Float64Array.from({ length: 224 * 224 * 3 }, (_, i) => input[(i % 3) * 224 * 224 + Math.floor(i / 3)]),
    };
    x = normalised(convolve(x, w('stem.conv.w'), 3, 2, 32, false), 'stem.bn', silu);
    expect(distance(x, 'stem_image0')).toBeLessThan(1e-5);

    for (const block of efficientNetShape(config).blocks.slice(0, 2)) {
      const at = `blocks.${block.index}`;
      const c = block.expandedChannels;
      if (block.expands) x = normalised(convolve(x, w(`${at}.expand.w`), 1, 1, c, false), `${at}.expand_bn`, silu);
      x = normalised(
        convolve(x, w(`${at}.depthwise.w`), block.kernelSize, block.stride, c, true),
        `${at}.depthwise_bn`,
        silu,
      );
      const mean = new Float64Array(c);
      x.data.forEach((v, i) => {
        mean[i % c] += v / x.size ** 2;
      });
      const gate = dense(dense(mean, `${at}.se_reduce`, block.squeezeChannels).map(silu), `${at}.se_expand`, c).map(
        sigmoid,
      );
      x = { ...x, data: x.data.map((v, i) => v * gate[i % c]) };
      x = normalised(convolve(x, w(`${at}.project.w`), 1, 1, block.outChannels, false), `${at}.project_bn`, (v) => v);
      expect(block.residual).toBe(false);
      expect(distance(x, `${at.replace('s.', '')}_image0`)).toBeLessThan(1e-5);
    }
  });
});
