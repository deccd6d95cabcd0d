import { describe, expect, it } from 'vitest';
import { constant, input } from '../../../engine/ops/leaves.ts';
import type { Device } from '../../../engine/device/device.ts';
import { add, mul } from '../../../engine/ops/pointwise.ts';
import { dropout } from '../../../engine/ops/random.ts';
import { slice } from '../../../engine/ops/slice.ts';
import { softmax } from '../../../engine/ops/softmax_cross_entropy.ts';
import type { Tensor } from '../../../engine/tensor.ts';
import { UserError } from '../../../engine/user_error.ts';
import { buildModel } from '../../../models/build_network.ts';
import { convNext } from '../../../models/convnext.ts';
import { findTensor } from '../../../models/grad_cam.ts';
import { initialValues } from '../../../models/initialise.ts';
import { applySegments, type Network } from '../../../models/network.ts';
import { exportOnnx } from '../../../models/onnx/export/export_onnx.ts';
import { loadOnnx } from '../../../models/onnx/load_onnx.ts';
import { decodeModel } from '../../../models/onnx/proto.ts';
import { ParameterSet, type Weights } from '../../../models/parameter_set.ts';
import { describeAdapters, evaluate } from '../../gpu.ts';
import { randomArray } from '../../random.ts';
import { withOutputs } from './build.ts';
import { nchw, worst } from './compare.ts';
import { ocrModel } from './models.ts';
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

/** Logits of images [N, H, W, C] by the engine. */
async function ours(device: Device, network: Network, weights: Weights, data: Float32Array, shape: readonly number[]) {
  using parameters = new ParameterSet(device, network.specs, weights, 1);
  const x = input('x', shape);
  const y = applySegments(network.segments, x, { parameters, batchNorm: 'running' });
  return (await evaluate(device, [y], { x: data }))[0];
}

const shapeOf = ({ specs }: Network, name: string): readonly number[] =>
  specs.find((spec) => spec.name === name)?.shape ?? [
    2,
    ...shapeOf({ specs } as Network, name.replace(/stats$/, 'mean')),
  ];

const built = (name: string, size: number, width = 1) => ({
  name,
  size,
  network: buildModel(name, 3, undefined, { width }).network,
});
const NETWORKS = [
  built('vgg_small', 32),
  built('efficientnet_b0', 32),
  built('vgg11', 64, 0.125),
  built('resnet50', 32, 0.25),
  built('galaxy_vgg', 64, 0.25),
  built('mobilenet_v3_small', 32),
  { name: 'convnext', size: 32, network: convNext('convnext', 3, { depths: [1, 1], widths: [16, 24] }) },
];

describeAdapters('networks as ONNX files', (device) => {
  it.each(NETWORKS)('$name gives in onnxruntime what it gives here', async ({ size, network }) => {
    const weights = drawnWeights(network);
    const bytes = exportOnnx({ network, weights }, { size });
    const again = loadOnnx(bytes);
    const shape = [3, size, size, 3];
    const data = randomArray(3 * size * size * 3, 5);
    const logits = await ours(device(), network, weights, data, shape);
    // The first of three alone gives what it gives among them.
    for (const batch of [1, 3]) {
      const images = nchw(data.subarray(0, batch * size * size * 3), [batch, size, size, 3]);
      const theirs = await onnxruntime(bytes, { input: { shape: [batch, 3, size, size], data: images } });
      expect(theirs['logits'].shape).toEqual([batch, 3]);
      expect(worst(theirs['logits'].data, logits.subarray(0, batch * 3))).toBeLessThan(1e-5);
    }
    expect(worst(await ours(device(), again.network, again.weights, data, shape), logits)).toBeLessThan(1e-5);
  });
});

describe('a network that others made', () => {
  it.each([
    { name: 'cls', sides: [48, 192], logits: 'p2o.Add.87' },
    // Attention, and products of sequences.
    { name: 'rec', sides: [48, 96], logits: undefined },
  ] as const)('$name gives the same when it was read and written again', async ({ name, sides, logits }) => {
    const size = [sides[0], sides[1]] as const;
    const bytes = exportOnnx(loadOnnx(ocrModel(name), { size }), { size });
    for (const batch of [1, 3]) {
      const shape = [batch, 3, ...size];
      const images = {
        shape,
        data: randomArray(
          shape.reduce((a, b) => a * b),
          5,
        ),
      };
      const first = await onnxruntime(logits ? withOutputs(ocrModel(name), logits) : ocrModel(name), { x: images });
      const [theirs] = logits ? [first[logits]] : Object.values(first);
      const again = (await onnxruntime(bytes, { input: images }))['logits'];
      expect(again.shape).toEqual(theirs.shape);
      expect(worst(again.data, theirs.data)).toBeLessThan(1e-5);
    }
  });
});

