import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { METHODS } from '../../vision/answer/methods.ts';
import { fail, succeed } from './cli.ts';

let folder: string;
let run: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tuningfork-gradcam-'));
  run = join(folder, 'run');
  const small = ['--model', 'vgg_small', '--size', '32', '--crop', '160', '--batch', '16', '--epochs', '1'];
  await succeed('train', ...small, '--data', 'synthetic:32', '--out', run);
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('gradcam', () => {
  it('draws the input and a map, side by side', async () => {
    const out = join(folder, 'maps');
    const lines = (
      await succeed(
        'gradcam',
        run,
        '--data',
        'synthetic:4',
        '--ids',
        's0-1,s0-3',
        '--method',
        'grad-cam',
        '--layer',
        'block2',
        '--out',
        out,
        '--json',
      )
    )
      .trimEnd()
      .split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { id: string }).id)).toEqual(['s0-1', 's0-3']);
    const png = readFileSync(join(out, 's0-3.png'));
    const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)];
    expect(width).toBeGreaterThanOrEqual(2 * 32);
    expect(height).toBeGreaterThanOrEqual(32);
  });

  it('measures every method, for images averaged over views', async () => {
    const out = join(folder, 'measured');
    const args = ['--data', 'synthetic:2', '--methods', 'all', '--tta', '2', '--measure', '--out', out];
    const told = await succeed('gradcam', run, ...args);
    const methods = METHODS.map((method) => method as string);
    for (const method of methods)
      expect(told).toMatch(new RegExp(`^${method.replaceAll('+', '\\+')}( +\\d\\.\\d{3}){2}( +\\d+\\.\\d %){2}$`, 'm'));
    const [header, ...rows] = readFileSync(join(out, 'measures.csv'), 'utf8').trimEnd().split('\n');
    expect(header).toBe('id,class,method,score,deletion,insertion,drop,increase');
    expect(rows.map((row) => row.split(',')[2])).toEqual([...methods, ...methods]);
    for (const row of rows) {
      const shares = row.split(',').slice(3, 7).map(Number);
      for (const share of shares) expect(share >= 0 && share <= 1, row).toBe(true);
    }
    const page = readFileSync(join(out, 'index.html'), 'utf8');
    for (const method of methods) expect(page).toContain(`<span>${method}</span>`);
    expect(readdirSync(out).sort()).toEqual(['index.html', 'measures.csv', 's0-0.png', 's0-1.png']);
  });

  it('lists the methods where it is asked for another', async () => {
    expect(await fail('gradcam', run, '--data', 'synthetic:1', '--methods', 'grad-cam,lime')).toMatch(
      /no method lime; choose of grad-cam, grad-cam\+\+, layer-cam, .*or all/,
    );
  });

  it('lists the layers and the classes where it is asked for others', async () => {
    expect(
      await fail('gradcam', run, '--data', 'synthetic:2', '--layer', 'stage9', '--out', join(folder, 'none')),
    ).toMatch(/no layer stage9.*block1.*block4.*pool/);
    expect(
      await fail('gradcam', run, '--data', 'synthetic:2', '--class', 'comet', '--out', join(folder, 'none')),
    ).toMatch(/no class comet.*smooth, featured/);
    expect(existsSync(join(folder, 'none'))).toBe(false);
  });
});
