import { describe, expect, it } from 'vitest';
import { input } from '../../engine/ops/leaves.ts';
import { softmax } from '../../engine/ops/softmax_cross_entropy.ts';
import { openModel } from '../../galaxies/open_model.ts';
import { storedTask, taskOf, type TaskChoice } from '../../galaxies/tasks.ts';
import { buildModel } from '../../models/build_network.ts';
import { packModel } from '../../models/formats/model_file.ts';
import { initialValues } from '../../models/initialise.ts';
import { applySegments } from '../../models/network.ts';
import { exportOnnx } from '../../models/onnx/export/export_onnx.ts';
import { decodeModel, encodeModel, type MessageInit } from '../../models/onnx/proto.ts';
import { readModel, type StoredModel } from '../../vision/answer/stored_model.ts';
import { NODE_READER } from '../../vision/data/file_reader.node.ts';
import { describeAdapters } from '../gpu.ts';
import { buildModel as buildOnnx, type NodePlan } from '../models/onnx/build.ts';
import { parametersOf } from '../models/onnx/operator_case.ts';
import { randomArray } from '../random.ts';
import { evaluateGraph } from '../reference/interpreter.ts';

const SIDE = 5;
const IMAGES = 3;
const PIXELS = [...randomArray(IMAGES * SIDE * SIDE * 3, 1)];
const read = (bytes: Uint8Array) => readModel<TaskChoice>(bytes, 'net.onnx', storedTask);

/** What a model says of images in float64: rows of its task's prediction. */
function predictions({ built, task: choice, classes }: StoredModel<TaskChoice>, side = SIDE, pixels = PIXELS) {
  const task = taskOf(choice!, classes);
  const { network, weights } = built;
  const count = pixels.length / (side * side * 3);
  const { context, leaves } = parametersOf({ specs: network.specs, weights });
  const y = task.scores(applySegments(network.segments, input('images', [count, side, side, 3]), context));
  const rows = evaluateGraph([y], leaves.set('images', pixels)).get(y)!;
  expect(y.shape[0]).toBe(count);
  const width = y.shape[1];
  return Array.from({ length: count }, (_, n) => Array.from(task.prediction(rows.slice(n * width, (n + 1) * width))));
}

const node = (op: string, inputs: string, output: string, attributes: NodePlan['attributes'] = {}): NodePlan => ({
  op,
  inputs: inputs.split(' '),
  outputs: [output],
  attributes,
});
const wide = (k: number) => [...randomArray(3 * k, 2)].map((v) => 9 * v);
/** Means over pixels, a dense layer of k outputs called `z`, and what follows it. */
const file = (k: number, tail: readonly NodePlan[], batch: number | string = 'N', flat = node('Flatten', 'p', 'f')) =>
  buildOnnx({
    nodes: [node('GlobalAveragePool', 'x', 'p'), flat, node('Gemm', 'f w b', tail.length > 0 ? 'z' : 'y'), ...tail],
    inputs: { x: { shape: [batch, 3, SIDE, SIDE] } },
    outputs: ['y'],
    initialisers: {
      w: { shape: [3, k], data: wide(k) },
      b: { shape: [k], data: Array.from({ length: k }, (_, i) => 1 - i) },
      half: { shape: [], data: [0.5] },
      rows: { shape: [2], data: [1, -1], type: 'int64' },
      pairs: { shape: [2], data: [2, 3], type: 'int64' },
      column: { shape: [2], data: [-1, 1], type: 'int64' },
      many: { shape: [1, k], data: Array<number>(k).fill(0) },
    },
  });

/** z of each image by plain loops. */
const logits = (k: number): number[][] =>
  Array.from({ length: IMAGES }, (_, n) =>
    Array.from({ length: k }, (__, i) => {
      let z = 1 - i;
      for (let p = 0; p < SIDE * SIDE; p++)
        for (let c = 0; c < 3; c++) z += (PIXELS[(n * SIDE * SIDE + p) * 3 + c] * wide(k)[c * k + i]) / (SIDE * SIDE);
      return z;
    }),
  );
