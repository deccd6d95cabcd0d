import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { tuningfork } from '../cli/cli.ts';

it.each([
  [['bench', 'train', '--batch', '0'], /must be a whole number from 1 to 1024/],
  [['bench', 'models', '--size', '16'], /must be a whole number from 32 to 2048/],
  [['bench', 'train', '--vs', 'ort'], /Allowed choices are tfjs/],
  [['bench', 'train', '--vs', 'tfjs', '--model', 'vgg16'], /tfjs computes efficientnet_b0 only; leave out --vs/],
  [
    ['bench', 'train', '--model', 'vgg_small'],
    /there is no network vgg_small to measure; give one of efficientnet_b0, vgg16, galaxy_vgg/,
  ],
  [['bench', 'fit', '--network', 'vgg16'], /Allowed choices are cnn, mobilenet/],
  [['bench', 'models', '--vs', 'torch'], /Allowed choices are tfjs, ort/],
  [
    ['bench', 'models', '--adapter', 'no such adapter'],
    /tuningfork could not open: no adapter is called no such adapter/,
  ],
  [['bench', 'kernels', '--layers', 'b0,resnet'], /'resnet' is not among b0, vgg16/],
  [['bench', 'kernels', '--vs', 'torch'], /'torch' is not among tfjs, ort, jax, v1, v2, f32/],
  [
    ['bench', 'kernels', '--adapter', 'no such adapter'],
    /tuningfork could not open: no adapter is called no such adapter/,
  ],
  [
    ['bench', 'kernels', '--only', 'no such layer', '--adapter', 'lavapipe'],
    /no layer of b0 has "no such layer" in its name/,
  ],
  [['bench', 'kernel-contender', 'tuningfork'], /a part of `tuningfork bench models`/],
  [['bench', 'contender', 'tuningfork'], /a part of `tuningfork bench models`/],
])('ends with 2 for %j', async (args, message) => {
  const { code, stdout, stderr } = await tuningfork(args);
  expect(stderr).toMatch(message);
  expect(code).toBe(2);
  expect(stdout).toBe('');
});

it("measures tfjs's model.fit on both backends, which must agree first", async () => {
  const args = ['bench', 'fit', '--size', '32', '--batch', '2', '--repeats', '1', '--adapter', 'lavapipe', '--json'];
  const { code, stdout, stderr } = await tuningfork(args);
  expect(code, stderr).toBe(0);
  const { job, contenders } = JSON.parse(stdout);
  expect(job).toMatchObject({ work: 'fit', model: 'cnn', batch: 2, size: 32 });
  expect(contenders.map(({ name }: { name: string }) => name)).toEqual([
    "tfjs on tuningfork's backend",
    'tfjs on its own',
  ]);
  expect(contenders[1].difference).toHaveLength(2);
});

it('measures a training step of another network', async () => {
  const args = ['bench', 'train', '--model', 'galaxy_vgg', '--size', '32', '--batch', '2', '--repeats', '1', '--json'];
  const { code, stdout, stderr } = await tuningfork([...args, '--profile', '--adapter', 'lavapipe']);
  expect(code, stderr).toBe(0);
  const { job, kernels } = JSON.parse(stdout);
  expect(job).toMatchObject({ work: 'train', model: 'galaxy_vgg', batch: 2, size: 32 });
  // A network of plain convolutions has none of EfficientNet's depthwise ones.
  const names = kernels.map(({ kernel }: { kernel: string }) => kernel);
  expect(names.some((name: string) => name.startsWith('max_pool'))).toBe(true);
  expect(names.some((name: string) => name.includes('depthwise'))).toBe(false);
});

it('measures a layer, prints JSON and writes the page', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tuningfork-bench-'));
  try {
    const { code, stdout } = await tuningfork([
      'bench',
      'kernels',
      '--adapter',
      'lavapipe',
      '--layers',
      'optimizer',
      '--only',
      'stem.bn',
      '--repeats',
      '1',
      '--json',
      '--out',
      folder,
    ]);
    expect(code).toBe(0);
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({
      adapter: { software: true },
      batch: 4,
      repeats: 1,
      engines: ['tuningfork'],
      cases: [{ layer: { name: 'adam B0 stem.bn', kind: 'adam' }, direction: 'update', bytes: 4 * 32 * 7 }],
    });
    expect(result.cases[0].outcomes.tuningfork).toMatchObject({ status: 'measured', kernels: [{ name: 'adam' }] });
    expect(result.roofline.bandwidth).toBeGreaterThan(1e7);
    expect(result.roofline.flops).toBeGreaterThan(1e8);
    expect(JSON.parse(readFileSync(join(folder, 'kernels.json'), 'utf8'))).toEqual(result);
    expect(readFileSync(join(folder, 'kernels.html'), 'utf8')).toContain('a SOFTWARE adapter');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
