import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeImage } from '../../vision/data/decode.node.ts';
import { testData } from '../data.ts';
import { makeTar, makeZip } from '../vision/data/archives.ts';
import { fitsFile } from '../vision/data/fits_files.ts';
import { succeed } from './cli.ts';

/*
 * Every kind of data that is taken, made of the same few real pictures, through the commands that one begins with. How
 * right the answers are is for other tests.
 */

const real = testData();
const folder = mkdtempSync(join(tmpdir(), 'tuningfork-kinds-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string) => join(folder, name);
const SMALL = ['--size', '32', '--batch', '8', '--epochs', '2', '--model', 'vgg_small', '--val-fraction', '0.4'];
/** Whatever names what the pictures show or those who looked at them. */
const SKY = /galax|volunteer|\bsmooth\b|featured/i;

/** Eight of each, as people saw them; fractions of the votes on round, shaped and neither. */
interface Picture {
  readonly id: string;
  readonly label: 'round' | 'shaped';
  readonly fractions: readonly number[];
  readonly bytes: Buffer;
}

function pictures(data: string): Picture[] {
  const [header, ...lines] = readFileSync(join(data, 'galaxies/labels.csv'), 'utf8').trim().split('\n');
  expect(header.split(',').slice(0, 4)).toEqual(['GalaxyID', 'Class1.1', 'Class1.2', 'Class1.3']);
  const rows = lines.map((line) => line.split(','));
  const some = (label: Picture['label'], column: number): Picture[] =>
    rows
      .filter((row) => Number(row[column]) >= 0.7)
      .slice(0, 8)
      .map((row) => ({
        id: row[0],
        label,
        fractions: row.slice(1, 4).map(Number),
        bytes: readFileSync(join(data, 'galaxies/images', `${row[0]}.jpg`)),
      }));
  return [...some('round', 1), ...some('shaped', 2)];
}

/** Every fourth pixel of the three planes, as FITS stores them: planes after each other, rows from below. */
async function asFits({ bytes, id }: Picture): Promise<Buffer> {
  const { width, height, data } = await decodeImage(bytes, id);
  const [w, h] = [Math.floor(width / 4), Math.floor(height / 4)];
  const values: number[] = [];
  for (let c = 0; c < 3; c++)
    for (let y = h - 1; y >= 0; y--)
      for (let x = 0; x < w; x++) values.push(data[(y * 4 * width + x * 4) * 3 + c] / 1000);
  return fitsFile(-32, [w, h, 3], values);
}

describe.skipIf(real === null)('real pictures', () => {
  beforeAll(async () => {
    const all = pictures(real!);
    expect(all).toHaveLength(16);
    const table: string[] = [];
    for (const each of all) {
      const { id, label, bytes, fractions } = each;
      for (const place of [`plain/${label}/${id}.jpg`, `fits/${label}/${id}.fits`])
        mkdirSync(at(join(place, '..')), { recursive: true });
      writeFileSync(at(`plain/${label}/${id}.jpg`), bytes);
      writeFileSync(at(`fits/${label}/${id}.fits`), await asFits(each));
      const counts = fractions.map((share) => Math.round(40 * share));
      table.push([`plain/${label}/${id}.jpg`, label, bytes.length, fractions[0], ...counts].join(','));
    }
    writeFileSync(at('table.csv'), `file,label,bytes,share,kind_a,kind_b,kind_c\n${table.join('\n')}\n`);
    writeFileSync(at('schema.json'), '{"questions": [{"name": "kind", "answers": ["a", "b", "c"]}]}');
    writeFileSync(at('some.zip'), makeZip(all.map(({ id, label, bytes }) => ({ path: `${label}/${id}.jpg`, bytes }))));
    for (const shard of [0, 1]) {
      const half = all.filter((_, i) => i % 2 === shard);
      const entries = half.flatMap(({ id, label, bytes }) => [
        { path: `${id}.jpg`, bytes },
        // Numbers, whose order as names is another than as numbers.
        { path: `${id}.cls`, bytes: Buffer.from(label === 'round' ? '10' : '9') },
      ]);
      writeFileSync(at(`some-${shard}.tar`), makeTar(entries));
    }
    const columnData = [
      { name: 'image', data: all.map(({ bytes }) => new Uint8Array(bytes)), type: 'BYTE_ARRAY' as const },
      { name: 'label', data: all.map(({ label }) => label as string), type: 'STRING' as const },
    ];
    writeFileSync(at('some.parquet'), new Uint8Array(parquetWriteBuffer({ columnData })));
  });

  const table = ['--table', at('table.csv'), '--image-column', 'file'];
  const CLASSES = 'round,shaped,predicted';
  it.each<[string, { images: string[]; labels?: string[]; output: string; explained?: string; header: string }]>([
    ['class folders', { images: ['--data', at('plain')], output: 'accuracy', header: CLASSES }],
    [
      'a table with labels',
      { images: table, labels: ['--label-column', 'label'], output: 'accuracy', header: CLASSES },
    ],
    [
      'a table with targets',
      {
        images: table,
        labels: ['--target-columns', 'bytes,share'],
        output: 'rmse',
        explained: 'share',
        header: 'bytes,share',
      },
    ],
    [
      'votes',
      {
        images: table,
        labels: ['--schema', at('schema.json')],
        output: 'rmse',
        explained: 'kind_a',
        header: 'kind_a,kind_b,kind_c',
      },
    ],
    ['a zip file', { images: ['--data', at('some.zip')], output: 'accuracy', header: CLASSES }],
    ['tar shards', { images: ['--data', at('some-{0..1}.tar')], output: 'accuracy', header: '10,9,predicted' }],
    ['a parquet file', { images: ['--data', at('some.parquet')], output: 'accuracy', header: CLASSES }],
    ['FITS', { images: ['--data', at('fits')], labels: ['--stretch', 'asinh'], output: 'accuracy', header: CLASSES }],
  ])('in %s go all the way', async (name, { images, labels = [], output, explained, header }) => {
    const run = at(name.replaceAll(' ', '-'));
    const stats = JSON.parse(await succeed('data', 'stats', ...images, ...labels, '--out', `${run}-stats`, '--json'));
    expect(stats.images).toBe(16);
    await succeed('train', ...images, ...labels, '--out', run, ...SMALL);
    const { history } = JSON.parse(readFileSync(join(run, 'metrics.json'), 'utf8'));
    expect(history).toHaveLength(2);
    const judged = JSON.parse(await succeed('evaluate', run, '--json'));
    expect(judged[output]).toBeDefined();
    const [first, ...rows] = (await succeed('predict', run, ...images)).trim().split('\n');
    expect(first).toBe(`id,${header}`);
    expect(rows).toHaveLength(16);
    for (const row of header.endsWith('predicted') ? rows : []) {
      const [, one, other, predicted] = row.split(',');
      expect(predicted).toBe(first.split(',')[Number(one) >= Number(other) ? 1 : 2]);
    }
    const chosen = explained === undefined ? [] : ['--class', explained];
    await succeed('gradcam', run, ...images, ...chosen, '--count', '1', '--out', `${run}-maps`);
    for (const page of [join(run, 'report.html'), join(`${run}-stats`, 'stats.html')]) {
      expect(existsSync(page)).toBe(true);
      const text = readFileSync(page, 'utf8').replace(/src="data:[^"]*"/g, '');
      expect(text).not.toMatch(SKY);
      expect(text).not.toMatch(/NaN|undefined|\[object/);
    }
  });
});
