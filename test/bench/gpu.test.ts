import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { benchGpu } from '../../bench/gpu/run.ts';
import type { GpuBenchResult } from '../../bench/gpu/result.ts';
import { showGpuBench } from '../../bench/gpu/show.ts';
import { tfjsIsThere } from '../../bench/tfjs_bundle.ts';
import { tuningfork } from '../cli/cli.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tuningfork-gpu-'));
});
afterEach(() => {
  delete process.env['FAKE_COMMANDS'];
  rmSync(folder, { recursive: true });
});

/** What it finds with made-up commands, and which it ran: each with its arguments, and whether for tensor cores. */
async function bench(how: object, minutes = 10) {
  process.env['FAKE_COMMANDS'] = JSON.stringify(how);
  const log = join(folder, 'log');
  const out = join(folder, 'out');
  const said: string[] = [];
  const result = await benchGpu({
    folder: out,
    minutes,
    batch: 32,
    adapter: 'made-up',
    program: [fileURLToPath(new URL('fake_commands.mjs', import.meta.url)), log],
    onProgress: (text) => said.push(text),
  });
  const commands = readFileSync(log, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { args: string[]; tensorCores: boolean });
  expect(JSON.parse(readFileSync(join(out, 'gpu.json'), 'utf8'))).toEqual(result);
  return { result, commands, said, page: readFileSync(join(out, 'gpu.html'), 'utf8') };
}

const statuses = ({ parts }: GpuBenchResult) => Object.fromEntries(parts.map(({ name, status }) => [name, status]));
const whyOf = ({ parts }: GpuBenchResult, part: string) => parts.find(({ name }) => name === part)!.why;

