import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeModel } from '../../models/onnx/proto.ts';
import { parseSafetensors } from '../../models/formats/safetensors.ts';
import { toPng } from '../../vision/report/encode.node.ts';
import { buildModel as buildOnnx } from '../models/onnx/build.ts';
import { ocrModel } from '../models/onnx/models.ts';
import { onnxruntime } from '../models/onnx/onnxruntime.ts';
import { PROGRAM, fail, succeed, tuningfork } from './cli.ts';

/** Trainings are processes one after another. */
const SLOW = 600_000;
const PLUG = fileURLToPath(new URL('../vision/plug.mjs', import.meta.url));
/** A node in the middle of cls. */
const MIDDLE = 'p2o.Add.24';

/** Pictures of one colour each, in R, G and B: however they are scaled and cut, they stay the same. */
const COLOURS = [
  [200, 30, 90],
  [10, 240, 120],
];
/** Six decimals are printed, of shares through some sixty layers in f32. */
const PRINTED = 2e-5;

function colourFolder(folder: string): string {
  const data = join(folder, 'colours');
  mkdirSync(data, { recursive: true });
  COLOURS.forEach((rgb, i) => {
    const pixels = Uint8Array.from({ length: 500 * 500 * 3 }, (_, k) => rgb[k % 3]);
    writeFileSync(join(data, `${i}.png`), toPng({ width: 500, height: 500, data: pixels }));
  });
  return data;
}

/** Images [N, 3, 64, 64] of one number a channel. */
const planes = (channels: readonly (readonly number[])[]): number[] =>
  channels.flatMap((each) => each.flatMap((value) => Array<number>(64 * 64).fill(value)));

/** What predict printed of each image: its shares. */
const sharesOf = (csv: string): number[][] =>
  csv.trimEnd().split('\n').slice(1).map((line) => line.split(',').slice(1, 3).map(Number)); // biome-ignore format: one line

let folder: string;
let run: string;
let net: string;
let told: string;
let train: string[];

// A training that is killed in its second phase, loses the file that it was given, and goes on.
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tuningfork-onnx-'));
  [run, net] = [join(folder, 'run'), join(folder, 'net.onnx')];
  writeFileSync(net, ocrModel('cls'));
  train = ['train', '--adapter', 'lavapipe', '--model', net, '--data', 'synthetic:24', '--size', '64', '--crop', '160'];
  train.push('--batch', '8', '--views', '1', '--tta', '1', '--epochs-head', '1', '--epochs', '1', '--unfreeze', '0.3');
  train.push('--mean', '127.5', '--std', '127.5', '--scale', '255', '--channels', 'bgr', '--checkpoint-steps', '2');
  const moment = { file: '/\\.checkpoint\\.safetensors\\..*tmp$', operation: 'write', nth: 4 };
  const child = spawn(process.execPath, ['--import', PLUG, PROGRAM, ...train, '--out', run], {
    stdio: 'ignore',
    env: { ...process.env, PLUG: JSON.stringify(moment) },
  });
  expect(await new Promise((resolve) => child.on('close', (_, signal) => resolve(signal)))).toBe('SIGKILL');
  renameSync(net, join(folder, 'moved.onnx'));
  const { code, stderr } = await tuningfork([...train, '--out', run]);
  expect(code, stderr).toBe(0);
  told = stderr;
}, SLOW);
afterAll(() => rmSync(folder, { recursive: true }));