const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));
const shares = (row: readonly number[]) => {
  const total = row.reduce((sum, z) => sum + Math.exp(z), 0);
  return row.map((z) => Math.exp(z) / total);
};
const expectRows = (rows: readonly (readonly number[])[], wanted: readonly (readonly number[])[]) => {
  expect(rows.map((row) => row.length)).toEqual(wanted.map((row) => row.length));
  // The weights are f32, and what is computed from them f64.
  rows.forEach((row, n) => row.forEach((v, k) => expect(Math.abs(v - wanted[n][k])).toBeLessThan(1e-5)));
};

describe('the probabilities of an ONNX file are its own', () => {
  it.each<[string, NodePlan[]]>([
    ['[N, 1]', [node('Sigmoid', 'z', 'y')]],
    ['[N]', [node('Sigmoid', 'z', 's'), node('Squeeze', 's', 'y', {})]],
    ['[N, 1] of two shapes', [node('Sigmoid', 'z', 's'), node('Reshape', 's column', 'y')]],
  ])('of one sigmoid %s: of two classes', async (title, tail) => {
    const model = await read(file(1, tail, title === '[N]' ? 2 : 'N'));
    expect([model.classes, model.task?.name]).toEqual([['0', '1'], 'classes']);
    expect(model.built.notes).toContainEqual(expect.stringMatching(/one number by a sigmoid.*second of two classes/));
    expectRows(predictions(model), logits(1).map(([z]) => [1 - sigmoid(z), sigmoid(z)])); // biome-ignore format: one line
  });

  it('of several sigmoids: each by itself, with nothing called the likeliest', async () => {
    const model = await read(file(4, [node('Sigmoid', 'z', 'y')]));
    expect(model.classes).toEqual(['0', '1', '2', '3']);
    expect(taskOf(model.task!, model.classes).answers).toBe('values');
    expect(model.built.notes).toContainEqual(expect.stringMatching(/ends in sigmoids: .* none is the likeliest/));
    expectRows(predictions(model), logits(4).map((row) => row.map(sigmoid))); // biome-ignore format: one line
  });

  it.each<[string, NodePlan[], number]>([
    ['softmax', [node('Softmax', 'z', 'y', { axis: 1 })], 1],
    ['no softmax', [], 1],
    [
      'a softmax of what is no plain last layer',
      [node('Mul', 'z half', 'h'), node('Softmax', 'h', 'y', { axis: 1 })],
      0.5,
    ],
  ])('of %s', async (_, tail, scale) => {
    const model = await read(file(4, tail));
    expectRows(predictions(model), logits(4).map((row) => shares(row.map((z) => scale * z)))); // biome-ignore format: one line
  });

  it('and of one number, or of maps, there are none', async () => {
    const one = await read(file(1, []));
    const maps = await read(
      buildOnnx({ nodes: [node('Sigmoid', 'x', 'y')], inputs: { x: { shape: ['N', 3, SIDE, SIDE] } }, outputs: ['y'] }),
    );
    for (const model of [one, maps])
      expect([model.task, model.classes, model.file]).toEqual([undefined, [], undefined]);
    expect(one.built.notes).toContainEqual(
      expect.stringMatching(/gives for an image one number, and no probability: it/),
    );
    expect(maps.built.notes).toContainEqual(expect.stringMatching(/gives for an image maps: it/));
  });
});

describe('a model that was saved with the last layer of its ONNX file', () => {
  it.each<[string, number, NodePlan[]]>([
    ['logits', 3, []],
    ['a softmax', 3, [node('Softmax', 'z', 'y', { axis: 1 })]],
    ['sigmoids', 3, [node('Sigmoid', 'z', 'y')]],
    ['one sigmoid', 1, [node('Sigmoid', 'z', 'y')]],
  ])('says the same when it is read again: %s', async (_, k, tail) => {
    const model = await read(file(k, tail));
    const { network, weights } = model.built;
    const kept = new Map(network.specs.map(({ name, shape }) => [name, { shape, data: weights.get(name)! }]));
    const again = await readModel<TaskChoice>(packModel({ ...model.file!, weights: kept }), 'saved', storedTask);
    expect([again.task, again.classes]).toEqual([model.task, model.classes]);
    expectRows(predictions(again), predictions(model));
  });
});

