import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toPng } from '../../vision/report/encode.node.ts';
import { buildModel, type ModelPlan, type NodePlan } from '../models/onnx/build.ts';
import { onnxruntime } from '../models/onnx/onnxruntime.ts';
import { randomArray } from '../random.ts';
import { fail, succeed } from './cli.ts';

const SLOW = 600_000;
const given = (...shape: readonly number[]) => ({
  shape,
  data: randomArray(
    shape.reduce((a, b) => a * b, 1),
    shape.length,
  ),
});
const node = (op: string, inputs: string, output: string, attributes?: NodePlan['attributes']): NodePlan => ({
  op,
  inputs: inputs.split(' '),
  outputs: [output],
  attributes,
});

/** A small classifier whose last layer is a convolution, of images of this shape; before it may be other nodes. */
const classifier = (
  shape: readonly (number | string)[],
  channels: number,
  before: readonly NodePlan[] = [],
): ModelPlan => ({
  nodes: [
    ...before,
    node('Conv', `${before.length > 0 ? 'images' : 'x'} conv.weight conv.bias`, 'c', {
      strides: [2, 2],
      pads: [1, 1, 1, 1],
    }),
    node('HardSwish', 'c', 'h'),
    node('Conv', 'h middle.weight', 'm'),
    node('Relu', 'm', 'r'),
    node('Conv', 'r head.weight', 'maps'),
    node('GlobalAveragePool', 'maps', 'means'),
    node('Flatten', 'means', 'y'),
  ],
  inputs: { x: { shape } },
  outputs: ['y'],
  initialisers: {
    'conv.weight': given(6, channels, 3, 3),
    'conv.bias': given(6),
    'middle.weight': given(6, 6, 1, 1),
    'head.weight': given(5, 6, 1, 1),
  },
});

let folder: string;
const file = (name: string, plan: ModelPlan): string => {
  const path = join(folder, name);
  writeFileSync(path, buildModel(plan));
  return path;
};
/** Trains it, and gives its run. */
async function trained(name: string, plan: ModelPlan, ...more: readonly string[]): Promise<string> {
  const run = join(folder, `${name} run`);
  const flags = ['--model', file(`${name}.onnx`, plan), '--data', 'synthetic:24', '--crop', '160', '--batch', '8'];
  flags.push('--views', '1', '--tta', '1', '--epochs-head', '1', '--epochs', '1', '--unfreeze', '0.1');
  await succeed('train', '--adapter', 'lavapipe', ...flags, '--mean', '0.5', '--std', '0.25', ...more, '--out', run);
  return run;
}
const predict = (model: string, data = 'synthetic:5') => succeed('predict', model, '--data', data);

beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'tuningfork-images-'))));
afterAll(() => rmSync(folder, { recursive: true }));

describe('how a network from an ONNX file takes images', { timeout: SLOW }, () => {
  it('by rows of pixels or by planes: the same is learned', async () => {
    const [rows, planes] = [
      classifier(['N', 32, 32, 3], 3, [node('Transpose', 'x', 'images', { perm: [0, 3, 1, 2] })]),
      classifier(['N', 3, 32, 32], 3),
    ];
    const byRows = await trained('rows', rows, '--layout', 'nhwc');
    const byPlanes = await trained('planes', planes, '--layout', 'nchw');
    const said = await predict(byPlanes);
    expect(said).toMatch(/^id,smooth,featured,predicted\n/);
    expect(await predict(byRows)).toBe(said);
    // Seen by the lengths where it is not told, and refused where it is told wrongly.
    expect(await predict(await trained('seen', rows))).toBe(said);
    const wrong = ['--model', join(folder, 'rows.onnx'), '--layout', 'nchw', '--out', join(folder, 'none')];
    expect(await fail('train', '--data', 'synthetic:24', ...wrong)).toMatch(
      /images of 32 channels.*leave --layout out/,
    );
    const out = join(folder, 'rows again.onnx');
    await succeed('export', byRows, '--to', out, '--layout', 'nhwc');
    expect(await predict(out)).toBe(said);
  });

  it('grey, and wider than high: square ones of three colours are fitted, and so they are in its export', async () => {
    const run = await trained('grey', classifier(['N', 1, 16, 48], 1));
    // Pictures of one colour stay of one colour however they are stretched.
    const data = join(folder, 'colours');
    mkdirSync(data);
    const colours = [
      [200, 30, 90],
      [10, 240, 120],
    ];
    colours.forEach((rgb, i) => {
      const pixels = Uint8Array.from({ length: 200 * 200 * 3 }, (_, k) => rgb[k % 3]);
      writeFileSync(join(data, `${i}.png`), toPng({ width: 200, height: 200, data: pixels }));
    });
    const said = await predict(run, data);
    const out = join(folder, 'grey again.onnx');
    await succeed('export', run, '--to', out);
    const side = 48;
    const x = colours.flatMap((rgb) => rgb.flatMap((v) => Array<number>(side * side).fill((v / 255 - 0.5) / 0.25)));
    const { logits } = await onnxruntime(readFileSync(out), { input: { shape: [2, 3, side, side], data: x } });
    const shares = said.trimEnd().split('\n').slice(1).map((line) => Number(line.split(',')[1])); // biome-ignore format: one line
    // Six decimals are printed.
    shares.forEach((share, i) => {
      const theirs = 1 / (1 + Math.exp(logits.data[2 * i + 1] - logits.data[2 * i]));
      expect(Math.abs(share - theirs)).toBeLessThan(2e-5);
    });
  });
});
