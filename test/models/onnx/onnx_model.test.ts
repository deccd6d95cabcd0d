import { describe, expect, it } from 'vitest';
import { input } from '../../../engine/ops/leaves.ts';
import type { BuiltModel } from '../../../models/build_network.ts';
import { packModel, unpackModel, type Model } from '../../../models/formats/model_file.ts';
import { IMAGENET } from '../../../models/normalisation.ts';
import { applySegments } from '../../../models/network.ts';
import { buildOnnx, declaredSide, restoreOnnx } from '../../../models/onnx/onnx_model.ts';
import { decodeModel, encodeModel, EXTERNAL, type MessageInit } from '../../../models/onnx/proto.ts';
import { saidIn } from '../../../models/onnx/said.ts';
import { withItsData, withoutWeights } from '../../../models/onnx/stored_graph.ts';
import { buildModel, type ModelPlan } from './build.ts';
import { evaluateGraph } from '../../reference/interpreter.ts';
import { ocrModel } from './models.ts';
import { parametersOf } from './operator_case.ts';

const W = [1, -2, 3, 0.5, -1.5, 2.5];
/** Means over pixels, and a dense layer of them whose weights have both signs. */
const PLAN: ModelPlan = {
  nodes: [
    { op: 'GlobalAveragePool', inputs: ['x'], outputs: ['p'] },
    { op: 'Flatten', inputs: ['p'], outputs: ['f'] },
    { op: 'Gemm', inputs: ['f', 'w', 'b'], outputs: ['y'] },
  ],
  inputs: { x: { shape: ['N', 3, 'H', 'W'] } },
  outputs: ['y'],
  initialisers: { w: { shape: [3, 2], data: W }, b: { shape: [2], data: [7, 8] } },
};

const initialisers = (bytes: Uint8Array) =>
  new Map(decodeModel(bytes, 'test').graph!.initializer.map((tensor) => [tensor.name, tensor]));

/** The model file of a network of three classes. */
function modelFile(bytes: Uint8Array, size = 64): Model {
  const built = buildOnnx({ bytes, source: 'net.onnx' }, { classes: 3, size }, IMAGENET);
  const { network, weights, arithmetic, graph } = built;
  const shapes = new Map(network.specs.map(({ name, shape }) => [name, shape]));
  const values = network.specs.map(({ name, shape }) => {
    const length = shape.reduce((a, b) => a * b, 1);
    return [name, { shape, data: weights.get(name) ?? new Float32Array(length).fill(0.25) }] as const;
  });
  expect(shapes.size).toBe(network.specs.length);
  return {
    architecture: { name: network.name, config: network.config },
    task: { name: 'classes', head: 'softmax' },
    classes: ['a', 'b', 'c'],
    preprocessing: { size, crop: size, ...IMAGENET },
    ...arithmetic,
    config: {},
    weights: new Map(values),
    graph,
  };
}

describe('a graph without its weights', () => {
  it('keeps shapes and types, and the values of what several nodes read', () => {
    const twice: ModelPlan = {
      ...PLAN,
      nodes: [...PLAN.nodes, { op: 'Add', inputs: ['y', 'b'], outputs: ['z'] }],
      outputs: ['z'],
    };
    const left = initialisers(withoutWeights(buildModel(twice), ['w', 'b'], 'test'));
    const { rawData, dims, dataLocation, externalData } = left.get('w')!;
    expect([rawData.length, dims.map(Number), dataLocation]).toEqual([0, [3, 2], EXTERNAL]);
    expect(externalData.map(({ key, value }) => [key, value])).toEqual([
      ['location', 'model.safetensors'],
      ['length', '24'],
    ]);
    expect(new Float32Array(left.get('b')!.rawData.slice().buffer)).toEqual(Float32Array.of(7, 8));
  });

  it('gives a network with the parameters of the whole file, from a model file alone', () => {
    const file = modelFile(ocrModel('cls'));
    expect(file.graph!.length).toBeLessThan(ocrModel('cls').length / 10);
    const read = unpackModel(packModel(file), 'model.safetensors');
    const { network, weights, preprocessing } = restoreOnnx(read, 'model.safetensors');
    const whole = buildOnnx({ bytes: ocrModel('cls'), source: 'net.onnx' }, { classes: 3, size: 64 }, IMAGENET);
    expect(network.specs).toEqual(whole.network.specs);
    expect(network.segments.map(({ name }) => name)).toEqual(whole.network.segments.map(({ name }) => name));
    expect([network.features, network.lastConv]).toEqual([whole.network.features, whole.network.lastConv]);
    for (const [name, values] of whole.weights) expect(weights.get(name), name).toEqual(values);
    expect(preprocessing).toMatchObject(IMAGENET);
  });

  it('is refused where it claims weights that are not there', () => {
    const file = modelFile(buildModel(PLAN));
    const model = decodeModel(file.graph!, 'test');
    const w = model.graph!.initializer.find(({ name }) => name === 'w')!;
    w.dims = [3n, 2n ** 30n];
    w.externalData.find(({ key }) => key === 'length')!.value = String(3 * 2 ** 32);
    const graph = encodeModel(model as unknown as MessageInit<'ModelProto'>);
    expect(() => restoreOnnx({ ...file, graph }, 'm')).toThrow(/claims other weights than there are/);
    expect(() => restoreOnnx({ ...file, graph: undefined }, 'm')).toThrow(/graph of its network is missing/);
    const weights = new Map([...file.weights].filter(([name]) => name !== 'classifier.b'));
    expect(() => restoreOnnx({ ...file, weights }, 'm')).toThrow(/classifier\.b \[3\] of onnx is missing/);
  });
});

