import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDevice, type Device } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { evaluate, fit, Model } from '../../index.ts';
import { cropResize, decodeImage, imagePixels, loadModel, type PredictionRecord } from '../../index.vision.ts';
import { adaptersBound, expectWithin } from '../tolerance.ts';
import { SUMS } from '../web/look_fixture.ts';
import { succeed } from './cli.ts';
import { shape, SHAPES } from './shapes.ts';

// What the command line trained, in the library: the same numbers on the same adapter.
const folder = mkdtempSync(join(tmpdir(), 'tuningfork-load-'));
const [shapes, run] = [join(folder, 'shapes'), join(folder, 'run')];
const file = join(run, 'model.safetensors');
const names = SHAPES.flatMap((name) => Array.from({ length: 6 }, (_, i) => join(name, `${i}.png`)));
const paths = names.map((name) => join(shapes, name));
let device: Device;
let told: PredictionRecord[];

beforeAll(async () => {
  SHAPES.forEach((name, kind) => {
    mkdirSync(join(shapes, name), { recursive: true });
    for (let i = 0; i < 6; i++) writeFileSync(join(shapes, name, `${i}.png`), shape(kind, i));
  });
  const small = ['--model', 'vgg_small', '--width', '0.25', '--size', '32', '--batch', '8', '--epochs', '1'];
  await succeed('train', '--data', shapes, '--out', run, ...small, '--val-fraction', '0.4');
  const lines = (await succeed('predict', run, '--data', shapes, '--json')).trim().split('\n');
  const byId = new Map(lines.map((line) => [JSON.parse(line).id as string, JSON.parse(line) as PredictionRecord]));
  told = names.map((name) => ({ ...byId.get(name)!, id: join(shapes, name) }));
  device = await openDevice({ gpu: openGpu({ adapter: 'lavapipe' }) });
});
afterAll(() => {
  const { buffers } = device.memory;
  device[Symbol.dispose]();
  rmSync(folder, { recursive: true, force: true });
  expect(buffers, 'buffers still alive').toBe(0);
});

const same = (a: ArrayLike<number>, b: ArrayLike<number>): boolean => Array.from(a).every((v, i) => Object.is(v, b[i]));

const probabilities = (record: PredictionRecord) => Object.values((record as { probabilities: object }).probabilities);

