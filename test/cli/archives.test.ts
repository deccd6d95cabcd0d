import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeTar, makeZip } from '../vision/data/archives.ts';
import { fitsFile } from '../vision/data/fits_files.ts';
import { fail, succeed, tuningfork } from './cli.ts';
import { greyShape, shape, SHAPES, SKY } from './shapes.ts';

const folder = mkdtempSync(join(tmpdir(), 'tuningfork-archives-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string) => join(folder, name);
const run = at('run');
const SMALL = ['--size', '32', '--batch', '8', '--epochs', '1', '--model', 'vgg_small'];

const images = SHAPES.flatMap((name, kind) =>
  Array.from({ length: 12 }, (_, i) => ({ name, kind, i, path: `${name}/${i}.png`, bytes: shape(kind, i) })),
);
const PARQUET = ['--image-column', 'picture', '--label-column', 'what'];
const SHARDS = at('shards-{0..1}.tar');

beforeAll(() => {
  for (const { path, bytes } of images) {
    mkdirSync(join(folder, 'plain', path, '..'), { recursive: true });
    writeFileSync(join(folder, 'plain', path), bytes);
  }
  writeFileSync(at('shapes.zip'), makeZip(images));
  writeFileSync(at('labels.csv'), `file,what\n${images.map(({ path, name }) => `${path},${name}\n`).join('')}`);
  for (const shard of [0, 1])
    writeFileSync(
      at(`shards-${shard}.tar`),
      makeTar(
        images.flatMap(({ name, bytes }, n) =>
          n % 2 === shard
            ? [
                { path: `s${n}.png`, bytes },
                { path: `s${n}.cls`, bytes: Buffer.from(name) },
              ]
            : [],
        ),
      ),
    );
  const columnData = [
    { name: 'picture', data: images.map(({ bytes }) => bytes), type: 'BYTE_ARRAY' as const },
    { name: 'thumbnail', data: images.map(({ bytes }) => bytes), type: 'BYTE_ARRAY' as const },
    { name: 'what', data: images.map(({ name }) => name as string), type: 'STRING' as const },
  ];
  writeFileSync(at('shapes.parquet'), new Uint8Array(parquetWriteBuffer({ columnData })));
});

/** The numbers of a prediction's rows, in an order that does not know how images are called. */
const answers = async (...args: string[]): Promise<string[]> => {
  const [header, ...rows] = (await succeed('predict', run, ...args)).trim().split('\n');
  expect(header).toBe('id,corner,lying,standing,predicted');
  return rows.map((row) => row.slice(row.indexOf(',') + 1)).sort();
};

describe('images in archives', () => {
  it.each([
    ['a zip file', ['--data', at('shapes.zip')]],
    ['tar shards', ['--data', SHARDS]],
    ['a parquet file', ['--data', at('shapes.parquet'), ...PARQUET]],
    ['a parquet file as a table', ['--table', at('shapes.parquet'), ...PARQUET]],
    [
      'a table of a zip file',
      ['--table', at('labels.csv'), '--image-column', 'file', '--label-column', 'what', '--images', at('shapes.zip')],
    ],
  ])('are counted and shown: %s', async (_, args) => {
    const out = at('stats');
    const stats = JSON.parse(await succeed('data', 'stats', ...args, '--out', out, '--json'));
    expect(stats.classes).toEqual([...SHAPES].sort().map((name) => ({ name, count: 12 })));
    expect(stats.notes).toEqual([]);
    expect(readFileSync(join(out, 'stats.html'), 'utf8')).not.toMatch(SKY);
    rmSync(out, { recursive: true });
  });

  it('are learnt from, judged, explained and embedded where they lie', async () => {
    const before = readdirSync(folder).sort();
    const { code, stderr } = await tuningfork(['train', '--data', SHARDS, '--out', run, ...SMALL]);
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/shards-\{0\.\.1\}\.tar: 36 images, 3 classes \(corner, lying, standing\)\n/);
    const metrics = JSON.parse(readFileSync(join(run, 'metrics.json'), 'utf8'));
    const again = JSON.parse(await succeed('evaluate', run, '--json'));
    expect(again.accuracy).toEqual(metrics.accuracy);
    const maps = at('maps');
    const zip = ['--data', at('shapes.zip')];
    await succeed('gradcam', run, ...zip, '--ids', 'corner/1.png', '--out', maps);
    expect(existsSync(join(maps, 'corner__1.png.png'))).toBe(true);
    expect(await succeed('embed', run, ...zip, '--out', at('f.npy'))).toMatch(/36 rows of \d+/);
    for (const made of ['run', 'maps', 'f.npy', 'f.npy.ids.txt']) expect(existsSync(at(made))).toBe(true);
    expect(readdirSync(folder).sort()).toEqual([...before, 'f.npy', 'f.npy.ids.txt', 'maps', 'run'].sort());
  });

  it('are predicted as the same images in folders are', async () => {
    const plain = await answers('--data', at('plain'));
    expect(plain).toHaveLength(36);
    expect(await answers('--data', at('shapes.zip'))).toEqual(plain);
    expect(await answers('--data', at('shards-*.tar'))).toEqual(plain);
    expect(await answers('--data', at('shapes.parquet'), '--image-column', 'picture')).toEqual(plain);
  });

  it('are trained on from parquet by the columns that are named, and by those again when judged', async () => {
    const out = at('by-parquet');
    await succeed('train', '--data', at('shapes.parquet'), ...PARQUET, '--out', out, ...SMALL);
    expect(JSON.parse(readFileSync(join(out, 'config.json'), 'utf8')).table).toEqual({
      image: 'picture',
      label: 'what',
    });
    expect(await succeed('evaluate', out, '--split', 'all')).toMatch(/of 36 images/);
  });
});

describe('numbers in tar shards', () => {
  const numbers = at('numbers-{0..1}.tar');
  const asked = ['--data', numbers, '--target-columns', 'x,y'];
  beforeAll(() => {
    for (const shard of [0, 1])
      writeFileSync(
        at(`numbers-${shard}.tar`),
        makeTar(
          images
            .filter((_, n) => n % 2 === shard)
            .flatMap(({ kind, i, bytes }) => [
              { path: `${kind}-${i}.png`, bytes },
              { path: `${kind}-${i}.json`, bytes: Buffer.from(JSON.stringify({ x: kind / 4, y: i, name: 'a' })) },
            ]),
        ),
      );
  });

  it('are counted, learnt, judged and predicted', async () => {
    const stats = JSON.parse(await succeed('data', 'stats', ...asked, '--out', at('numbers'), '--json'));
    expect(stats.targets).toEqual(['x', 'y']);
    const out = at('by-numbers');
    const said = await tuningfork(['train', ...asked, '--out', out, ...SMALL]);
    expect(said.code, said.stderr).toBe(0);
    expect(said.stderr).toMatch(/36 images, 36 with x, y\n/);
    expect(JSON.parse(readFileSync(join(out, 'config.json'), 'utf8')).table).toEqual({ targets: ['x', 'y'] });
    expect(await succeed('evaluate', out, '--split', 'all')).toMatch(/36 images/);
    // Other shards are asked for the columns that the model predicts.
    expect(await succeed('evaluate', out, '--data', at('numbers-0.tar'), '--split', 'all')).toMatch(/18 images/);
    expect((await succeed('predict', out, '--data', numbers)).split('\n')[0]).toBe('id,x,y');
  });

  it.each<[string[], RegExp]>([
    [['--data', SHARDS, '--target-columns', 'x'], /has no JSON file with x beside an image/],
    [[...asked, '--image-column', 'png'], /--image-column is for a table or parquet file: of shards the endings/],
    [[...asked, '--split-column', 'side'], /--split-column is for a csv or tsv of images/],
  ])('are refused: %j', async (args, message) => {
    expect(await fail('train', ...args, '--out', at('none'))).toMatch(message);
    expect(existsSync(at('none'))).toBe(false);
  });
});

describe('FITS images', () => {
  it('are stretched as the training was told, whenever they are looked at', async () => {
    for (const { name, kind, i } of images) {
      const { width, height, values } = greyShape(kind, i);
      // FITS counts rows from below.
      const rows = Array.from({ length: height }, (_, y) => values.slice(y * width, (y + 1) * width)).reverse();
      mkdirSync(join(folder, 'fits', name), { recursive: true });
      writeFileSync(
        join(folder, 'fits', name, `${i}.fits`),
        fitsFile(
          -32,
          [width, height],
          rows.flat().map((value) => Math.sinh(value / 40)),
        ),
      );
    }
    const data = ['--data', at('fits')];
    const [out, plainly] = [at('stretched'), at('plainly')];
    await succeed('train', ...data, '--stretch', 'asinh:softening=0.01,high=100', '--out', out, ...SMALL);
    const stretch = { kind: 'asinh', softening: 0.01, high: 100 };
    expect(JSON.parse(readFileSync(join(out, 'config.json'), 'utf8')).stretch).toEqual(stretch);
    await succeed('train', ...data, '--out', plainly, ...SMALL);
    for (const model of [out, plainly]) {
      const { logLoss } = JSON.parse(readFileSync(join(model, 'metrics.json'), 'utf8'));
      expect(JSON.parse(await succeed('evaluate', model, '--json')).logLoss).toBe(logLoss);
    }
    // The pictures that a map lies beside are those that the network saw.
    const picture = async (model: string) => {
      const maps = at('fits-maps');
      await succeed('gradcam', model, ...data, '--ids', 'lying/3.fits', '--out', maps);
      return readFileSync(join(maps, 'lying__3.fits.png'));
    };
    expect((await picture(out)).equals(await picture(plainly))).toBe(false);
  });
});

describe('archives that cannot be used', () => {
  it('end a command by a sentence that names the archive and the image', async () => {
    const broken = images.map((image, n) => (n === 5 ? { ...image, crc: 1 } : image));
    writeFileSync(at('broken.zip'), makeZip(broken));
    const data = ['--data', at('broken.zip')];
    const sentence = await tuningfork(['predict', run, ...data, '--out', at('none.csv'), '--adapter', 'lavapipe']);
    expect(sentence.code).toBe(2);
    expect(sentence.stderr).toMatch(/tuningfork: standing\/5\.png in .*broken\.zip is damaged: its checksum/);
    expect(existsSync(at('none.csv'))).toBe(false);
    const rest = await tuningfork(['predict', run, ...data, '--skip-bad', '--adapter', 'lavapipe']);
    expect(rest.code, rest.stderr).toBe(0);
    expect(rest.stderr).toMatch(/^skipped: standing\/5\.png in .*broken\.zip is damaged.*\n1 image was skipped$/m);
    expect(rest.stdout.trim().split('\n')).toHaveLength(36);
  });

  it.each<[string, () => string, RegExp]>([
    [
      'a zip cut off',
      () => put('cut.zip', readFileSync(at('shapes.zip')).subarray(0, 3000)),
      /cut\.zip cannot be read/,
    ],
    ['no archive', () => put('text.bin', Buffer.from('hello\n'.repeat(200))), /text\.bin is no tar header/],
    ['an image', () => at('plain/lying/1.png'), /1\.png is one image; give the folder that it lies in/],
    ['no file', () => at('shards-*.zip'), /No file fits .*shards-\*\.zip/],
    ['a column missing', () => at('shapes.parquet'), /2 columns of images|picture, thumbnail/],
  ])('%s', async (_, data, message) => {
    expect(await fail('train', '--data', data(), '--out', at('none'), ...SMALL)).toMatch(message);
    expect(existsSync(at('none'))).toBe(false);
  });

  it.each<[string[], RegExp]>([
    [['--table', 'x.parquet', '--images', 'y'], /--images is for a csv or tsv/],
    [['--data', 'x.zip', '--label-column', 'y'], /--label-column is for a table/],
    [['--data', 'x', '--stretch', 'log'], /log is no stretch; give one of linear, asinh, lupton/],
    [['--data', 'x', '--stretch', 'asinh:q=8'], /"q=8" says nothing to the asinh stretch/],
    [['--data', 'x', '--stretch', 'asinh:softening=0'], /asinh stretch has a softening of 0/],
  ])('flags that contradict: %j', async (args, message) => {
    expect(await fail('train', ...args, '--out', at('none'))).toMatch(message);
  });
});

const put = (name: string, bytes: Uint8Array): string => {
  writeFileSync(at(name), bytes);
  return at(name);
};
