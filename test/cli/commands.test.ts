import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testData } from '../data.ts';
import { relativeL2 } from '../tolerance.ts';
import { parseSafetensors } from '../../models/formats/safetensors.ts';
import { toFloat32 } from '../../models/formats/stored_tensor.ts';
import { fail, succeed, tuningfork as start } from './cli.ts';

let folder: string;
let run: string;
const data = testData();
const TRAINING = [
  '--model',
  'vgg_small',
  '--size',
  '48',
  '--crop',
  '160',
  '--batch',
  '16',
  '--epochs',
  '1',
  '--tta',
  '1',
  '--data',
  'synthetic:60',
];

const tuningfork = (...args: string[]) => start([...args, '--adapter', 'lavapipe']);

const rowsOf = (csv: string) =>
  csv
    .trimEnd()
    .split('\n')
    .map((line) => line.split(','));

interface Report {
  accuracy: { value: number; low: number; high: number; n: number; correct: number };
  confusion: number[][];
  ece: number;
  split?: string;
}

let trained: Report;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tuningfork-'));
  run = join(folder, 'run');
  trained = JSON.parse(await succeed('train', ...TRAINING, '--out', run, '--json')) as Report;
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('train', () => {
  it('leaves a model, figures and a page, and no cache', () => {
    expect(readdirSync(run).sort()).toEqual([
      'best.safetensors',
      'checkpoint.safetensors',
      'config.json',
      'metrics.json',
      'model.safetensors',
      'origin.json',
      'predictions.csv',
      'report.html',
      'tuning.json',
    ]);
    const metrics = JSON.parse(readFileSync(join(run, 'metrics.json'), 'utf8')) as Report;
    expect(metrics.accuracy).toEqual(trained.accuracy);
    const page = readFileSync(join(run, 'report.html'), 'utf8');
    for (const part of ['The training', 'The evaluation', 'Grad-CAM']) expect(page).toContain(part);
  });

  it('refuses to go on with other options, and names them', async () => {
    const before = readFileSync(join(run, 'config.json'), 'utf8');
    expect(await fail('train', ...TRAINING, '--lr', '0.5', '--out', run)).toMatch(
      /tune was .*0\.001.* and is now .*0\.5/,
    );
    expect(readFileSync(join(run, 'config.json'), 'utf8')).toBe(before);
  });
});