describe('a model of the command line', () => {
  it('predicts in the library what it predicts there, to the last bit', async () => {
    using model = await loadModel(device, run);
    expect(model.classes).toEqual([...SHAPES].sort());
    expect(model.size).toBe(32);
    expect(await model.predict(paths)).toEqual(told);
    expect(new Set(told.map((record) => JSON.stringify(probabilities(record)))).size).toBeGreaterThan(3);
  });

  it('is loaded from bytes, a blob, a path and a URL, and saved as it was', async () => {
    const bytes = readFileSync(file);
    for (const source of [bytes, new Blob([bytes]), file, pathToFileURL(file), Uint8Array.from(bytes).buffer]) {
      using model = await loadModel(device, source);
      expect(Buffer.compare(await model.save(), bytes)).toBe(0);
    }
  });

  it('takes a picture as a file, as bytes and as pixels', async () => {
    using model = await loadModel(device, file);
    const image = await decodeImage(paths[7]);
    const rgba = new Uint8ClampedArray(image.width * image.height * 4).map((_, i) =>
      i % 4 === 3 ? 255 : image.data[3 * Math.floor(i / 4) + (i % 4)],
    );
    const bytes = readFileSync(paths[7]);
    const pictures = [paths[7], bytes, new File([bytes], 'a.png'), image, { ...image, data: rgba }];
    const records = await model.predict(pictures);
    expect(records.map(({ id }) => id)).toEqual([paths[7], 'picture 1', 'a.png', 'picture 3', 'picture 4']);
    for (const record of records) expect(probabilities(record)).toEqual(probabilities(told[7]));
    // One alone runs in a program of its own, which may add in another order.
    const [alone] = await model.predict([image]);
    probabilities(alone).forEach((p, k) => expect(p).toBeCloseTo(probabilities(told[7])[k], 5));
    expect(await model.predict([])).toEqual([]);
  });

  it('averages over views as --tta does', async () => {
    const lines = (await succeed('predict', run, '--data', shapes, '--tta', '2', '--json')).trim().split('\n');
    const wanted = new Map(lines.map((line) => [join(shapes, JSON.parse(line).id), JSON.parse(line).probabilities]));
    using model = await loadModel(device, file);
    const records = await model.predict(paths, { tta: 2 });
    for (const record of records) expect(record).toMatchObject({ probabilities: wanted.get(record.id) });
    expect(records).not.toEqual(told);
  });

  it('is trained further on what it is given for pictures, and saved', async () => {
    using model = await loadModel(device, run);
    const x = await model.inputs(paths);
    const weights = await model.parameters.read();
    const { size, network, classes } = model;
    using copy = new Model(device, network, [size, size, 3]);
    copy.parameters.write(weights);
    // The same weights and inputs: the same answers, but for the roundings of another batch size. A slope of the
    // softmax is at most 1/4, products behind a logit come to less than 16, and SUMS are of a wider network.
    expectWithin(await copy.probabilities(x), told.flatMap(probabilities), () => 4 * adaptersBound(SUMS));

    const last = network.segments.at(-1)!.prefixes;
    const y = paths.map((path) => classes.indexOf(basename(dirname(path))));
    const before = await evaluate(copy, { x, y });
    const freeze = (name: string) => !last.some((prefix) => name.startsWith(prefix));
    await fit(copy, {
      data: { x, y },
      epochs: 40,
      batchNorm: 'running',
      freeze,
      optimizer: { name: 'adam', learningRate: 0.02 },
    });
    const after = await evaluate(copy, { x, y });
    expect(after.loss).toBeLessThan(before.loss / 2);
    const trained = await copy.parameters.read();
    for (const [name, { data }] of weights)
      expect([name, freeze(name)]).toEqual([name, same(data, trained.get(name)!.data)]);
    model.parameters.write(trained);
    using again = await loadModel(device, await model.save());
    const right = (await again.predict(paths)).filter(
      (record, i) => 'predicted' in record && record.predicted === classes[y[i]],
    );
    expect(right.length / paths.length).toBe(after.accuracy);
    expect(await again.inputs([])).toHaveLength(0);
  });

  it('refuses what it cannot take in a sentence', async () => {
    const refusal = (promise: Promise<unknown>) => expect(promise).rejects;
    await refusal(loadModel(device, join(folder, 'nothing'))).toThrow(/Cannot read .*nothing: there is no such file/);
    await refusal(loadModel(device, new Uint8Array(7))).toThrow('the model: 7 bytes are too few for a safetensors');
    await refusal(loadModel(device, 7 as never)).toThrow('the model must be bytes, a Blob, a path or a URL, not 7');
    using model = await loadModel(device, file);
    await refusal(model.predict(paths[0] as never)).toThrow('predict: it takes a list of pictures, not "');
    await refusal(model.predict([null as never])).toThrow('picture 0 must be a file');
    await refusal(model.predict([readFileSync(file)])).toThrow('picture 0 is no image that is read');
    await refusal(model.predict([{ width: 2, height: 2, data: new Uint8Array(5) }])).toThrow(
      'picture 0 has 5 bytes, and 2 x 2 pixels are 12 (R, G, B) or 16 (R, G, B, A)',
    );
    await refusal(model.predict(paths, { tta: 3 })).toThrow('predict: tta must be a whole number from 1 to 2, not 3');
    model[Symbol.dispose]();
    await refusal(model.predict(paths)).toThrow('predict: the model is used after it was disposed');
  });
});

describe('the pixels of an image', () => {
  it('are its central square as numbers, normalised by channel', async () => {
    const image = { width: 3, height: 2, data: Uint8Array.from({ length: 18 }, (_, i) => 10 * i) };
    // The square of 2 x 2 pixels begins at the first column: (3 − 2) >> 1 = 0.
    const square = [0, 10, 20, 30, 40, 50, 90, 100, 110, 120, 130, 140];
    expect([...cropResize(image, { crop: 1, size: 2 }).data]).toEqual(square);
    const plain = imagePixels(image, { size: 2 });
    square.forEach((byte, i) => expect(plain[i]).toBeCloseTo(byte / 255, 6));
    const normalised = imagePixels(image, { size: 2, mean: [0.5, 0, 0], std: [1, 2, 1] });
    square.forEach((byte, i) =>
      expect(normalised[i]).toBeCloseTo([byte / 255 - 0.5, byte / 510, byte / 255][i % 3], 6),
    );
    expect(() => imagePixels(image, { size: 2.5 })).toThrow('imagePixels: size must be a whole number');
  });
});
