import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { EXPLANATIONS } from '../../engine/explain/explanations.ts';
import type { Explained } from '../../cli/show_explanation.ts';
import { showExplanation } from '../../cli/show_explanation.ts';
import { fail, succeed } from './cli.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

it('lists every op in a table', async () => {
  const lines = (await succeed('explain')).split('\n');
  expect(lines[0]).toMatch(/^op +what it does$/);
  for (const { name } of EXPLANATIONS) expect(lines.filter((line) => line.startsWith(`${name} `))).toHaveLength(1);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  expect((JSON.parse(await succeed('explain', '--json')) as unknown[]).length).toBe(EXPLANATIONS.length);
});

it('explains a convolution: formulas, kernels, an example that adds up', async () => {
  const text = await succeed('explain', 'conv2d');
  for (const part of [
    'y[n, ho, vo, k] = Σ_{r,s,c} x[',
    'by conv2d_input_grad',
    'by conv2d_filter_grad',
    'sum += f32(dy[pixel + k]) * w[tap + k];',
  ])
    expect(text).toContain(part);
  const files = [...text.matchAll(/kernels\/\S+\.wgsl/g)].map(([file]) => file);
  for (const version of ['conv2d_v1', 'conv2d_input_grad_v1', 'conv2d_filter_grad_v1', 'conv2d_v2'])
    expect(
      files.some((file) => file.includes(version)),
      version,
    ).toBe(true);
  for (const file of files) expect(existsSync(`${ROOT}/${file}`), file).toBe(true);

  const { values, results } = JSON.parse(await succeed('explain', 'conv2d', '--json')) as Explained;
  // x [4, 4] and w [3, 3], one channel, stride 1, no padding.
  const sum = (ho: number, wo: number) =>
    [0, 1, 2].reduce(
      (all, r) =>
        all + [0, 1, 2].reduce((row, s) => row + values.x.data[(ho + r) * 4 + wo + s] * values.w.data[r * 3 + s], 0),
      0,
    );
  expect(values.y.data).toEqual([sum(0, 0), sum(0, 1), sum(1, 0), sum(1, 1)]);
  expect(results[0].element).toMatchObject({ at: [0, 0, 0, 0], value: sum(0, 0) });
  expect(results.map(({ name }) => name)).toEqual(['y', 'dx', 'dw']);
  expect(showExplanation(JSON.parse(await succeed('explain', 'conv2dFilterGrad', '--json')) as Explained)).toBe(
    text.trimEnd(),
  );
});

it('fits every explanation into 80 columns, updates too', async () => {
  for (const name of ['batch_norm', 'softmax_cross_entropy', 'adam', 'depthwise-conv2d', 'reshape']) {
    const lines = (await succeed('explain', name)).split('\n');
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
  }
});

it('says what is near to an op that there is not', async () => {
  expect(await fail('explain', 'conv3d')).toMatch(/there is no op conv3d; did you mean conv2d\?/);
  expect(await fail('explain', 'pool')).toMatch(/did you mean max_pool2d or avg_pool2d or adaptive_avg_pool2d\?/);
  expect(await fail('explain', 'quicksort')).toMatch(/there is no op quicksort; `tuningfork explain` lists all/);
});
