import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { build as viteBuild } from 'vite';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { declarations } from '../../cli/build.mjs';
import type { PredictionRecord } from '../../vision/answer/prediction_record.ts';
import { succeed } from '../cli/cli.ts';
import { SHAPES, shape } from '../cli/shapes.ts';
import { PAGES } from '../../web/build_site.mjs';
import { click, describeSite, saveTo, textOf } from './browser.ts';
import { expectSame, writeClassModel } from './look_fixture.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DIST = join(ROOT, 'dist');

/** A file of the library for browsers, and all that it imports. @param lazily as well as at once */
function filesOf(entry: string, lazily = false, found = new Set([entry])): string[] {
  const text = readFileSync(join(DIST, entry), 'utf8');
  const imports = lazily ? /(?:from\s*|import\(\s*)["']\.\/([^"']+)["']/g : /from\s*["']\.\/([^"']+)["']/g;
  for (const [, name] of text.matchAll(imports)) if (!found.has(name)) filesOf(name, lazily, found.add(name));
  return [...found];
}
const library = filesOf('tuningfork.browser.js').map((name) => readFileSync(join(DIST, name)));
const bundle = Buffer.concat(library);

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
  const vision = Buffer.concat(filesOf('tuningfork.vision.browser.js').map((name) => readFileSync(join(DIST, name))));
  console.log(`tuningfork.vision.browser.js with what it shares: ${kilobytes(gzipped(vision))} gzipped`);
  expect(gzipped(vision)).toBeLessThan(250_000);
  expect(gzipped(bundle)).toBeLessThan(250_000);
  expect(bundle.toString()).toContain('@compute');
});

it.each(['index', 'learn', 'look', 'measure', 'chapter-02-convolution'])(
  'the page %s asks at once for all its chunks, under 300 kB gzipped: 3 seconds at 800 kbit/s',
  (name) => {
    const read = (file: string) => readFileSync(join(DIST, 'web', file), 'utf8');
    const page = read(`${name}.html`);
    const asked = [...page.matchAll(/<link rel="modulepreload" href="([^"]+)">/g)].map(([, file]) => file);
    const script = /<script type="module" src="([^"]+)"/.exec(page)![1];
    const early = PAGES.find((each) => each.name === name)?.early ?? [];
    const found = new Set([...early.map((each) => `${each}.js`), script, script.replace('.js', '_worker.js')]);
    for (const file of found)
      for (const [, chunk] of read(file).matchAll(/(?:from|import)\s*"\.\/([^"]+)"/g)) found.add(chunk);
    const chunks = [...found].filter((file) => file.startsWith('shared-'));
    expect(chunks.length).toBeGreaterThan(2);
    expect(asked.sort()).toEqual(chunks.sort());
    const bytes = [...found].reduce((sum, file) => sum + gzipped(readFileSync(join(DIST, 'web', file))), 0);
    expect(bytes).toBeLessThan(300_000);
  },
);

it('a bundler leaves out what is not used', async () => {
  const sizeOf = async (names: string): Promise<number> => {
    const { outputFiles } = await build({
      stdin: { contents: `import { ${names} } from './tuningfork.browser.js'; use(${names});`, resolveDir: DIST },
      bundle: true,
      minify: true,
      format: 'esm',
      write: false,
    });
    return outputFiles[0].contents.length;
  };
  // 557 kB is what every user was given before: five ops may be a third of it.
  expect(await sizeOf('UserError')).toBeLessThan(20_000);
  expect(await sizeOf('compile, add, input, mean, mul, openDevice, relu, square')).toBeLessThan(557_000 / 3);
});

