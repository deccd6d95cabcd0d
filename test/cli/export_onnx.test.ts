import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openData } from '../../cli/open_data.node.ts';
import { readStored } from '../../cli/load_model.node.ts';
import { openDevice } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { decodeModel } from '../../models/onnx/proto.ts';
import { viewsFor } from '../../vision/answer/stored_model.ts';
import { SILENT } from '../../vision/progress.ts';
import { imageInput } from '../../vision/view/views.ts';
import { evaluate } from '../gpu.ts';
import { nchw } from '../models/onnx/compare.ts';
import { onnxruntime } from '../models/onnx/onnxruntime.ts';
import { fail, succeed } from './cli.ts';
import { shape, SHAPES } from './shapes.ts';

const folder = mkdtempSync(join(tmpdir(), 'tuningfork-export-onnx-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const shapes = join(folder, 'shapes');
const run = join(folder, 'run');
const SIDE = 32;
const PER_CLASS = 6;
const COUNT = SHAPES.length * PER_CLASS;

/** The images as the network is shown them: [COUNT, SIDE, SIDE, 3], normalised. */
async function shownImages() {
  const model = await readStored(run);
  const { dataset } = await openData({ data: shapes }, SILENT);
  const views = viewsFor(model, dataset);
  const all = Array.from({ length: COUNT }, (_, i) => views.plain(i));
  using device = await openDevice({ gpu: openGpu({ adapter: 'lavapipe' }) });
  const x = imageInput(COUNT, views.side, views.geometry);
  const [images] = await evaluate(device, [x], await views.feeds(all));
  await dataset.close();
  return { ids: dataset.examples.map(({ id }) => id), images, ...model.built.preprocessing };
}

describe('a run as an ONNX file', () => {
  let shown: Awaited<ReturnType<typeof shownImages>>;
  const predicted = new Map<string, number[]>();

  beforeAll(async () => {
    SHAPES.forEach((name, kind) => {
      mkdirSync(join(shapes, name), { recursive: true });
      for (let i = 0; i < PER_CLASS; i++) writeFileSync(join(shapes, name, `${i}.png`), shape(kind, i));
    });
    const small = ['--size', String(SIDE), '--batch', '6', '--epochs', '1', '--model', 'vgg_small'];
    await succeed('train', '--data', shapes, '--out', run, ...small);
    for (const line of (await succeed('predict', run, '--data', shapes, '--json')).trim().split('\n')) {
      const { id, probabilities } = JSON.parse(line) as { id: string; probabilities: Record<string, number> };
      predicted.set(id, Object.values(probabilities));
    }
    shown = await shownImages();
  }, 120_000);

  const expectPredictions = (probabilities: readonly number[]) =>
    shown.ids.forEach((id, i) =>
      predicted.get(id)!.forEach((share, k) => {
        expect(Math.abs(probabilities[i * SHAPES.length + k] - share)).toBeLessThan(1e-5);
      }),
    );

  it('gives the probabilities that predict gives, and says how images are prepared', async () => {
    const to = join(folder, 'probabilities.onnx');
    const told = await succeed('export', run, '--to', to, '--probabilities');
    expect(told).toContain('`input` [N, 3, 32, 32]');
    expect(told).toContain('`probabilities` [N, 3]');
    const bytes = new Uint8Array(readFileSync(to));
    const data = nchw(shown.images, [COUNT, SIDE, SIDE, 3]);
    const { probabilities } = await onnxruntime(bytes, { input: { shape: [COUNT, 3, SIDE, SIDE], data } });
    expectPredictions(probabilities.data);
    const said = Object.fromEntries(decodeModel(bytes, to).metadataProps.map(({ key, value }) => [key, value]));
    expect(said).toMatchObject({ architecture: 'vgg_small', input: 'normalised' });
    expect(JSON.parse(said['classes'])).toEqual([...SHAPES].sort());
    expect(JSON.parse(said['preprocessing'])).toMatchObject({
      size: SIDE,
      mean: [0.485, 0.456, 0.406],
      std: [0.229, 0.224, 0.225],
    });
  });

  it('normalises pixels itself, and takes them as they lie in pictures', async () => {
    const to = join(folder, 'pixels.onnx');
    const flags = ['--preprocess', '255', '--layout', 'nhwc', '--json'];
    expect(JSON.parse(await succeed('export', run, '--to', to, ...flags))).toMatchObject({
      file: to,
      input: [-1, SIDE, SIDE, 3],
      pixels: '0..255',
      output: 'logits',
    });
    const pixels = shown.images.map((v, i) => (v * shown.std[i % 3] + shown.mean[i % 3]) * 255);
    const given = { input: { shape: [COUNT, SIDE, SIDE, 3], data: pixels } };
    const { logits } = await onnxruntime(new Uint8Array(readFileSync(to)), given);
    const shares = logits.data.map((v, i) => {
      const row = logits.data.slice(i - (i % 3), i - (i % 3) + 3);
      return Math.exp(v) / row.reduce((sum, each) => sum + Math.exp(each), 0);
    });
    expectPredictions(shares);
  });

  it('is refused where an option is for another format', async () => {
    expect(await fail('export', run, '--to', join(folder, 'a.onnx'), '--names', 'timm')).toContain('--names is for');
    expect(await fail('export', run, '--to', join(folder, 'a.safetensors'), '--probabilities')).toContain(
      '--probabilities is for',
    );
    expect(await fail('export', run, '--to', join(folder, 'a.pb'))).toContain('must end with');
  });
});
