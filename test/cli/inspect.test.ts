import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { succeed, tuningfork } from './cli.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tuningfork-inspect-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

it('lists pipelines, writes their texts, and estimates another GPU', async () => {
  const texts = join(folder, 'texts');
  const args = ['vgg_small', '--training', '--size', '32', '--batch', '2', '--steps', '--pipelines', '--json'];
  const found = JSON.parse(await succeed('inspect', ...args, '--wgsl', texts, '--estimate', 'h100')) as {
    steps: number;
    pipelines: number;
    traffic: { read: number; written: number; least: number };
    estimate: { seconds: number; imagesPerSecond: number; bounds: { steps: number; seconds: number }[] };
    listing: { read: number; written: number; flops: number; estimate: { seconds: number } }[];
    pipelineListing: { id: string; kernel: string; threads: number; steps: number[]; flops: number; read: number }[];
  };
  const { listing, pipelineListing: pipelines, traffic, estimate } = found;
  const sum = (numbers: number[]) => numbers.reduce((a, b) => a + b, 0);
  expect(pipelines.length).toBe(found.pipelines);
  expect(pipelines.flatMap(({ steps }) => steps).sort((a, b) => a - b)).toEqual(listing.map((_, i) => i));
  expect(sum(pipelines.map(({ read }) => read))).toBe(traffic.read);
  expect(sum(listing.map(({ written }) => written))).toBe(traffic.written);
  expect(traffic.least).toBeLessThan(traffic.read + traffic.written);
  expect(sum(listing.map((step) => step.estimate.seconds))).toBeCloseTo(estimate.seconds, 12);
  expect(sum(estimate.bounds.map(({ steps }) => steps))).toBe(found.steps);
  expect(estimate.imagesPerSecond).toBeCloseTo(2 / estimate.seconds, 6);
  // As a GPU takes them: lavapipe's products pass their operands through subgroups.
  expect(pipelines.some(({ kernel }) => kernel.endsWith('_workgroup'))).toBe(true);
  const { id, kernel } = pipelines[0];
  expect(readFileSync(join(texts, `${id}-${kernel}.wgsl`), 'utf8')).toContain('@compute');
  expect(JSON.parse(readFileSync(join(texts, 'pipelines.json'), 'utf8'))).toEqual(pipelines);
  const refused = await tuningfork(['inspect', 'vgg_small', '--estimate', 'voodoo']);
  expect(refused.stderr).toMatch(/Allowed choices are .*rtx-3090/);
  expect(refused.code).toBe(2);
  const text = await succeed('inspect', 'vgg_small', '--size', '32', '--pipelines', '--steps', '--estimate', 'm1');
  expect(text).toMatch(/^traffic +\d+\.\d MB an image: .* is the least for these ops/m);
  expect(text).toMatch(/^estimate .* on Apple M1, 8 cores: arithmetic by its data sheet, not a measurement$/m);
  expect(text).toMatch(/^step +kernel .* read +written +µs +bound by$/m);
  expect(text).toMatch(/^id +kernel +specialised +used by steps/m);
});

// See bench/ladder_gpu.md.
it.each([
  ['f32', 479, 322],
  ['f16', 480, 175],
])("EfficientNet-B0's training step takes few launches and bytes on a GPU, %s", async (precision, launches, MB) => {
  const args = ['efficientnet_b0', '--training', '--batch', '32', '--size', '224', '--estimate', 'rtx-3090'];
  const { steps, traffic } = JSON.parse(await succeed('inspect', ...args, '--precision', precision, '--json')) as {
    steps: number;
    traffic: { read: number; written: number };
  };
  expect(steps).toBeLessThanOrEqual(launches);
  expect((traffic.read + traffic.written) / 32 / 1e6).toBeLessThanOrEqual(MB);
});