it('the library for browsers is an ES module of its own, with its sources, and nothing of Node', () => {
  const text = bundle.toString();
  expect(text).not.toMatch(
    /["'](node:)?(fs|path|os|url|crypto|module|child_process|worker_threads)["']|\brequire\(|\bprocess\.|\bBuffer\./,
  );
  const sources = library.flatMap(
    (file) =>
      JSON.parse(readFileSync(join(DIST, /sourceMappingURL=(\S+)\s*$/.exec(file.toString())![1]), 'utf8'))
        .sources as string[],
  );
  expect(sources).toContain('../engine/program/program.ts');
  expect(sources.filter((source) => /\.node\.ts$|node_modules\/(?!@bufbuild\/protobuf\/)/.test(source))).toEqual([]);
});

/** A project of a user for a browser: what `npm pack` makes, installed. */
const folder = mkdtempSync(join(tmpdir(), 'tuningfork-bundle-'));

/**
 * Trains a convolution to blur as another one does, and says the losses of the first step and the last; and what a
 * model of the command line says of a picture by its URL, as a file and as a bitmap.
 */
const PROGRAM = `
import { loadModel } from 'tuningfork/vision';
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
  using model = await loadModel(device, 'model.safetensors');
  const file = new File([await (await fetch('standing.png')).arrayBuffer()], 'standing');
  const said = await model.predict(['standing.png', file, await createImageBitmap(file)]);
  return JSON.stringify({ losses, filter: [...filter], refused, lost: device.lost instanceof Promise, said });
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
  writeFileSync(join(folder, 'pages/standing.png'), shape(0, 1));
  writeClassModel(folder);
  // For the example: pictures of each class, and the example itself.
  mkdirSync(join(folder, 'shapes'));
  for (const kind of SHAPES.keys())
    for (let i = 0; i < 4; i++) writeFileSync(join(folder, 'shapes', `${kind}-${i}.png`), shape(kind, i));
  cpSync(join(ROOT, 'examples/fine_tune'), join(folder, 'fine_tune'), { recursive: true });
  // Before the server starts, which looks then for what there is.
  await viteBuild({
    root: join(folder, 'fine_tune'),
    base: './',
    logLevel: 'error',
    // The server knows no folders within the site.
    build: { outDir: join(folder, 'fine_tuned'), assetsDir: '', target: 'es2022' },
  });
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
      files: ['app.ts', 'fine_tune/fine_tune.ts'],
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
      const dist = 'node_modules/tuningfork/dist';
      const wanted = ['tuningfork.browser.js', 'tuningfork.vision.browser.js'].flatMap((name) => filesOf(name, true));
      expect(new Set(Object.keys(metafile.inputs))).toEqual(
        new Set(['app.ts', ...wanted.map((name) => `${dist}/${name}`)]),
      );

      const { page, problems } = await site.open('');
      const { losses, filter, refused, lost, said } = JSON.parse(await textOf(page, 'body', /^\{|Error/)) as {
        losses: number[];
        filter: number[];
        refused: boolean;
        lost: boolean;
        said: PredictionRecord[];
      };
      expect(refused).toBe(true);
      expect(lost).toBe(true);
      // A filter of zeros: the loss is the mean square of the target.
      const shifted = Array.from({ length: 64 }, (_, i) => (i % 8 === 7 ? 0 : Math.sin((i + 1) ** 2)));
      expect(losses[0]).toBeCloseTo(shifted.reduce((sum, v) => sum + v * v, 0) / 64, 5);
      expect(losses[59]).toBeLessThan(0.1 * losses[0]);
      expect(filter.indexOf(Math.max(...filter))).toBe(5);
      const told = await succeed(
        'predict',
        join(folder, 'model.safetensors'),
        '--data',
        join(folder, 'pages'),
        '--json',
      );
      const { probabilities } = JSON.parse(told);
      expect(said.map(({ id }) => id)).toEqual(['standing.png', 'standing', 'picture 2']);
      for (const { id, ...rest } of said)
        expectSame(
          new Map([[id, { id, ...rest } as PredictionRecord]]),
          new Map([[id, { id, probabilities, predicted: JSON.parse(told).predicted }]]),
        );
      expect(problems).toEqual([]);
      await page.close();
    });
  },
  join(folder, 'pages'),
  join(folder, 'model.safetensors'),
);

describeSite(
  'the example of a page',
  (site) => {
    it('is built by Vite, and trains a model further', async () => {
      const { page, problems } = await site.open('');
      await (await page.waitForSelector('input#model'))!.uploadFile(join(folder, 'model.safetensors'));
      await textOf(page, '#said', /^It tells \w+( from \w+)+\. Give pictures of each\.$/);
      const fields = (await page.$$('input')).slice(1);
      for (const [kind, field] of fields.entries())
        await field.uploadFile(...[0, 1, 2, 3].map((i) => join(folder, 'shapes', `${kind}-${i}.png`)));
      await click(page, '#train');
      expect(await textOf(page, '#said', /right now\.$/)).toBe(
        `It tells ${4 * fields.length} of ${4 * fields.length} right now.`,
      );
      // What it saves, the command line reads.
      await saveTo(page, '#save', join(folder, 'shapes'));
      const told = await succeed(
        'predict',
        join(folder, 'shapes/model.safetensors'),
        '--data',
        join(folder, 'shapes'),
        '--json',
      );
      const answers = told
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { id: string; predicted: string });
      const names = await Promise.all(fields.map((field) => field.evaluate((each) => (each as HTMLInputElement).name)));
      expect(answers).toHaveLength(4 * fields.length);
      for (const { id, predicted } of answers) expect([id, predicted]).toEqual([id, names[Number(id[0])]]);
      expect(problems).toEqual([]);
      await page.close();
    });
  },
  join(folder, 'fine_tuned'),
);