/** What the last node of a file reads. */
function beforeOutput(bytes: Uint8Array): string {
  const { node, output } = decodeModel(bytes, 'file').graph!;
  return node.find((each) => each.output.includes(output[0].name))!.input[0];
}

describe('a detector that others made', () => {
  it('gives the same when it was read and written again, before the sigmoid, which is near 0 for noise', async () => {
    const size = [64, 96] as const;
    const first = ocrModel('det');
    // Transposed convolutions, resizes, concatenation.
    const bytes = exportOnnx(loadOnnx(first, { size }), { size });
    for (const batch of [1, 3]) {
      const images = { shape: [batch, 3, ...size], data: randomArray(batch * 3 * 64 * 96, 5) };
      const [theirs, again] = [beforeOutput(first), beforeOutput(bytes)];
      const a = (await onnxruntime(withOutputs(first, theirs), { x: images }))[theirs];
      const b = (await onnxruntime(withOutputs(bytes, again), { input: images }))[again];
      expect(b.shape).toEqual(a.shape);
      expect(worst(b.data, a.data)).toBeLessThan(1e-5);
    }
  });
});

describe('an ONNX file of a network', () => {
  const { network } = buildModel('vgg_small', 3);
  const model = { network, weights: drawnWeights(network) };
  const size = 16;
  const pixels = randomArray(2 * size * size * 3, 3).map((v) => Math.abs(v));
  const imagesOf = (data: Float32Array) => ({ shape: [2, 3, size, size], data: nchw(data, [2, size, size, 3]) });

  it('is what others write by hand: no transposes, biases within convolutions and products', () => {
    const count = (bytes: Uint8Array) => {
      const ops = decodeModel(bytes, 'file').graph!.node.map(({ opType }) => opType);
      return Object.fromEntries([...new Set(ops)].sort().map((op) => [op, ops.filter((each) => each === op).length]));
    };
    expect(count(exportOnnx(model, { size }))).toEqual({
      BatchNormalization: 4,
      Conv: 4,
      Flatten: 1,
      Gemm: 1,
      GlobalAveragePool: 1,
      MaxPool: 3,
      Relu: 4,
    });
    const b0 = buildModel('efficientnet_b0', 3).network;
    // Layer norms are over rows of channels, which are brought together for them; nothing is repeated for that.
    const convNeXt = convNext('convnext', 3, { depths: [1, 1], widths: [16, 24] });
    const ops = Object.keys(count(exportOnnx({ network: convNeXt, weights: drawnWeights(convNeXt) }, { size: 32 })));
    for (const op of ['Expand', 'Shape']) expect(ops).not.toContain(op);
    // 16 blocks, of which the first has no expansion; two more convolutions in each squeeze and excite.
    expect(count(exportOnnx({ network: b0, weights: drawnWeights(b0) }, { size: 32 }))).toEqual({
      Add: 9,
      BatchNormalization: 49,
      Conv: 81,
      Flatten: 1,
      Gemm: 1,
      GlobalAveragePool: 17,
      Mul: 65,
      Sigmoid: 65,
    });
  });

  it('keeps names of segments and parameters, filters as OIHW, and any batch', () => {
    const { graph, opsetImport, metadataProps } = decodeModel(
      exportOnnx(model, { size, metadata: { classes: '["a","b","c"]' } }),
      'file',
    );
    expect(opsetImport.map(({ domain, version }) => [domain, version])).toEqual([['', 17n]]);
    expect(metadataProps.map(({ key, value }) => [key, value])).toEqual([['classes', '["a","b","c"]']]);
    const shapeOf = ({ type }: NonNullable<typeof graph>['input'][0]) =>
      type!.tensorType!.shape!.dim.map(({ dimParam, dimValue }) => dimParam || Number(dimValue));
    expect(graph!.input.map((port) => [port.name, shapeOf(port)])).toEqual([['input', ['N', 3, size, size]]]);
    expect(graph!.output.map((port) => [port.name, shapeOf(port)])).toEqual([['logits', ['N', 3]]]);
    const nodes = graph!.node.map(({ name }) => name);
    expect(nodes).toEqual(expect.arrayContaining(['block1.0.conv', 'block1', 'block4', 'pool', 'classifier']));
    const filter = graph!.initializer.find(({ name }) => name === 'block2.0.conv.w')!;
    expect(filter.dims).toEqual([32n, 16n, 3n, 3n]);
    const values = new Float32Array(filter.rawData.slice().buffer);
    // Filter [r, s, c, k] at [2, 1, 5, 7] is [k, c, r, s] at [7, 5, 2, 1].
    const own = model.weights.get('block2.0.conv.w')!;
    expect(values[((7 * 16 + 5) * 3 + 2) * 3 + 1]).toBe(own[((2 * 3 + 1) * 16 + 5) * 32 + 7]);
    const names = graph!.initializer.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['block1.0.bn.mean', 'block1.0.bn.var', 'classifier.b']));
  });

  it('is cut and looked at by the same names when it was read back', () => {
    const { network: again } = loadOnnx(exportOnnx(model, { size }));
    expect(again.segments.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['block1', 'block2', 'block3', 'block4', 'pool', 'classifier']),
    );
    expect([again.lastConv, again.features]).toEqual([network.lastConv, network.features]);
    expect(again.specs.map(({ name }) => name).sort()).toEqual(network.specs.map(({ name }) => name).sort());
    const parameters = { tensor: (name: string) => input(name, shapeOf(again, name)) };
    const y = applySegments(again.segments, input('x', [2, size, size, 3]), { parameters, batchNorm: 'running' });
    expect(findTensor(y, 'block4').shape).toEqual([2, 2, 2, 64]);
  });

  it('is the same each time, and when it was read and written again', () => {
    const bytes = exportOnnx(model, { size });
    expect(exportOnnx(model, { size })).toEqual(bytes);
    const again = exportOnnx(loadOnnx(bytes), { size });
    const ops = (each: Uint8Array) => decodeModel(each, 'file').graph!.node.map(({ opType, name }) => [opType, name]);
    expect(ops(again)).toEqual(ops(bytes));
  });

  it('normalises within what it else wants normalised', async () => {
    const [mean, std] = [
      [0.5, 0.4, 0.3],
      [0.2, 0.3, 0.25],
    ];
    const outside = pixels.map((v, i) => Math.fround((v - mean[i % 3]) / std[i % 3]));
    const { logits } = await onnxruntime(exportOnnx(model, { size }), { input: imagesOf(outside) });
    for (const most of [1, 255] as const) {
      const bytes = exportOnnx(model, { size, preprocess: { most, mean, std } });
      const given = { input: imagesOf(pixels.map((v) => v * most)) };
      expect(worst((await onnxruntime(bytes, given))['logits'].data, logits.data)).toBeLessThan(1e-5);
      const blueFirst = exportOnnx(model, { size, preprocess: { most, mean, std, channels: 'bgr' } });
      const exchanged = pixels.map((_, i) => pixels[i - (i % 3) + 2 - (i % 3)] * most);
      const swapped = { mean: [...mean].reverse(), std: [...std].reverse() };
      const turned = exportOnnx(model, { size, preprocess: { most, ...swapped } });
      // Blue first and red first: the same numbers, if the pixels are exchanged outside.
      const [a, b] = [await onnxruntime(blueFirst, given), await onnxruntime(turned, { input: imagesOf(exchanged) })];
      expect(worst(a['logits'].data, b['logits'].data)).toBeLessThan(1e-5);
      // What was put in front is no parameter when it is read back.
      expect(loadOnnx(bytes).network.specs.length).toBe(network.specs.length);
    }
  });

  it('takes images with the channels last, and gives another answer, where it is told so', async () => {
    const { logits } = await onnxruntime(exportOnnx(model, { size }), { input: imagesOf(pixels) });
    const bytes = exportOnnx(model, { size, layout: 'NHWC', answer: { name: 'probabilities', of: softmax } });
    const given = { input: { shape: [2, size, size, 3], data: pixels } };
    const { probabilities } = await onnxruntime(bytes, given);
    const exps = logits.data.map(Math.exp);
    const shares = exps.map((v, i) => v / exps.slice(i - (i % 3), i - (i % 3) + 3).reduce((a, b) => a + b, 0));
    expect(worst(probabilities.data, shares)).toBeLessThan(1e-5);
  });

  it('is refused where it would not be the network', () => {
    const other = (apply: (x: Tensor) => Tensor) => () =>
      exportOnnx(
        { network: { ...network, segments: [{ name: 'op', prefixes: [], apply }] }, weights: new Map() },
        { size },
      );
    const noise = input('seed', [2], 'u32');
    expect(other((x) => dropout(x, noise, { rate: 0.5, stream: 1 }))).toThrow(/dropout/);
    expect(other((x) => input('other', x.shape))).toThrow(/other/);
    expect(other((x) => slice(x, [x.shape[0] - 1, 0, 0, 0], [1, size, size, 3]))).toThrow(/batch/);
    expect(other((x) => mul(x, x.shape[0]))).toThrow(/batch/);
    expect(other((x) => add(x, constant(randomArray(x.shape[0], 1), [x.shape[0], 1, 1, 1])))).toThrow(/batch/);
    const lacking = new Map([...model.weights].filter(([name]) => name !== 'classifier.b'));
    expect(() => exportOnnx({ network, weights: lacking }, { size })).toThrow(/classifier\.b/);
    expect(() => exportOnnx(model, { size, colour: 1 } as never)).toThrow(UserError);
    expect(() => exportOnnx(model, { size: 0 })).toThrow(UserError);
    expect(() => exportOnnx(model, {} as never)).toThrow(UserError);
    expect(() => exportOnnx(model, { size, preprocess: { most: 1, mean: [0], std: [1] } })).toThrow(/channel/);
  });
});
