import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { grad } from '../../engine/autodiff.ts';
import { openDevice, type Device } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { Parameter } from '../../engine/device/parameter.ts';
import { conv2d } from '../../engine/ops/conv2d.ts';
import { input, reshape } from '../../engine/ops/leaves.ts';
import { exp, mul } from '../../engine/ops/pointwise.ts';
import { maxPool2d } from '../../engine/ops/pool.ts';
import { randomUniform } from '../../engine/ops/random.ts';
import { sum } from '../../engine/ops/reduce.ts';
import { softmax } from '../../engine/ops/softmax_cross_entropy.ts';
import { outline } from '../../engine/program/outline.ts';
import type { Tensor } from '../../engine/tensor.ts';

/*
 * What precision f16 stores so and what not, one reason at a time. That the numbers are right then, precision.test.ts
 * shows; here nothing is computed.
 */

describe('precision f16', () => {
  let device: Device;
  beforeAll(async () => {
    device = await openDevice({ gpu: openGpu({ backend: 'null' }) });
  });
  afterAll(() => device[Symbol.dispose]());

  /** The storage types of tensors in the program that makes these outputs. */
  const stored = (tensors: readonly Tensor[], outputs: readonly Tensor[], keep?: 'all') => {
    const { graph, lowered } = outline(device, { outputs, precision: 'f16', ...(keep && { keep }) });
    return tensors.map((t) => lowered.buffers[lowered.bufferOf(graph.resolve(t))].dtype);
  };
  /** Passes numbers on and is fused with nothing. */
  const across = (x: Tensor) => maxPool2d(x, { size: 1 });
  const pixels = input('x', [2, 4, 4, 3]);

  it('stores what has a number for every channel of every pixel, [N, H, W, C], and nothing of another shape', () => {
    const of = (...shape: number[]) => {
      const made = exp(input('x', shape));
      return stored([made], [sum(made)])[0];
    };
    expect([of(2, 4, 4, 3), of(1, 1, 2, 1), of(1, 2, 1, 1)]).toEqual(['f16', 'f16', 'f16']);
    // What belongs to a sample and to none of its pixels.
    expect([of(2, 1, 1, 3), of(2, 3), of(32, 3), of(24)]).toEqual(['f32', 'f32', 'f32', 'f32']);
    expect([of(4, 4, 3), of(2, 2, 4, 4, 3)]).toEqual(['f32', 'f32']);
  });

  it('leaves inputs, parameters and outputs as they are, a view of an output too', () => {
    using p = new Parameter(device, 'p', [2, 4, 4, 3], new Float32Array(96));
    const [a, b] = [across(pixels), across(p.tensor)];
    const outputs = [sum(a), sum(b)];
    expect(stored([pixels, p.tensor, a, b], outputs)).toEqual(['f32', 'f32', 'f16', 'f16']);
    expect(stored([a, b], [...outputs, a])).toEqual(['f32', 'f16']);
    const view = reshape(b, [2, 48]);
    expect(stored([a, b, view], [...outputs, view])).toEqual(['f16', 'f32', 'f32']);
    // Kept so that it can be read, but no output.
    expect(stored([pixels, a, b], outputs, 'all')).toEqual(['f32', 'f16', 'f16']);
  });

  it('stores a view as what it looks at', () => {
    const a = across(pixels);
    const view = reshape(a, [2, 48]);
    expect(stored([a, view], [sum(view)])).toEqual(['f16', 'f16']);
    // Whose memory is no image: it stays, whatever its views are called.
    const rows = exp(input('x', [32, 3]));
    const image = reshape(rows, [2, 4, 4, 3]);
    expect(stored([rows, image], [sum(across(image))])).toEqual(['f32', 'f32']);
  });

  it('leaves gradients of weights, and what is made from them, as they are', () => {
    const w = input('w', [3, 3, 3, 4]);
    const a = across(pixels);
    const [dx, dw] = grad(sum(exp(conv2d(a, w))), [a, w]);
    const [later, latest] = [exp(dw), across(exp(exp(dw)))];
    const outputs = [sum(mul(later, later)), sum(latest), sum(across(dx))];
    // Of a shape like an image's, 3 x 3 "pixels".
    expect(stored([dw, later, latest], outputs)).toEqual(['f32', 'f32', 'f32']);
    expect(stored([dx], outputs)).toEqual(['f16']);
  });

  it('leaves what a kernel reads or writes that knows no f16', () => {
    const a = across(pixels);
    const chances = softmax(a);
    expect(stored([a, chances], [sum(across(chances))])).toEqual(['f32', 'f32']);
    // Read by another as well, which does know it.
    expect(stored([a], [sum(across(softmax(a))), sum(across(a))])).toEqual(['f32']);
    const drawn = randomUniform([2, 4, 4, 3], input('seed', [2], 'u32'), { stream: 0 });
    expect(stored([drawn], [sum(across(drawn))])).toEqual(['f32']);
    expect(stored([a], [sum(across(a))])).toEqual(['f16']);
  });

  it('leaves the scratch of ops, and halves the bytes of what it stores', () => {
    const x = input('x', [4, 32, 32, 8]);
    const w = input('w', [3, 3, 8, 8]);
    const a = across(x);
    const [dw] = grad(sum(exp(conv2d(a, w))), [w]);
    const { graph, lowered } = outline(device, { outputs: [dw], precision: 'f16' });
    const scratch = lowered.buffers.filter(({ tensor, kind }) => !tensor && kind === 'temporary');
    expect(scratch.length).toBeGreaterThan(0);
    expect(new Set(scratch.map(({ dtype }) => dtype))).toEqual(new Set(['f32']));
    expect(lowered.buffers[lowered.bufferOf(graph.resolve(a))]).toMatchObject({ dtype: 'f16', bytes: 2 * a.size });
  });
});
