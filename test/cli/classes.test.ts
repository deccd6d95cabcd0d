import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fail, succeed, tuningfork } from './cli.ts';
import { greyShape, shape, SHAPES, SKY } from './shapes.ts';

const folder = mkdtempSync(join(tmpdir(), 'tuningfork-classes-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const shapes = join(folder, 'shapes');
const run = join(folder, 'run');
const SMALL = ['--size', '32', '--batch', '8', '--epochs', '2', '--model', 'vgg_small'];
const paths = SHAPES.flatMap((name, kind) =>
  Array.from({ length: 16 }, (_, i) => ({ name, path: `${name}${i % 4 === 0 ? '/more' : ''}/${i}.png`, kind, i })),
);

beforeAll(() => {
  for (const { path, kind, i } of paths) {
    mkdirSync(join(shapes, path, '..'), { recursive: true });
    writeFileSync(join(shapes, path), shape(kind, i));
  }
  const sides = ['train', 'train', 'val', 'test'];
  const rows = paths.map(({ name, path, i }) => `shapes/${path}\t${name}\t${sides[i % 4]}\n`);
  writeFileSync(join(folder, 'shapes.tsv'), `file_loc\tclass\tpart\n${rows.join('')}`);
});

const TABLE = ['--table', join(folder, 'shapes.tsv'), '--image-column', 'file_loc'];

describe('images in folders by class', () => {
  it('are counted and shown', async () => {
    const out = join(folder, 'stats');
    const stats = JSON.parse(await succeed('data', 'stats', '--data', shapes, '--out', out, '--json'));
    expect(stats).toMatchObject({ images: 48, unlabelled: 0, splits: [{ name: 'all', counts: [16, 16, 16] }] });
    expect(stats.classes.map(({ name }: { name: string }) => name)).toEqual([...SHAPES].sort());
    expect(readFileSync(join(out, 'stats.html'), 'utf8')).not.toMatch(SKY);
    for (const name of SHAPES) expect(existsSync(join(out, `examples_${name}.png`))).toBe(true);
  });

  it('are looked at one by one: sizes, channels, broken ones, equal ones on both sides of the split', async () => {
    const sides = join(folder, 'sides');
    const put = (path: string, bytes: Uint8Array | string) => {
      mkdirSync(join(sides, path, '..'), { recursive: true });
      writeFileSync(join(sides, path), bytes);
    };
    for (const i of [0, 1]) for (const kind of [0, 1]) put(`train/${SHAPES[kind]}/${i}.png`, shape(kind, i));
    put('val/standing/again.png', shape(0, 1));
    put('val/lying/9.png', shape(1, 9));
    const { width, height, values } = greyShape(1, 4);
    const grey = new PNG({ width, height, colorType: 0, inputColorType: 0 });
    grey.data = Buffer.from(values);
    put('val/lying/grey.png', PNG.sync.write(grey, { colorType: 0, inputColorType: 0 }));
    put('train/lying/broken.png', shape(1, 2).subarray(0, 90));
    const out = join(folder, 'sides-stats');
    const stats = JSON.parse(await succeed('data', 'stats', '--data', sides, '--out', out, '--json'));
    expect(stats.equal).toEqual({
      onBothSides: true,
      pairs: 1,
      first: [['train/standing/1.png', 'val/standing/again.png']],
    });
    // By greyShape: 40 x 34 twice, 41 x 35 three times, 44 x 34 and 44 x 35 once.
    expect(stats.sizes).toEqual({
      different: 4,
      frequent: { width: 41, height: 35, count: 3 },
      least: { width: 40, height: 34, count: 2 },
      largest: { width: 44, height: 35, count: 1 },
    });
    expect(stats.channels).toEqual([
      { channels: 1, count: 1 },
      { channels: 3, count: 6 },
    ]);
    expect(stats.unreadable).toEqual({ count: 1, first: [expect.stringMatching(/broken\.png/)] });
    const said = await succeed('data', 'stats', '--data', sides, '--out', out);
    const pair = 'train/standing/1.png and val/standing/again.png';
    expect(said).toContain(`\n1 pair of equal images on different sides of the split: ${pair}.\n`);
    expect(readFileSync(join(out, 'stats.html'), 'utf8')).toContain(pair);
    const quick = JSON.parse(await succeed('data', 'stats', '--data', sides, '--out', out, '--json', '--quick'));
    expect(quick.sizes).toBeUndefined();
  });

  it('are learnt, and told so', async () => {
    const { code, stdout, stderr } = await tuningfork([
      'train',
      '--data',
      shapes,
      '--out',
      run,
      ...SMALL,
      '--epochs',
      '4',
      '--adapter',
      'lavapipe',
    ]);
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/shapes: 48 images, 3 classes \(corner, lying, standing\) by folder/);
    expect(stderr).toMatch(/mirrored, shifted and scaled, and not turned: they have an up/);
    expect(stdout).toMatch(/^Accuracy [\d.]+ % \(95 % interval .* of \d+ images\), macro F1 [\d.]+, ECE/);
    const config = JSON.parse(readFileSync(join(run, 'config.json'), 'utf8'));
    expect(config).toMatchObject({ task: { name: 'classes' }, size: 32, crop: 32, shortSide: 37 });
    expect(config.augmentation.rotation).toBe(0);
    const metrics = JSON.parse(readFileSync(join(run, 'metrics.json'), 'utf8'));
    expect(metrics.macro.f1).toBeGreaterThanOrEqual(0);
    const losses = metrics.history.map(({ train }: { train: { loss: number } }) => train.loss);
    expect(losses.at(-1)).toBeLessThan(losses[0]);
  });

  it('have a report that speaks of images', () => {
    const page = readFileSync(join(run, 'report.html'), 'utf8').replace(/src="data:[^"]*"/g, '');
    expect(page).not.toMatch(SKY);
    expect(page).toMatch(/48 labelled images of 3 classes/);
    expect(page).toMatch(/Macro F1/);
    expect(page).toMatch(/Where the network looks/);
  });

  it('have their rows in predictions.csv, to which the report leads', async () => {
    const [header, ...rows] = readFileSync(join(run, 'predictions.csv'), 'utf8').trim().split('\n');
    expect(header).toBe('id,side,truth,predicted,probability');
    const { accuracy } = JSON.parse(readFileSync(join(run, 'metrics.json'), 'utf8'));
    expect(rows).toHaveLength(accuracy.n);
    const cells = rows.map((row) => row.split(','));
    for (const [id, side, truth] of cells) expect([side, truth]).toEqual(['validation', id.split('/')[0]]);
    expect(cells.filter(([, , truth, predicted]) => truth === predicted)).toHaveLength(accuracy.correct);
    const told = (await succeed('predict', run, '--data', shapes)).trim().split('\n');
    const answers = new Map(told.map((row) => [row.split(',')[0], row.split(',').at(-1)]));
    for (const [id, , , predicted] of cells) expect(predicted).toBe(answers.get(id));
    const page = readFileSync(join(run, 'report.html'), 'utf8');
    const led = [...page.matchAll(/href="predictions\.csv#:~:text=([^"]+)"/g)].map(([, id]) => decodeURIComponent(id));
    expect(led.length).toBeGreaterThan(0);
    for (const id of led) expect(cells.map(([first]) => first)).toContain(id);
  });

  it('are predicted, by folder and by table, alike', async () => {
    const byFolder = (await succeed('predict', run, '--data', shapes)).trim().split('\n');
    expect(byFolder[0]).toBe('id,corner,lying,standing,predicted');
    expect(byFolder).toHaveLength(49);
    const byTable = (await succeed('predict', run, ...TABLE)).trim().split('\n');
    const rest = (lines: readonly string[]) =>
      lines
        .slice(1)
        .map((line) => line.replace(/^(shapes\/)?/, ''))
        .sort();
    expect(rest(byTable)).toEqual(rest(byFolder));
  });

  it('are judged again as they were', async () => {
    const metrics = JSON.parse(readFileSync(join(run, 'metrics.json'), 'utf8'));
    const again = JSON.parse(await succeed('evaluate', run, '--json'));
    expect(again.accuracy).toEqual(metrics.accuracy);
    expect(again.split).toBe('validation');
    const other = join(folder, 'other');
    mkdirSync(join(other, 'lying'), { recursive: true });
    mkdirSync(join(other, 'round'), { recursive: true });
    copyFileSync(join(shapes, 'lying/1.png'), join(other, 'lying/1.png'));
    copyFileSync(join(shapes, 'lying/2.png'), join(other, 'round/2.png'));
    expect(await fail('evaluate', run, '--data', other)).toMatch(
      /image round\/2\.png is of the class round, and .* knows/,
    );
    expect(await fail('evaluate', run, '--data', 'synthetic:8')).toMatch(/tells classes apart, and the images of/);
    const turned = await tuningfork(['predict', run, '--data', shapes, '--tta', '4', '--adapter', 'lavapipe']);
    expect(turned.code).toBe(2);
    expect(turned.stderr).toMatch(/--tta 4: .* seen in 2 views/);
  });

  it('are explained and embedded', async () => {
    const maps = join(folder, 'maps');
    await succeed('gradcam', run, '--data', shapes, '--ids', 'corner/1.png', '--out', maps);
    expect(existsSync(join(maps, 'corner__1.png.png'))).toBe(true);
    expect(await succeed('embed', run, '--data', shapes, '--out', join(folder, 'f.npy'))).toMatch(/48 rows of \d+/);
  });
});

describe('a table of images', () => {
  it('is learnt from with the sides that it names, and tested on those kept for it', async () => {
    const out = join(folder, 'by-table');
    const columns = ['--label-column', 'class', '--split-column', 'part'];
    await succeed('train', ...TABLE, ...columns, '--out', out, ...SMALL);
    const { counts } = JSON.parse(readFileSync(join(out, 'metrics.json'), 'utf8'));
    expect(counts).toEqual({ train: 24, validation: 12 });
    const tested = JSON.parse(await succeed('evaluate', out, '--split', 'test', '--json'));
    expect(tested.accuracy.n).toBe(12);
    expect(tested.measuredOn).toMatch(/^the test split of /);
    expect(await succeed('compare', run, out)).toMatch(/classes/);
  });
});

describe('ids that are only trained on', () => {
  it('are the numbers of files, and refused where they say nothing', async () => {
    const out = join(folder, 'only');
    const train = ['train', '--data', shapes, '--val-fraction', '0.6', '--out', out, ...SMALL, '--train-only'];
    expect(await fail(...train, '100-200,77')).toMatch(
      /--train-only 100-200,77: none of the 48 images of .*shapes has such a number .* as \w+\/.*\d+\.png shows/,
    );
    const named = ['train', ...TABLE, '--label-column', 'class', '--split-column', 'part', '--out', out, ...SMALL];
    expect(await fail(...named, '--train-only', '1-3')).toMatch(
      /--train-only says nothing here: .*shapes\.tsv names the/,
    );
    expect(existsSync(out)).toBe(false);
    await succeed(...train, '0-9');
    const rows = readFileSync(join(out, 'predictions.csv'), 'utf8').trim().split('\n').slice(1);
    const numbers = rows.map((row) => Number(/(\d+)\.png,/.exec(row)![1]));
    expect(numbers.length).toBeGreaterThan(4);
    expect(numbers.filter((number) => number <= 9)).toEqual([]);
  });
});

describe('data that cannot be learnt from', () => {
  const place = (name: string, ...files: string[]) => {
    for (const file of files) {
      mkdirSync(join(folder, name, file, '..'), { recursive: true });
      copyFileSync(join(shapes, 'lying/1.png'), join(folder, name, file));
    }
    mkdirSync(join(folder, name), { recursive: true });
    return join(folder, name);
  };
  it.each<[string, string[], RegExp]>([
    ['empty', [], /empty holds no image \(JPEG, PNG, WebP, TIFF, FITS\): it is empty/],
    ['single', ['a/1.png', 'a/2.png', 'b/1.png'], /has one image of the class b: nothing would be left/],
    [
      'case',
      ['Cat/1.png', 'Cat/2.png', 'cat/1.png', 'cat/2.png'],
      /the classes Cat and cat, which differ by case alone/,
    ],
    ['one', ['a/1.png', 'a/2.png'], /has no labelled image; .*folder of its own/],
  ])('is refused by a sentence: %s', async (name, files, message) => {
    expect(await fail('train', '--data', place(name, ...files), '--out', join(folder, 'none'))).toMatch(message);
    expect(existsSync(join(folder, 'none'))).toBe(false);
  });
  it.each<[string[], RegExp]>([
    [['--data', 'x', ...TABLE], /--data and --table are two sources/],
    [['--label-column', 'class'], /--label-column is for a table/],
    [TABLE, /which column holds the classes, by --label-column/],
    [['--data', join(folder, 'shapes.tsv')], /is a table: give it by --table/],
    [['--data', shapes, '--task', 'challenge'], /--task challenge learns from the votes on galaxies/],
    [['--data', 'synthetic:8', '--task', 'classes'], /--task classes learns from images in folders by class/],
  ])('is refused by a sentence: %j', async (args, message) => {
    expect(await fail('train', ...args, '--out', join(folder, 'none'))).toMatch(message);
  });
});