it('a file takes in what it keeps in others', () => {
  const model = decodeModel(buildModel(PLAN), 'test');
  const w = model.graph!.initializer.find(({ name }) => name === 'w')!;
  const apart = encodeModel({
    irVersion: 8n,
    opsetImport: [{ domain: '', version: 17n }],
    graph: {
      name: 'test',
      node: model.graph!.node as never,
      input: model.graph!.input as never,
      output: model.graph!.output as never,
      initializer: [
        {
          name: 'w',
          dims: w.dims,
          dataType: w.dataType,
          dataLocation: EXTERNAL,
          externalData: [
            { key: 'location', value: 'w.bin' },
            { key: 'offset', value: '4' },
            { key: 'length', value: '24' },
          ],
        },
      ],
    },
  });
  const whole = withItsData(apart, 'net.onnx', (location, offset, length) => {
    expect([location, offset, length]).toEqual(['w.bin', 4, 24]);
    return new Uint8Array(Float32Array.from(W).buffer);
  });
  expect(new Float32Array(initialisers(whole).get('w')!.rawData.slice().buffer)).toEqual(Float32Array.from(W));
  const own = buildModel(PLAN);
  expect(withItsData(own, 'net.onnx')).toBe(own);
});

it('a file says the side of its images, or leaves it open', () => {
  const side = (...shape: (number | string)[]) =>
    declaredSide({ bytes: buildModel({ ...PLAN, inputs: { x: { shape } } }), source: 'net.onnx' });
  expect(side('N', 3, 96, 96)).toBe(96);
  expect(side(1, 64, 64, 3)).toBe(64);
  expect(side('N', 3, 'H', 'W')).toBeUndefined();
  expect(side('N', 3, 48, 96)).toBe(96);
  expect(side('N', 3, 48, 'W')).toBeUndefined();
});

describe('square pictures of three colours are fitted', () => {
  /** Means over pixels of a plane, and of its columns' numbers. */
  const answers = (built: BuiltModel, pixels: readonly number[], side: number) => {
    const { network, weights } = built;
    const { context, leaves } = parametersOf({ specs: network.specs, weights });
    const y = applySegments(network.segments, input('images', [1, side, side, 3]), context);
    return [...evaluateGraph([y], leaves.set('images', pixels)).get(y)!];
  };
  const at = (side: number, f: (row: number, column: number) => readonly number[]) =>
    Array.from({ length: side * side }, (_, i) => f(Math.floor(i / side), i % side)).flat();
  const built = (plan: ModelPlan, size: number) =>
    buildOnnx({ bytes: buildModel(plan), source: 'net.onnx' }, { size }, IMAGENET);

  it('to images that are higher than wide, and the other way round', () => {
    // Each channel's mean, of which stretching keeps that of a slope from edge to edge.
    const pixels = at(12, (row, column) => [row, column, row + 2 * column]);
    const means = [5.5, 5.5, 16.5];
    const wanted = [0, 1].map((k) => means.reduce((y, mean, c) => y + mean * W[2 * c + k], [7, 8][k]));
    for (const shape of [
      ['N', 3, 12, 6],
      ['N', 3, 4, 12],
    ]) {
      const { network, weights, notes, ...rest } = built({ ...PLAN, inputs: { x: { shape } } }, 12);
      expect(notes).toEqual([expect.stringMatching(/square ones are stretched/)]);
      const found = answers({ network, weights, notes, ...rest }, pixels, 12);
      found.forEach((value, k) => expect(value).toBeCloseTo(wanted[k], 5));
    }
  });

  it('to grey images', () => {
    const plan: ModelPlan = {
      ...PLAN,
      inputs: { x: { shape: ['N', 1, 5, 5] } },
      initialisers: { ...PLAN.initialisers, w: { shape: [1, 2], data: [2, -3] } },
    };
    const grey = built(plan, 5);
    expect(grey.notes).toEqual([expect.stringMatching(/takes grey images/)]);
    const brightness = 0.299 * 10 + 0.587 * 20 + 0.114 * 30;
    const found = answers(grey, at(5, () => [10, 20, 30]), 5); // biome-ignore format: one line
    expect(found[0]).toBeCloseTo(2 * brightness + 7, 5);
    expect(found[1]).toBeCloseTo(8 - 3 * brightness, 5);
  });
});