describe('predict', () => {
  it('writes a row a galaxy whose probabilities sum to 1', async () => {
    const out = join(folder, 'predictions.csv');
    await succeed('predict', run, '--data', 'synthetic:20:5', '--out', out);
    const [header, ...rows] = rowsOf(readFileSync(out, 'utf8'));
    expect(header).toEqual(['id', 'smooth', 'featured', 'predicted']);
    expect(rows.map(([id]) => id)).toEqual(Array.from({ length: 20 }, (_, i) => `s5-${i}`));
    for (const [, smooth, featured, predicted] of rows) {
      expect(Number(smooth) + Number(featured)).toBeCloseTo(1, 5);
      expect(predicted).toBe(Number(smooth) > Number(featured) ? 'smooth' : 'featured');
    }
    expect(existsSync(`${out}.part`)).toBe(false);
  });

  it('prints JSON lines', async () => {
    const lines = (await succeed('predict', run, '--data', 'synthetic:3', '--json'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { id: string; probabilities: Record<string, number> });
    expect(lines.map(({ id }) => id)).toEqual(['s0-0', 's0-1', 's0-2']);
    expect(Object.keys(lines[0].probabilities)).toEqual(['smooth', 'featured']);
  });

  it('leaves nothing half-written', async () => {
    expect(
      await fail('predict', run, '--data', 'synthetic:2', '--format', 'kaggle', '--out', join(folder, 'half.csv')),
    ).toMatch(/run tells smooth from featured, and --format kaggle is for .*--task challenge/);
    expect(await fail('predict', run, '--data', join(folder, 'nowhere'), '--out', join(folder, 'half.csv'))).toContain(
      'nowhere',
    );
    expect(readdirSync(folder).filter((name) => name.startsWith('half'))).toEqual([]);
  });
});

describe('evaluate', () => {
  it('gives what training gave on the same split', async () => {
    const again = JSON.parse(await succeed('evaluate', run, '--json')) as Report;
    expect(again).toMatchObject({ split: 'validation', accuracy: trained.accuracy });
    expect(again.ece).toBeCloseTo(trained.ece, 5);
  });

  it('judges other galaxies, and writes a report without a training', async () => {
    const out = join(folder, 'judged');
    const text = await succeed(
      'evaluate',
      run,
      '--data',
      'synthetic:30:9',
      '--threshold',
      '0.5',
      '--tta',
      '2',
      '--out',
      out,
    );
    const metrics = JSON.parse(readFileSync(join(out, 'metrics.json'), 'utf8')) as Report;
    expect(metrics.split).toBe('all');
    const sum = metrics.confusion.flat().reduce((a, b) => a + b);
    expect(sum).toBe(metrics.accuracy.n);
    expect(metrics.confusion[0][0] + metrics.confusion[1][1]).toBe(metrics.accuracy.correct);
    expect(text).toContain(`${metrics.accuracy.correct} of ${sum} images`);
    const page = readFileSync(join(out, 'report.html'), 'utf8');
    expect(page).toContain('The evaluation');
    expect(page).not.toContain('The training');
  });

  it('says when no galaxy can be judged', async () => {
    expect(await fail('evaluate', run, '--data', 'synthetic:3:1', '--threshold', '1')).toMatch(
      /no image to judge on.*threshold 1/,
    );
  });
});

describe('embed', () => {
  it('writes the same features as .npy and as csv', async () => {
    const [npy, csv] = [join(folder, 'f.npy'), join(folder, 'f.csv')];
    const told = JSON.parse(await succeed('embed', run, '--data', 'synthetic:11', '--out', npy, '--json')) as unknown;
    expect(told).toEqual({ file: npy, shape: [11, 64] });
    await succeed('embed', run, '--data', 'synthetic:11', '--out', csv);

    const bytes = readFileSync(npy);
    const start = 10 + bytes.readUInt16LE(8);
    expect(bytes.toString('latin1', 1, 6)).toBe('NUMPY');
    expect(bytes.toString('latin1', 10, start).trimEnd()).toBe(
      "{'descr': '<f4', 'fortran_order': False, 'shape': (11, 64), }",
    );
    expect(bytes.length).toBe(start + 11 * 64 * 4);
    const ids = readFileSync(`${npy}.ids.txt`, 'utf8').trimEnd().split('\n');
    const [header, ...rows] = rowsOf(readFileSync(csv, 'utf8'));
    expect([header.length, header[0], header[64]]).toEqual([65, 'id', 'f63']);
    expect(rows.map(([id]) => id)).toEqual(ids);
    rows.forEach(([, ...values], i) =>
      values.forEach((value, k) =>
        expect(Math.fround(Number(value))).toBe(bytes.readFloatLE(start + (i * 64 + k) * 4)),
      ),
    );
  });

  it('refuses layers, tensors and names it does not know', async () => {
    expect(
      await fail('embed', run, '--data', 'synthetic:2', '--layer', 'tail', '--out', join(folder, 'x.npy')),
    ).toMatch(/no layer tail.*block1/);
    expect(await fail('embed', run, '--data', 'synthetic:2', '--out', join(folder, 'x.txt'))).toMatch(
      /must end with \.npy, \.csv or \.parquet/,
    );
    expect(await fail('embed', run, '--input', join(run, 'model.safetensors'), '--out', join(folder, 'x.npy'))).toMatch(
      /no tensor named input/,
    );
    expect(readdirSync(folder).filter((name) => name.startsWith('x.'))).toEqual([]);
  });

  it.skipIf(data === null)('gives the features that onnxruntime gave for the same input', async () => {
    const golden = join(data!, 'golden/efficientnet_b0_activations.safetensors');
    const out = join(folder, 'golden.npy');
    await succeed(
      'embed',
      join(data!, 'weights/efficientnet_b0_imagenet_notop.safetensors'),
      '--input',
      golden,
      '--out',
      out,
    );
    const bytes = readFileSync(out);
    const values = new Float32Array(new Uint8Array(bytes.subarray(10 + bytes.readUInt16LE(8))).buffer);
    const wanted = toFloat32(parseSafetensors(readFileSync(golden), golden).tensors.get('features')!);
    expect(relativeL2(values, wanted)).toBeLessThan(1e-4);
  });
});

describe('inspect', () => {
  it('counts what can be counted by hand', async () => {
    const found = JSON.parse(
      await succeed('inspect', 'vgg_small', '--size', '32', '--batch', '2', '--steps', '--graph', '--json'),
    ) as {
      flops: number;
      steps: number;
      parameters: { trainable: number };
      listing: { flops: number }[];
      graph: string[];
      memory: { lowerBound: number; temporaries: number; program: number };
    };
    // 3x3 filters on 32, 16, 8 and 4 pixels, a dense layer, two images, two operations a multiply-add.
    const multiplyAdds = 9 * (32 ** 2 * 3 * 16 + 16 ** 2 * 16 * 32 + 8 ** 2 * 32 * 64 + 4 ** 2 * 64 * 64) + 64 * 2;
    expect(found.flops).toBe(2 * 2 * multiplyAdds);
    expect(found.listing.reduce((sum, { flops }) => sum + flops, 0)).toBe(found.flops);
    expect(found.listing.length).toBe(found.steps);
    expect(found.parameters.trainable).toBe(
      9 * (3 * 16 + 16 * 32 + 32 * 64 + 64 * 64) + 2 * (16 + 32 + 64 + 64) + 64 * 2 + 2,
    );
    expect(found.memory.lowerBound).toBeLessThanOrEqual(found.memory.temporaries);
    expect(found.memory.temporaries).toBeLessThan(found.memory.program);
    expect(
      found.graph.some((line) => /conv2d, mul, add, relu \[2, 32, 32, 16\] <- x, block1\.0\.conv\.w/.test(line)),
    ).toBe(true);
  });

  it('tells what f16 saves, and what is stored so', async () => {
    interface Found {
      memory: { program: number; lowerBound: number; precisions: { f32: number; f16: number } };
      listing: { kernel: string; stored: string }[];
      graph: string[];
    }
    const of = async (...args: string[]) =>
      JSON.parse(
        await succeed(
          'inspect',
          'vgg_small',
          '--training',
          '--size',
          '32',
          '--batch',
          '8',
          '--steps',
          '--graph',
          '--json',
          ...args,
        ),
      ) as Found;
    const [whole, half] = [await of(), await of('--precision', 'f16')];
    expect(half.memory.precisions).toEqual(whole.memory.precisions);
    expect(whole.memory.precisions.f32 - whole.memory.precisions.f16).toBe(whole.memory.program - half.memory.program);
    expect(half.memory.lowerBound).toBeLessThan(0.7 * whole.memory.lowerBound);
    expect(new Set(whole.listing.map(({ stored }) => stored))).toEqual(new Set(['f32']));
    const stored = (pattern: RegExp) =>
      new Set(half.listing.filter(({ kernel }) => pattern.test(kernel)).map((step) => step.stored));
    expect(stored(/^conv2d_(v2|input_grad)/)).toEqual(new Set(['f16']));
    expect(stored(/^(adam|softmax|ema|batch_norm_(stats|sums|combine)|conv2d_filter_grad)/)).toEqual(new Set(['f32']));
    expect(half.graph.some((line) => /conv2d \[8, 32, 32, 16\] f16 <- x/.test(line))).toBe(true);
  });

  it('shows a training step and what was fused', async () => {
    const text = await succeed('inspect', run, '--training', '--size', '32');
    expect(text).toMatch(/^model +vgg_small, a training step with Adam, input \[1, 32, 32, 3\]$/m);
    expect(text).toMatch(/Adam's moments/);
    expect(text).toMatch(/^not fused +\d+ x conv2d, batch_norm_apply: others read the conv2d too$/m);
    // EfficientNet-B0 costs 0.39 billion multiply-adds an image (Tan & Le 2019, table 2), with 1000 classes.
    const b0 = JSON.parse(await succeed('inspect', 'efficientnet_b0', '--json')) as {
      flops: number;
      fused: { chain: string; count: number }[];
      notFused: { chain: string; count: number }[];
    };
    expect(b0.flops / 2e9).toBeCloseTo(0.39, 1.5);
    expect(b0.fused).toContainEqual({ chain: 'depthwise_conv2d, mul, add, silu', count: 16 });
    // One pixel an image.
    expect(b0.fused).toContainEqual({ chain: 'conv2d, add, sigmoid', count: 16 });
    expect(b0.notFused).toEqual([{ chain: 'depthwise_conv2d, mul: others read the depthwise_conv2d too', count: 16 }]);
  });

  it('names the models where there is none of that name', async () => {
    expect(await fail('inspect', 'resnet9000')).toMatch(/efficientnet_b0.*vgg_small/);
  });
});

describe('models and options that are none', () => {
  it('are told in a sentence', async () => {
    const text = join(folder, 'model.txt');
    writeFileSync(text, 'I am no model, but I am long enough to look like one.\n');
    for (const command of ['predict', 'evaluate'])
      expect(await fail(command, text, '--data', 'synthetic:2')).toContain('model.txt');
    expect(await fail('evaluate', join(folder, 'nothing'))).toMatch(/no model .*nothing/);
    expect(await fail('evaluate', run, '--data', join(folder, 'no_galaxies'))).toContain('no_galaxies');
    const cut = join(folder, 'cut.safetensors');
    copyFileSync(join(run, 'model.safetensors'), cut);
    writeFileSync(cut, readFileSync(cut).subarray(0, 5000));
    expect(await fail('embed', cut, '--data', 'synthetic:2', '--out', join(folder, 'y.npy'))).toContain(
      'cut.safetensors',
    );
  });

  it('are refused before anything is written', async () => {
    const f16 = await start([
      'train',
      ...TRAINING,
      '--precision',
      'f16',
      '--out',
      join(folder, 'f16'),
      '--adapter',
      'swiftshader',
    ]);
    expect(f16.code).toBe(2);
    expect(f16.stderr).toMatch(
      /^tuningfork: SwiftShader.* has no 16-bit floats .*; take precision f32, or another adapter$/m,
    );
    expect(existsSync(join(folder, 'f16'))).toBe(false);
    const out = join(folder, 'size0');
    const { code, stderr } = await tuningfork('train', ...TRAINING, '--size', '0', '--out', out);
    expect(code).toBe(2);
    expect(stderr).toMatch(/'--size <pixels>' argument '0' is invalid\. It must be a whole number from 32 to 1024\./);
    expect(existsSync(out)).toBe(false);
    mkdirSync(join(folder, 'folder.csv'));
    expect(await fail('predict', run, '--data', 'synthetic:2', '--out', join(folder, 'folder.csv'))).toMatch(
      /folder\.csv.*it is a folder/,
    );
  });
});
