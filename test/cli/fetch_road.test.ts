import { createHash } from 'node:crypto';
import {
  cpSync,
  createReadStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import jpeg from 'jpeg-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fetchSet } from '../../cli/fetch_set.node.ts';
import { SOURCES, type SourceSet } from '../../cli/sources.ts';
import { HART_COLUMNS } from '../../galaxies/catalogue.ts';
import { syntheticDataset } from '../../galaxies/synthetic.ts';
import { succeed } from './cli.ts';
import { zipOf, type ZipEntry } from './zip_writer.ts';

const COUNT = 24;
const folder = mkdtempSync(join(tmpdir(), 'tuningfork-road-'));
const data = join(folder, 'galaxies');
let server: Server;
let sets: SourceSet[];

/** The three files of Galaxy Zoo 2 as they are published, of a few drawn galaxies. */
async function publish(): Promise<Map<string, Buffer>> {
  const drawn = syntheticDataset(COUNT, 5, { size: 64 });
  const images: ZipEntry[] = [{ name: 'images/', data: Buffer.alloc(0) }];
  const mapping = ['objid,sample,asset_id'];
  const votes = [`${HART_COLUMNS.join(',')},total_votes`];
  for (const [i, { votes: of }] of drawn.examples.entries()) {
    const { width, height, data: rgb } = await drawn.load(i);
    const rgba = Buffer.alloc(width * height * 4, 255);
    for (let p = 0; p < width * height; p++) rgba.set(rgb.subarray(p * 3, p * 3 + 3), p * 4);
    const objid = `5877229817420${84096 + i}`; // more digits than a double holds
    images.push(
      { name: `images/${i + 1}.jpg`, data: jpeg.encode({ width, height, data: rgba }, 90).data },
      { name: `__MACOSX/images/._${i + 1}.jpg`, data: Buffer.from('shadow') },
    );
    mapping.push(`${objid},original,${i + 1}`);
    votes.push(`${objid},${of!.smooth},${of!.featured},${of!.artifact},40`);
  }
  // Most objects of the published tables have no image here, and the other way round.
  mapping.push('587722981742084999,extra,999999');
  votes.push('587722981742084998,0.5,0.5,0,40');
  return new Map([
    ['images_gz2.zip', zipOf(images)],
    ['gz2_filename_mapping.csv', Buffer.from(mapping.join('\n'))],
    ['gz2_hart16.csv.gz', gzipSync(votes.join('\n'))],
  ]);
}

beforeAll(async () => {
  const files = join(folder, 'published');
  mkdirSync(files);
  const published = await publish();
  for (const [name, bytes] of published) writeFileSync(join(files, name), bytes);
  server = createServer((request, response) =>
    createReadStream(join(files, basename(request.url!))).pipe(response.setHeader('etag', '"1"')),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  // The table as it is, but for where the files lie and what they sum to.
  sets = SOURCES.map((set) => ({
    ...set,
    files: set.files.map((source) => ({
      ...source,
      url: `${base}/${source.file}`,
      ...(source.md5 && { md5: createHash('md5').update(published.get(source.file)!).digest('hex') }),
    })),
  }));
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

describe('from `data fetch galaxy-zoo-2` to a model', () => {
  it('brings a folder that `data stats` and `train` take', async () => {
    const said: string[] = [];
    await fetchSet('galaxy-zoo-2', data, { sets, say: (sentence) => said.push(sentence) });
    expect(readdirSync(data).sort()).toEqual([
      'gz2_filename_mapping.csv',
      'gz2_hart16.csv',
      'gz2_hart16.csv.gz',
      'images',
      'images_gz2.zip',
    ]);
    expect(said).toContain(`${join(data, 'images')}: ${COUNT} images unpacked from images_gz2.zip.`);
    const stats = JSON.parse(await succeed('data', 'stats', '--data', data, '--out', join(folder, 'stats'), '--json'));
    expect(stats).toMatchObject({ galaxies: COUNT });

    const run = join(folder, 'run');
    const small = [
      '--model',
      'vgg_small',
      '--size',
      '32',
      '--crop',
      '64',
      '--batch',
      '8',
      '--views',
      '1',
      '--tta',
      '1',
    ];
    await succeed('train', '--data', data, ...small, '--threshold', '0.5', '--epochs', '2', '--out', run);
    expect(JSON.parse(readFileSync(join(run, 'config.json'), 'utf8'))).toMatchObject({ data });
    expect(readdirSync(run)).toContain('model.safetensors');

    // The zip file is as good as the folder that was unpacked from it.
    const packed = join(folder, 'packed');
    cpSync(data, packed, { recursive: true });
    rmSync(join(packed, 'images'), { recursive: true });
    const inPlace = JSON.parse(
      await succeed('data', 'stats', '--data', packed, '--out', join(folder, 'packed-stats'), '--json'),
    );
    for (const name of ['galaxies', 'classes', 'thresholds', 'sizes', 'channels', 'equal', 'unreadable'])
      expect(inPlace[name], name).toEqual(stats[name]);
    await succeed('train', '--data', packed, ...small, '--threshold', '0.5', '--epochs', '2', '--out', `${run}-packed`);
    const figures = (path: string) => JSON.parse(readFileSync(join(path, 'metrics.json'), 'utf8')) as object;
    expect(figures(`${run}-packed`)).toMatchObject({ logLoss: (figures(run) as { logLoss: number }).logLoss });
    expect(readFileSync(join(`${run}-packed`, 'predictions.csv'))).toEqual(readFileSync(join(run, 'predictions.csv')));
    expect(existsSync(join(packed, 'images'))).toBe(false);

    said.length = 0;
    await fetchSet('galaxy-zoo-2', data, { sets, say: (sentence) => said.push(sentence) });
    expect(said.every((sentence) => sentence.includes('there already'))).toBe(true);
  });
});
