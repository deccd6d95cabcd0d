import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { declarations } from '../../cli/build.mjs';
import { describeSite, textOf } from './browser.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DIST = join(ROOT, 'dist');
const bundle = readFileSync(join(DIST, 'tuningfork.browser.js'));

const gzipped = (bytes: Buffer): number => gzipSync(bytes, { level: 9 }).length;
const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`;

it('the library for browsers is under 250 kB gzipped, with its shaders', () => {
  const site = readdirSync(join(DIST, 'web'))
    .filter((name) => !/^tfjs\.|\.map$/.test(name))
    .map((name) => readFileSync(join(DIST, 'web', name)));
  const total = (sizes: readonly number[]): string => kilobytes(sizes.reduce((a, b) => a + b));
  console.log(
    `tuningfork.browser.js: ${kilobytes(bundle.length)}, ${kilobytes(gzipped(bundle))} gzipped; the site without tfjs and source maps: ${total(site.map(({ length }) => length))}, ${total(site.map(gzipped))} gzipped`,
  );
  expect(gzipped(bundle)).toBeLessThan(250_000);
  expect(bundle.toString()).toContain('@compute');
});

it('the library for browsers is an ES module of its own, with its sources, and nothing of Node', () => {
  const text = bundle.toString();
  expect(text).not.toMatch(
    /["'](node:)?(fs|path|os|url|crypto|module|child_process|worker_threads)["']|\brequire\(|\bprocess\.|\bBuffer\./,
  );
  const map = JSON.parse(readFileSync(join(DIST, /sourceMappingURL=(\S+)\s*$/.exec(text)![1]), 'utf8')) as {
    sources: string[];
  };
  expect(map.sources).toContain('../engine/program/program.ts');
  expect(map.sources.filter((source) => /\.node\.ts$|node_modules/.test(source))).toEqual([]);
});

/** A project of a user for a browser: what `npm pack` makes, installed. */
const folder = mkdtempSync(join(tmpdir(), 'tuningfork-bundle-'));

/** Trains a convolution to blur as another one does, and says the losses of the first step and the last. */
const PROGRAM = `
import { conv2d, DEFAULT_ADAM, input, mean, openDevice, Parameter, square, sub, reshape, TrainStep, UserError } from 'tuningfork';

async function train(): Promise<string> {
  using device = await openDevice();
  const x = input('x', [1, 8, 8, 1]);
  const target = input('target', [1, 8, 8, 1]);
  using w = new Parameter(device, 'w', [3, 3, 1, 1], new Float32Array(9));
  const loss = reshape(mean(square(sub(conv2d(x, w.tensor, { padding: 'same' }), target))), []);
  using step = await TrainStep.create(device, { loss, trainable: [w], adam: DEFAULT_ADAM });
  const pixels = Float32Array.from({ length: 64 }, (_, i) => Math.sin(i * i));
  // Each pixel's neighbour to the right: the filter of a single one.
  const shifted = pixels.map((_, i) => (i % 8 === 7 ? 0 : pixels[i + 1]));
  const losses: number[] = [];
  for (let i = 0; i < 60; i++) {
    step.run({ x: pixels, target: shifted }, 0.05);
    losses.push((await step.read(loss))[0]);
  }
  const filter: Float32Array = await w.read();
  const refused = await openDevice({ gpu: { requestAdapter: () => Promise.resolve(null) } as unknown as GPU }).catch((error) => error instanceof UserError);
  return JSON.stringify({ losses, filter: [...filter], refused, lost: device.lost instanceof Promise });
}
train().then((text) => (document.body.textContent = text), (error) => (document.body.textContent = String(error)));
`;

beforeAll(async () => {
  const installed = join(folder, 'node_modules/tuningfork');
  mkdirSync(installed, { recursive: true });
  // Without its scripts, which would build dist/ anew under the feet of other tests.
  const packed = spawnSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  const [{ filename }] = JSON.parse(packed.stdout) as { filename: string }[];
  expect(spawnSync('tar', ['-xzf', join(folder, filename), '-C', installed, '--strip-components=1']).status).toBe(0);
  declarations(join(installed, 'dist/types'));
  mkdirSync(join(folder, 'pages'));
  writeFileSync(join(folder, 'app.ts'), PROGRAM);
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        strict: true,
        noEmit: true,
        target: 'es2022',
        lib: ['es2023', 'esnext.disposable', 'dom'],
        module: 'esnext',
        moduleResolution: 'bundler',
        customConditions: ['browser'],
        types: [],
      },
      files: ['app.ts'],
    }),
  );
  writeFileSync(
    join(folder, 'pages/index.html'),
    '<!doctype html><html lang="en"><title>A page</title><link rel="icon" href="data:,"><body></body><script type="module" src="app.js"></script></html>',
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

describeSite(
  'a project for browsers that imports the package',
  (site) => {
    it('type-checks, is bundled with the file for browsers, and trains in one', async () => {
      const tsc = spawnSync(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', folder], {
        encoding: 'utf8',
      });
      expect(tsc.stdout + tsc.stderr).toBe('');
      const { metafile } = await build({
        absWorkingDir: folder,
        entryPoints: ['app.ts'],
        outfile: 'pages/app.js',
        bundle: true,
        format: 'esm',
        target: 'es2022',
        platform: 'browser',
        metafile: true,
        logLevel: 'error',
      });
      expect(Object.keys(metafile.inputs)).toEqual(
        expect.arrayContaining(['node_modules/tuningfork/dist/tuningfork.browser.js']),
      );
      expect(Object.keys(metafile.inputs)).toHaveLength(2);

      const { page, problems } = await site.open('');
      const { losses, filter, refused, lost } = JSON.parse(await textOf(page, 'body', /^\{|Error/)) as {
        losses: number[];
        filter: number[];
        refused: boolean;
        lost: boolean;
      };
      expect(refused).toBe(true);
      expect(lost).toBe(true);
      // A filter of zeros: the loss is the mean square of the target.
      const shifted = Array.from({ length: 64 }, (_, i) => (i % 8 === 7 ? 0 : Math.sin((i + 1) ** 2)));
      expect(losses[0]).toBeCloseTo(shifted.reduce((sum, v) => sum + v * v, 0) / 64, 5);
      expect(losses[59]).toBeLessThan(0.1 * losses[0]);
      expect(filter.indexOf(Math.max(...filter))).toBe(5);
      expect(problems).toEqual([]);
      await page.close();
    });
  },
  join(folder, 'pages'),
);