describeAdapters('a model of the library that came as an ONNX file', (device) => {
  it('tells what was assumed, and is what it was when it was saved', async () => {
    const data = Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, i) => (i * 37) % 256);
    const picture = { width: SIDE, height: SIDE, data };
    using model = await openModel(device(), file(1, [node('Sigmoid', 'z', 'y')]), NODE_READER);
    expect(model.notes).toContainEqual(expect.stringMatching(/ImageNet's numbers are assumed/));
    const [said] = await model.predict([picture]);
    expect(said).toMatchObject({ probabilities: { 0: expect.any(Number), 1: expect.any(Number) } });
    using again = await openModel(device(), await model.save(), NODE_READER);
    expect(again.notes).toEqual([]);
    expect(await again.predict([picture])).toEqual([said]);
  });
});

describe('a file for batches of one length', () => {
  it.each<[number, string]>([
    [1, 'rows'],
    [2, 'pairs'],
  ])('of %i is computed for any where its shapes say so', async (batch, shape) => {
    const model = await read(file(4, [], batch, node('Reshape', `p ${shape}`, 'f')));
    expectRows(predictions(model), logits(4).map(shares)); // biome-ignore format: one line
  });

  it('is refused where another op has the length', async () => {
    const tail = [node('Concat', 'z many', 'both', { axis: 1 }), node('Softmax', 'both', 'y', { axis: 1 })];
    await expect(read(file(4, tail, 1))).rejects.toThrow(/^net\.onnx cannot be computed for batches of 2 images: /);
  });
});

describe('the fractions of the challenge as an ONNX file', () => {
  const side = 16;
  const pixels = [...randomArray(2 * side * side * 3, 3)];
  const { network } = buildModel('vgg_small', 37);
  const weights = new Map(network.specs.map((spec) => [spec.name, initialValues(spec, 5)]));
  const exported = (head: 'tree' | 'independent', of?: 'fractions') => {
    const task = taskOf({ name: 'challenge', head });
    return exportOnnx(
      { network, weights },
      {
        size: side,
        ...(of && { answer: { name: of, of: task.scores } }),
        metadata: {
          task: JSON.stringify({ name: 'challenge', head }),
          classes: JSON.stringify(task.outputs),
          preprocessing: JSON.stringify({ size: side, crop: 212, mean: [0, 0, 0], std: [1, 1, 1] }),
          output: of ?? 'logits',
        },
      },
    );
  };
  const without = (bytes: Uint8Array, ...keys: readonly string[]) => {
    const model = decodeModel(bytes, 'test');
    const metadataProps = model.metadataProps.filter(({ key }) => !keys.includes(key));
    return encodeModel({ ...model, metadataProps } as unknown as MessageInit<'ModelProto'>);
  };

  it.each(['tree', 'independent'] as const)('are those of its logits when it is read again: %s', async (head) => {
    const wanted = predictions(await read(exported(head)), side, pixels);
    expect(wanted[0].some((v) => v > 0.01 && v < 0.99)).toBe(true);
    expectRows(predictions(await read(exported(head, 'fractions')), side, pixels), wanted);
  });

  it('are refused where what they are made of is not told', async () => {
    for (const keys of [['logits'], ['logits', 'output']])
      await expect(read(without(exported('independent', 'fractions'), ...keys))).rejects.toThrow(
        /gives vote fractions, and does not say.*export the model again/,
      );
  });

  it('have a name for their logits, as probabilities do', () => {
    const bytes = exportOnnx({ network, weights }, { size: side, answer: { name: 'probabilities', of: softmax } });
    const { graph, metadataProps } = decodeModel(bytes, 'test');
    const told = metadataProps.find(({ key }) => key === 'logits')!.value;
    expect(graph!.node.find(({ opType }) => opType === 'Softmax')!.input).toEqual([told]);
  });
});