describe('an ONNX file is refused', () => {
  const build = (bytes: Uint8Array, size = 32) =>
    buildOnnx({ bytes, source: 'net.onnx' }, { classes: 2, size }, IMAGENET);
  const taking = (...shape: (number | string)[]) => buildModel({ ...PLAN, inputs: { x: { shape } } });

  it('where ops are missing, with all of them', () => {
    const nodes = [
      { op: 'Foo', inputs: ['x'], outputs: ['a'], name: 'first' },
      { op: 'Bar', inputs: ['a'], outputs: ['y'], name: 'second' },
    ];
    expect(() => build(buildModel({ ...PLAN, nodes }))).toThrow(/Foo .*first.*Bar .*second/);
  });

  it('where it takes other images than there are', () => {
    const w = { shape: [4, 2], data: [1, 2, 3, 4, 5, 6, 7, 8] };
    const inputs = { x: { shape: ['N', 4, 32, 32] } };
    const many = buildModel({ ...PLAN, inputs, initialisers: { ...PLAN.initialisers, w } });
    expect(() => build(many)).toThrow(/images of 4 channels, and those here have 3/);
    expect(() => build(taking('N', 3, 32, 32), 64)).toThrow(/images of 32 x 32 pixels; give --size 32/);
    expect(() => build(taking('N', 3, 'H', 'W'), 64)).not.toThrow();
  });

  it('where it was cut off', () => {
    expect(() => build(ocrModel('cls').subarray(0, 1000))).toThrow(/cut off or damaged/);
  });
});

describe('what a file says of itself', () => {
  const saying = (metadata: Readonly<Record<string, string>>): Uint8Array => {
    const model = decodeModel(buildModel(PLAN), 'test');
    const { irVersion, opsetImport, graph } = model;
    const metadataProps = Object.entries(metadata).map(([key, value]) => ({ key, value }));
    return encodeModel({ irVersion, opsetImport, graph, metadataProps } as unknown as MessageInit<'ModelProto'>);
  };
  const shown = { size: 64, crop: 212, mean: [0.1, 0.2, 0.3], std: [0.4, 0.5, 0.6], channels: 'bgr' };
  const said = (metadata: Readonly<Record<string, string>>) => saidIn(saying(metadata), 'net.onnx');

  it('is taken where our export wrote it', () => {
    const task = { name: 'classes', labelSmoothing: 0 };
    const all = { preprocessing: JSON.stringify(shown), classes: '["cat","dog"]', task: JSON.stringify(task) };
    const preprocessing = { mean: shown.mean, std: shown.std, channels: 'bgr' };
    expect(said(all)).toEqual({ preprocessing, classes: ['cat', 'dog'], task, crop: 212 });
    // The graph itself normalises, and puts blue first.
    const std = [1 / 255, 1 / 255, 1 / 255];
    expect(said({ ...all, input: '0..255' }).preprocessing).toEqual({ mean: [0, 0, 0], std });
    expect(buildOnnx({ bytes: saying(all), source: 'n' }, { classes: 2, size: 64 })).toMatchObject({
      preprocessing,
      notes: [],
    });
  });

  it('is left alone where it makes no sense, and told where nothing is said', () => {
    expect(said({})).toEqual({});
    expect(said({ preprocessing: '{', classes: '["cat"]' })).toEqual({});
    const odd = { ...shown, mean: [0.1, 0.2], std: ['a', 1, 1], crop: -3 };
    expect(said({ preprocessing: JSON.stringify(odd), classes: '[1]', task: '"classes"' })).toEqual({});
    const { notes, preprocessing } = buildOnnx({ bytes: saying({}), source: 'n' }, { classes: 2, size: 64 });
    expect([notes, preprocessing]).toEqual([[expect.stringMatching(/ImageNet's numbers are assumed/)], IMAGENET]);
  });
});