describe('a network from an ONNX file', { timeout: SLOW }, () => {
  it('is trained, and goes on from the copy in its run', () => {
    expect(told).toMatch(/fine-tuning begins with p2o\.\S+: \d\d % of the weights before the classifier are trained/);
    expect(told).toMatch(/resuming at phase \d/);
    const { accuracy } = JSON.parse(readFileSync(join(run, 'metrics.json'), 'utf8')) as { accuracy: object };
    expect(accuracy).toBeDefined();
  });

  it('ends in the same bytes as one that nobody disturbed', async () => {
    const other = join(folder, 'other');
    renameSync(join(folder, 'moved.onnx'), net);
    await succeed(...train, '--out', other);
    const read = (path: string) => readFileSync(join(path, 'model.safetensors'));
    expect(read(other).equals(read(run))).toBe(true);
  });

  it('is one file, its graph without weights in it, that gives the same numbers elsewhere', async () => {
    const data = ['--data', 'synthetic:5'];
    const before = await succeed('predict', run, ...data);
    const moved = join(folder, 'elsewhere.safetensors');
    writeFileSync(moved, readFileSync(join(run, 'model.safetensors')));
    expect(await succeed('predict', moved, ...data)).toBe(before);
    const { tensors } = parseSafetensors(readFileSync(moved), moved);
    const stored = tensors.get('network.onnx')!;
    expect(stored.shape[0]).toBeLessThan(ocrModel('cls').length / 10);
    const { graph } = decodeModel(stored.data as Uint8Array, moved);
    expect(graph!.initializer.find(({ name }) => name === 'conv2d_0.w_0')!.rawData.length).toBe(0);
  });

  it('is exported, and the file says the same here and in onnxruntime', async () => {
    const data = ['--data', colourFolder(folder)];
    const out = join(folder, 'exported.onnx');
    await succeed('export', run, '--to', out);
    const ours = await succeed('predict', run, ...data);
    expect(ours).toMatch(/^id,smooth,featured,predicted\n/);
    expect(await succeed('predict', out, ...data)).toBe(ours);
    // Blue first, from -1 to 1.
    const x = { shape: [2, 3, 64, 64], data: planes(COLOURS.map(([r, g, b]) => [b, g, r].map((v) => v / 127.5 - 1))) };
    const { logits } = await onnxruntime(readFileSync(out), { input: x });
    sharesOf(ours).forEach(([smooth], i) => {
      const share = 1 / (1 + Math.exp(logits.data[2 * i + 1] - logits.data[2 * i]));
      expect(Math.abs(smooth - share)).toBeLessThan(PRINTED);
    });
  });

  it('is judged by evaluate as by its training', async () => {
    const { accuracy } = JSON.parse(readFileSync(join(run, 'metrics.json'), 'utf8'));
    const judged = JSON.parse(await succeed('evaluate', run, '--json')) as { accuracy: object };
    expect(judged.accuracy).toEqual(accuracy);
  });

  it('is explained, and its features are taken, at a node in its middle', async () => {
    const out = join(folder, 'maps');
    expect(await succeed('gradcam', run, '--data', 'synthetic:1', '--layer', MIDDLE, '--out', out)).toMatch(
      /s0-0\.png/,
    );
    const features = join(folder, 'features.csv');
    await succeed('embed', run, '--data', 'synthetic:2', '--layer', MIDDLE, '--out', features);
    const widths = readFileSync(features, 'utf8').trimEnd().split('\n').map((line) => line.split(',').length); // biome-ignore format: one line
    // Its strides make lines of text low: 64 pixels are 4 rows and 16 columns there, of 32 channels.
    expect(widths).toEqual(Array<number>(3).fill(1 + 4 * 16 * 32));
  });

  it('is inspected without a transpose, in its run and as the file', async () => {
    for (const model of [run, net]) {
      const { graph, input, transposes } = JSON.parse(
        await succeed('inspect', model, '--size', '64', '--graph', '--json'),
      ) as {
        graph: string[];
        transposes: number;
        input: number[];
      };
      expect(input).toEqual([1, 64, 64, 3]);
      expect(graph.some((line) => line.includes('conv2d'))).toBe(true);
      expect([transposes, graph.filter((line) => line.includes('transpose'))]).toEqual([0, []]);
    }
  });

  it('is refused where its file has become another', async () => {
    const whole = readFileSync(net);
    const other = Buffer.from(whole);
    other[other.length - 100] ^= 1;
    writeFileSync(net, other);
    expect(await fail(...train, '--out', run)).toMatch(/the ONNX file is another.*--accept-changes/);
    writeFileSync(net, whole);
  });
});

describe('an ONNX file that nobody trained here', { timeout: SLOW }, () => {
  it('says of single colours what onnxruntime says, as the options give them to it', async () => {
    const data = colourFolder(folder);
    const cls = join(folder, 'cls.onnx');
    writeFileSync(cls, ocrModel('cls'));
    const flags = ['--size', '64', '--channels', 'bgr', '--mean', '100,110,120', '--std', '50,60,70', '--scale', '255'];
    const said = await succeed('predict', cls, '--data', data, ...flags);
    expect(said).toMatch(/^id,0,1,predicted\n/);
    // Blue, green, red, as mean and std are given.
    const normalised = COLOURS.map(([r, g, b]) => [(b - 100) / 50, (g - 110) / 60, (r - 120) / 70]);
    const x = { shape: [2, 3, 64, 64], data: planes(normalised) };
    const theirs = Object.values(await onnxruntime(ocrModel('cls'), { x }))[0];
    sharesOf(said).forEach((shares, i) =>
      shares.forEach((share, k) => expect(Math.abs(share - theirs.data[2 * i + k])).toBeLessThan(PRINTED)),
    );
  });

  it('is refused where it tells no classes apart, or flags say something of another', async () => {
    const relu = { nodes: [{ op: 'Relu', inputs: ['x'], outputs: ['y'] }], outputs: ['y'] };
    const path = join(folder, 'relu.onnx');
    writeFileSync(path, buildOnnx({ ...relu, inputs: { x: { shape: ['N', 3, 32, 32] } } }));
    const out = join(folder, 'none');
    expect(await fail('train', '--data', 'synthetic:20', '--out', out, '--model', path)).toMatch(
      /no Gemm or MatMul of features.*no classifier/,
    );
    expect(existsSync(out)).toBe(false);
    expect(await fail('train', '--data', 'synthetic:20', '--model', 'vgg_small', '--mean', '0.5')).toMatch(
      /--mean says how an ONNX file takes images, and --model names none/,
    );
  });
});
