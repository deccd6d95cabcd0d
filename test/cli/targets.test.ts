import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toPng } from '../../vision/report/encode.node.ts';
import { fail, succeed, tuningfork } from './cli.ts';
import { SKY } from './shapes.ts';

const folder = mkdtempSync(join(tmpdir(), 'tuningfork-targets-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string) => join(folder, name);
const run = at('run');
const SMALL = ['--size', '32', '--batch', '8', '--epochs', '6', '--lr', '3e-3', '--model', 'vgg_small', '--tta', '1'];

/** Grey pictures, brighter to one side: brightness and slope are what a table says of each. */
const images = Array.from({ length: 60 }, (_, i) => {
  const [brightness, slope] = [40 + ((i * 37) % 60) * 2, ((i * 23) % 41) - 20];
  const data = Uint8Array.from({ length: 36 * 36 * 3 }, (_, at) => {
    const x = Math.floor(at / 3) % 36;
    return brightness + 30 + slope * ((x - 17.5) / 17.5);
  });
  return { id: `pictures/${i}.png`, bytes: toPng({ width: 36, height: 36, data }), brightness, slope };
});
const COLUMNS = ['--target-columns', 'brightness,slope'];
const TABLE = ['--table', at('numbers.csv'), '--image-column', 'file'];

beforeAll(() => {
  mkdirSync(at('pictures'));
  for (const { id, bytes } of images) writeFileSync(at(id), bytes);
  // Millions, so that whoever forgets a unit is noticed; the last row lacks a number.
  const rows = images.map(({ id, brightness, slope }, i) => `${id},${brightness * 1e6},${i === 59 ? '' : slope / 1e6}`);
  writeFileSync(at('numbers.csv'), `file,brightness,slope\n${rows.join('\n')}\n`);
});

const metricsOf = (path: string) => JSON.parse(readFileSync(join(path, 'metrics.json'), 'utf8'));
/** The last line of a command that is refused after it told what it found. */
async function refusal(...args: string[]): Promise<string> {
  const { code, stderr } = await tuningfork([...args, '--adapter', 'lavapipe']);
  expect(code, stderr).toBe(2);
  return stderr.trim().split('\n').at(-1)!;
}
const plain = (page: string): string => page.replace(/src="data:[^"]*"/g, '');

describe('numbers of images', () => {
  it('are counted and shown', async () => {
    const args = [...TABLE, ...COLUMNS, '--out', at('stats')];
    const stats = JSON.parse(await succeed('data', 'stats', ...args, '--json'));
    expect(stats).toMatchObject({ images: 60, targets: ['brightness', 'slope'], withoutTargets: 1 });
    expect(stats.splits).toEqual([{ name: 'all', images: 59 }]);
    const page = readFileSync(join(at('stats'), 'stats.html'), 'utf8');
    expect(plain(page)).toMatch(/59 images with targets; 1 without targets/);
    expect(page).not.toMatch(SKY);
  });

  it('are learnt', async () => {
    const said = await succeed('train', ...TABLE, ...COLUMNS, '--out', run, ...SMALL);
    expect(said).toMatch(/^RMSE [\d.]+ standard deviations, R² -?[\d.]+, over 2 targets of \d+ images/);
    const { columns, history, counts, rmse, options } = metricsOf(run);
    expect(counts.train + counts.validation).toBe(59);
    const brightness = images.slice(0, 59).map((each) => each.brightness * 1e6);
    const mean = brightness.reduce((a, b) => a + b, 0) / 59;
    expect(options.task.mean[0]).toBeCloseTo(mean, 3);
    expect(history.at(-1).train.loss).toBeLessThan(history[0].train.loss);
    expect(columns.map(({ name }: { name: string }) => name)).toEqual(['brightness', 'slope']);
    // The epoch that was kept, judged once more on the same images in the same units.
    const { bestEpoch } = metricsOf(run);
    expect(rmse).toBeCloseTo(history[bestEpoch - 1].validation.RMSE, 4);
    expect(columns[0].r2).toBeGreaterThan(0.3);
  });

  it('have a report with their figures, and no word of classes or galaxies', () => {
    const page = plain(readFileSync(join(run, 'report.html'), 'utf8'));
    expect(page).not.toMatch(SKY);
    expect(page).toMatch(/brightness: predicted over true/);
    expect(page).toMatch(/slope: errors/);
    expect(page).toMatch(/Where the network looks/);
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('have a row each in predictions.csv, from which the RMSE follows', () => {
    const [header, ...rows] = readFileSync(join(run, 'predictions.csv'), 'utf8').trim().split('\n');
    expect(header).toBe('id,side,brightness_truth,brightness_predicted,slope_truth,slope_predicted');
    const { columns, counts } = metricsOf(run);
    expect(rows).toHaveLength(counts.validation);
    const cells = rows.map((row) => row.split(','));
    for (const [id, side, truth] of cells) {
      expect(side).toBe('validation');
      expect(Number(truth)).toBe(images.find((each) => each.id === id)!.brightness * 1e6);
    }
    const squares = cells.map(([, , truth, predicted]) => (Number(predicted) - Number(truth)) ** 2);
    const rmse = Math.sqrt(squares.reduce((a, b) => a + b, 0) / rows.length);
    // Eight digits of numbers of 1e8 are told, half of the last being 0.5.
    expect(Math.abs(rmse - columns[0].rmse)).toBeLessThanOrEqual(0.5 * 10);
  });

  it('are predicted in their own units, and judged as when they were trained', async () => {
    const rows = (await succeed('predict', run, ...TABLE)).trim().split('\n');
    expect(rows[0]).toBe('id,brightness,slope');
    expect(rows).toHaveLength(61);
    const record = JSON.parse((await succeed('predict', run, ...TABLE, '--json')).split('\n')[0]);
    expect(Object.keys(record.values)).toEqual(['brightness', 'slope']);
    const again = JSON.parse(await succeed('evaluate', run, '--json'));
    const { columns, rmse } = metricsOf(run);
    expect(again).toMatchObject({ task: 'targets', columns, rmse });
    // On all images by the csv's own numbers, in plain loops.
    const all = JSON.parse(await succeed('evaluate', run, ...TABLE, '--split', 'all', '--json'));
    const errors = rows.slice(1, 60).map((row, i) => Number(row.split(',')[1]) - images[i].brightness * 1e6);
    const square = errors.reduce((sum, error) => sum + error ** 2 / 59, 0);
    expect(all.columns[0].rmse / Math.sqrt(square)).toBeCloseTo(1, 5);
  });

  it('are explained one at a time', async () => {
    expect(await fail('gradcam', run, ...TABLE, '--out', at('maps'))).toMatch(/say which to explain by --class/);
    const told = await succeed('gradcam', run, ...TABLE, '--class', 'slope', '--count', '1', '--out', at('maps'));
    expect(told).toMatch(/\.png {2}slope -?[\d.e-]+\n/);
    expect(existsSync(join(at('maps'), 'pictures__0.png.png'))).toBe(true);
  });

  it('are read from parquet, compared and cross-validated', async () => {
    const some = images.slice(0, 24);
    const columnData = [
      { name: 'image', data: some.map(({ bytes }) => bytes), type: 'BYTE_ARRAY' as const },
      { name: 'brightness', data: some.map(({ brightness }) => brightness), type: 'DOUBLE' as const },
    ];
    writeFileSync(at('some.parquet'), new Uint8Array(parquetWriteBuffer({ columnData })));
    const data = ['--data', at('some.parquet'), '--target-columns', 'brightness'];
    const short = [...SMALL, '--epochs', '1'];
    const folds = await succeed('crossval', ...data, '--folds', '2', '--out', at('cv'), ...short);
    expect(folds).toMatch(/RMSE [\d.]+ over all 24 images together/);
    const results = [1, 2].map((fold) => metricsOf(join(at('cv'), `fold-${fold}`)).rmse);
    const { outOfFold } = JSON.parse(readFileSync(join(at('cv'), 'crossval.json'), 'utf8'));
    expect(outOfFold.value).toBeCloseTo(Math.sqrt((results[0] ** 2 + results[1] ** 2) / 2), 9);
    expect(await succeed('compare', run, join(at('cv'), 'fold-1'))).toMatch(/RMSE +R²/);
    expect(await succeed('evaluate', at('cv'))).toMatch(/^Measured on all images with targets.*\nRMSE/);
  });
});

describe('numbers that cannot be learnt', () => {
  const table = (name: string, text: string): string => {
    writeFileSync(at(name), text);
    return at(name);
  };
  it.each<[string, () => string[], RegExp]>([
    [
      'no number',
      () => ['--table', table('words.csv', 'image,a\npictures/0.png,1\npictures/1.png,two\n'), '--target-columns', 'a'],
      /words\.csv, line 3, column a: "two" is no number/,
    ],
    ['no such column', () => [...TABLE, '--target-columns', 'size'], /numbers\.csv.*size/],
    [
      'one value',
      () => ['--table', table('one.csv', 'image,a\npictures/0.png,1\npictures/1.png,1\n'), '--target-columns', 'a'],
      /the column a is 1 for every image/,
    ],
    ['two things', () => [...TABLE, ...COLUMNS, '--label-column', 'slope'], /two things to learn; give one/],
    ['without columns', () => [...TABLE, '--task', 'targets', '--label-column', 'slope'], /by --target-columns/],
    ['of galaxies', () => ['--data', 'synthetic:8', '--task', 'targets'], /--task targets learns from images/],
  ])('%s', async (_, args, message) => {
    expect(await fail('train', ...args(), '--out', at('none'))).toMatch(message);
    expect(existsSync(at('none'))).toBe(false);
  });

  it('and a model of others', async () => {
    const other = ['--table', at('numbers.csv'), '--image-column', 'file', '--target-columns', 'slope'];
    expect(await fail('evaluate', run, ...other)).toMatch(/this model predicts brightness,slope/);
    expect(await fail('evaluate', run, '--data', 'synthetic:8')).toMatch(/predicts numbers, and the images of/);
    expect(await fail('evaluate', run, '--threshold', '0.7')).toMatch(/this model predicts numbers; leave it out/);
  });
});

it('a share is kept for a test, on which nothing was chosen', async () => {
  const out = at('tested');
  const short = [...SMALL, '--epochs', '2', '--test-fraction', '0.3'];
  expect(await succeed('train', ...TABLE, ...COLUMNS, '--out', out, ...short)).toMatch(/--split test\n$/);
  const { counts, measuredOn } = metricsOf(out);
  expect(measuredOn).toMatch(/^the validation split, which took no part in training but for choosing the epoch/);
  const page = plain(readFileSync(join(out, 'report.html'), 'utf8'));
  expect(page).toMatch(/Made on<\/dt><dd>\d{4}-\d\d-\d\d</);
  expect(page).toMatch(/Command<\/dt><dd>tuningfork train .*--test-fraction 0\.3/);
  expect(page).toMatch(/<svg [^>]*><title>Loss<\/title>/);
  const test = JSON.parse(await succeed('evaluate', out, '--split', 'test', '--out', at('on-test'), '--json'));
  expect(test.images).toBeGreaterThan(5);
  // Not even the unit of a target follows from them.
  const tested = new Set(
    readFileSync(join(at('on-test'), 'predictions.csv'), 'utf8')
      .split('\n')
      .map((row) => row.split(',')[0]),
  );
  const rest = images.slice(0, 59).filter(({ id }) => !tested.has(id));
  expect(rest).toHaveLength(59 - test.images);
  const mean = rest.reduce((sum, { brightness }) => sum + (brightness * 1e6) / rest.length, 0);
  const begun = metricsOf(out).options.task;
  expect(begun.mean[0] / mean).toBeCloseTo(1, 12);

  // Whoever gives the same command is told what has changed in the data, and goes on in the units of the beginning.
  const again = ['train', ...TABLE, ...COLUMNS, '--out', out, ...short];
  const whole = readFileSync(at('numbers.csv'), 'utf8');
  const { id, brightness } = rest[0];
  writeFileSync(at('numbers.csv'), whole.replace(`${id},${brightness * 1e6},`, `${id},999000000,`));
  expect(await refusal(...again)).toMatch(
    new RegExp(`depends on what has changed since it was begun: 1 image has another label \\(${id}\\)`),
  );
  await succeed(...again, '--accept-changes');
  expect(metricsOf(out).options.task).toEqual(begun);
  writeFileSync(at('numbers.csv'), whole);
  expect(counts.train + counts.validation + test.images).toBe(59);
  expect(test.measuredOn).toMatch(/^the test split of /);
});