it('does every part where the adapter has everything', async () => {
  const { result, commands, said, page } = await bench({ most: 64 });
  const wanted = [
    'machine',
    'layers, f32',
    'layers, f16',
    'layers, tensor cores',
    'tuning',
    ...['efficientnet_b0', 'vgg16', 'galaxy_vgg'].flatMap((model) =>
      ['f32', 'f16', 'tensor cores'].map((arithmetic) => `training ${model}, ${arithmetic}`),
    ),
    ...(tfjsIsThere() ? ['tfjs'] : []),
  ];
  expect(result.parts.filter(({ status }) => status === 'done').map(({ name }) => name)).toEqual(wanted);
  expect(said).toContain('1 of 15: machine');
  expect(said).toContain('  at work on doctor');
  expect(result).toMatchObject({ schema: 1, minutes: 10, batch: 32, adapter: { name: 'made-up adapter', f16: true } });
  // A step of 40 ms: 32 images in it are 800 a second, 64 are 1600. 128 do not fit.
  expect(
    result.training
      .filter(({ model, arithmetic }) => model === 'vgg16' && arithmetic === 'f16')
      .map(({ imagesPerSecond, measured }) => [measured.job.batch, imagesPerSecond]),
  ).toEqual([
    [32, 800],
    [64, 1600],
  ]);
  expect(result.tooLarge.map(({ batch }) => batch)).toEqual(Array(9).fill(128));
  expect(result.tooLarge[0].why).toBe('the program does not fit: use a smaller batch');

  expect(commands.every(({ args }) => args.includes('--json') && args.at(-1) === 'made-up')).toBe(true);
  const trainings = commands.filter(({ args }) => args[1] === 'train' && !args.includes('--vs'));
  const value = (args: readonly string[], name: string) => args[args.indexOf(name) + 1];
  expect(
    trainings
      .filter(({ args }) => value(args, '--batch') === '32')
      .map(({ args, tensorCores }) => [
        value(args, '--model'),
        value(args, '--size'),
        value(args, '--precision'),
        tensorCores,
      ]),
  ).toEqual(
    [
      ['efficientnet_b0', '224'],
      ['vgg16', '224'],
      ['galaxy_vgg', '128'],
    ].flatMap(([model, size]) => [
      [model, size, 'f32', false],
      [model, size, 'f16', false],
      [model, size, 'f16', true],
    ]),
  );
  const text = showGpuBench(result);
  expect(text).toMatch(/efficientnet_b0 +f32 +32 +224 +800 +40\.0 +40\.0 to 40\.0 +30\.0 +2\.0 +1\.0 +1024 MiB/);
  expect(page).toContain('<svg');
  expect(page).toContain('70.0 %'); // 21 of 30 ms
  expect(page).not.toMatch(/<script|http-equiv="refresh"|(?:src|href)="(?!#|data:)/);
  const anchors = [...page.matchAll(/<section[^>]* id="([^"]+)"/g)].map(([, id]) => id);
  expect(new Set(anchors).size).toBe(anchors.length);
});

it('names what an adapter lacks, which is no failure', async () => {
  const { result, commands } = await bench({ missing: ['f16'] });
  expect(whyOf(result, 'layers, f16')).toBe('this adapter has no f16');
  expect(whyOf(result, 'training vgg16, tensor cores')).toBe('this adapter has no f16');
  expect(Object.values(statuses(result))).not.toContain('failed');
  expect(commands.filter(({ args }) => args.includes('f16'))).toEqual([]);
  expect(result.training.map(({ measured }) => measured.job.batch)).toEqual([32, 128, 32, 128, 32, 128]);
});

it('records a part that fails with its sentence, and goes on', async () => {
  const { result, page } = await bench({ wrong: 'tune', missing: ['tensor cores'] });
  expect(statuses(result)).toMatchObject({
    tuning: 'failed',
    'training galaxy_vgg, f16': 'done',
    'layers, tensor cores': 'left out',
  });
  expect(whyOf(result, 'tuning')).toBe('the GPU went away');
  expect(result.tuning).toBeNull();
  expect(page).toContain('the GPU went away');
});

it('keeps the layers of which one is wrong, and says which', async () => {
  const { result, page } = await bench({ wrong: 'layers' });
  expect(whyOf(result, 'layers, f32')).toBe('a wrong result, 256 x 256 forward: y[0] is 1 and should be 2');
  expect(statuses(result)['layers, f32']).toBe('failed');
  expect(result.layers.f32!.cases).toHaveLength(1);
  expect(page).toContain('wrong result: y[0] is 1 and should be 2');
});

it('leaves out a network that does not fit at all', async () => {
  const { result } = await bench({ most: 16 });
  expect(whyOf(result, 'training vgg16, f32')).toBe('the program does not fit: use a smaller batch');
  expect(statuses(result)['training vgg16, f32']).toBe('left out');
  expect(result.training).toEqual([]);
});

it('stops what hangs when the time is over, and names what was left out', async () => {
  const { result, commands } = await bench({ hangs: 'kernels' }, 0.05);
  expect(whyOf(result, 'layers, f32')).toBe('it was stopped because the time was over');
  expect(whyOf(result, 'layers, f16')).toBe('the 0.05 min were over before it');
  expect(new Set(result.parts.slice(1).map(({ status }) => status))).toEqual(new Set(['left out']));
  expect(commands.map(({ args }) => args[0])).toEqual(['doctor', 'bench']);
});

it('fails without an adapter, with the reason', async () => {
  const { result } = await bench({ missing: ['adapter'] });
  expect(result.parts[0]).toMatchObject({ status: 'failed', why: 'no WebGPU adapter was found' });
  expect(result.adapter).toBeNull();
});

it('measures this machine, from the command line', async () => {
  const out = join(folder, 'out');
  const args = ['bench', 'gpu', '--out', out, '--minutes', '0.2', '--adapter', 'lavapipe', '--json'];
  const { code, stdout, stderr } = await tuningfork(args);
  expect(code, stderr).toBe(0);
  const result = JSON.parse(stdout) as GpuBenchResult;
  expect(result.parts[0]).toMatchObject({ name: 'machine', status: 'done' });
  expect(result.adapter).toMatchObject({ type: 'software', limits: { maxComputeInvocationsPerWorkgroup: 1024 } });
  expect(readFileSync(join(out, 'gpu.html'), 'utf8')).toContain('a SOFTWARE adapter');
});

it('ends with 1 where a part failed, and with 2 without a folder', async () => {
  const out = join(folder, 'out');
  const args = ['bench', 'gpu', '--out', out, '--minutes', '0.1', '--adapter', 'no such adapter'];
  const failed = await tuningfork(args);
  expect(failed.code).toBe(1);
  expect(failed.stdout).toContain('failed, machine: no adapter is called no such adapter; this machine has');
  expect(existsSync(join(out, 'gpu.json'))).toBe(true);
  const refused = await tuningfork(['bench', 'gpu']);
  expect(refused.stderr).toMatch(/required option '--out <folder>' not specified/);
  expect(refused.code).toBe(2);
});
