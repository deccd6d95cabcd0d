import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tuningfork } from './cli.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tuningfork-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('the command line', () => {
  it('prints help and version', async () => {
    const help = await tuningfork(['--help']);
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toMatch(/doctor/);
    const version = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version;
    expect(await tuningfork(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  it.each([
    [['doctor', '--jsn'], /unknown option '--jsn'/],
    [['docter'], /unknown command 'docter'[\s\S]*Did you mean doctor/],
    [['data', 'stats', '--threshold', '1.5'], /must be a number from 0 to 1/],
    [['data', 'stats', '--threshold', ''], /must be a number from 0 to 1/],
    [['data', 'fetch', 'imagenet', '--to', '/tmp'], /Allowed choices are galaxy-zoo-2/],
    [['data', 'fetch', 'galaxy-zoo-2'], /required option '--to <folder>'/],
  ])('ends with 2 for %j', async (args, message) => {
    const { code, stdout, stderr } = await tuningfork(args);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(message);
  });

  it("tells the user's errors in one sentence and ends with 2", async () => {
    const missing = join(folder, 'nothing');
    const { code, stderr } = await tuningfork(['data', 'stats', '--data', missing, '--out', folder]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^tuningfork: [^\n]+\n$/);
    expect(stderr).toContain(missing);
  });

  it('keeps the stack for those who ask', async () => {
    const args = ['data', 'stats', '--data', join(folder, 'nothing')];
    expect((await tuningfork(args)).stderr).not.toMatch(/\n +at /);
    expect((await tuningfork(args, { TUNINGFORK_DEBUG: '1' })).stderr).toMatch(/\n +at .*\.ts:\d+/);
  });

  it('is quiet when its reader goes away', async () => {
    const child = spawn(process.execPath, [
      'dist/cli.js',
      'data',
      'stats',
      '--data',
      'synthetic:8',
      '--out',
      join(folder, 'pipe'),
      '--json',
    ]);
    child.stdout.destroy();
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect([code, stderr]).toEqual([0, '']);
  });
});

describe('data stats', () => {
  it('counts, and writes a page and pictures', async () => {
    const out = join(folder, 'sky');
    const { code, stdout } = await tuningfork([
      'data',
      'stats',
      '--data',
      'synthetic:40:3',
      '--threshold',
      '0.7',
      '--out',
      out,
      '--json',
    ]);
    expect(code).toBe(0);
    const stats = JSON.parse(stdout);
    expect(stats).toMatchObject({ dataset: 'synthetic:40:3', galaxies: 40, threshold: 0.7 });
    const sum = (numbers: number[]) => numbers.reduce((a, b) => a + b, 0);
    expect(sum(stats.classes.map(({ count }: { count: number }) => count))).toBe(40);
    const row = stats.thresholds.find(({ threshold }: { threshold: number }) => threshold === 0.7);
    expect(row.counts).toEqual(stats.classes.slice(0, 2).map(({ count }: { count: number }) => count));
    for (const { counts, ambiguous } of stats.thresholds) expect(sum(counts) + ambiguous).toBe(40);
    expect(stats.files.map((file: string) => file.slice(out.length + 1))).toEqual([
      'stats.html',
      'votes_smooth.svg',
      'votes_featured.svg',
      'votes_artifact.svg',
      'thresholds.svg',
      'examples_smooth.png',
      'examples_featured.png',
    ]);
    const page = readFileSync(join(out, 'stats.html'), 'utf8');
    expect(page).toContain('synthetic:40:3');
    expect(readFileSync(join(out, 'thresholds.svg'), 'utf8')).toMatch(
      /^<svg [^>]*xmlns="http:\/\/www\.w3\.org\/2000\/svg"/,
    );
    expect([...readFileSync(join(out, 'examples_smooth.png')).subarray(1, 4)]).toEqual([...Buffer.from('PNG')]);
  });

  it('prints the same counts as a table', async () => {
    const { stdout } = await tuningfork(['data', 'stats', '--data', 'synthetic:10', '--out', join(folder, 'small')]);
    expect(stdout).toMatch(/^synthetic:10: 10 galaxies/);
    const counts = [...stdout.matchAll(/^ {2}(?:smooth|featured|ambiguous|unlabelled) +(\d+) +[\d.]+ %$/gm)].map(
      (match) => Number(match[1]),
    );
    expect(counts.length).toBe(4);
    expect(counts.reduce((a, b) => a + b)).toBe(10);
  });
});
