import { createHash } from 'node:crypto';
import {
  cpSync,
  createReadStream,
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
import { makeZip, type ZipEntry } from '../vision/data/archive_files.ts';

const COUNT = 24;
const folder = mkdtempSync(join(tmpdir(), 'tuningfork-road-'));
const data = join(folder, 'galaxies');
let server: Server;
let sets: SourceSet[];
/** What is in the zip file. */
const archive: ZipEntry[] = [{ path: 'images/', bytes: Buffer.alloc(0) }];

/** The three files of Galaxy Zoo 2 as they are published, of a few drawn galaxies. */
async function publish(): Promise<Map<string, Buffer>> {
  const drawn = syntheticDataset(COUNT, 5, { size: 64 });
  const mapping = ['objid,sample,asset_id'];
  const votes = [`${HART_COLUMNS.join(',')},total_votes`];
  for (const [i, { votes: of }] of drawn.examples.entries()) {
    const { width, height, data: rgb } = await drawn.load(i);
    const rgba = Buffer.alloc(width * height * 4, 255);
    for (let p = 0; p < width * height; p++) rgba.set(rgb.subarray(p * 3, p * 3 + 3), p * 4);
    const objid = `5877229817420${84096 + i}`; // more digits than a double holds
    archive.push(
      { path: `images/${i + 1}.jpg`, bytes: jpeg.encode({ width, height, data: rgba }, 90).data },
      { path: `__MACOSX/images/._${i + 1}.jpg`, bytes: Buffer.from('shadow') },
    );
    mapping.push(`${objid},original,${i + 1}`);
    votes.push(`${objid},${of!.smooth},${of!.featured},${of!.artifact},40`);
  }
  // Most objects of the published tables have no image here, and the other way round.
  mapping.push('587722981742084999,extra,999999');
  votes.push('587722981742084998,0.5,0.5,0,40');
  return new Map([
    ['images_gz2.zip', makeZip(archive)],
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
      'images_gz2.zip',
    ]);
    expect(said.map((sentence) => sentence.split(':')[0])).toEqual(sets[0].files.map(({ file }) => join(data, file)));
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

    // Who unpacks the zip file gets the same.
    const unpacked = join(folder, 'unpacked');
    cpSync(data, unpacked, { recursive: true });
    rmSync(join(unpacked, 'images_gz2.zip'));
    mkdirSync(join(unpacked, 'images'));
    for (const { path, bytes } of archive) if (/^images\/.+/.test(path)) writeFileSync(join(unpacked, path), bytes);
    const other = JSON.parse(
      await succeed('data', 'stats', '--data', unpacked, '--out', join(folder, 'other-stats'), '--json'),
    );
    for (const name of ['galaxies', 'classes', 'thresholds', 'sizes', 'channels', 'equal', 'unreadable'])
      expect(other[name], name).toEqual(stats[name]);
    await succeed(
      'train',
      '--data',
      unpacked,
      ...small,
      '--threshold',
      '0.5',
      '--epochs',
      '2',
      '--out',
      `${run}-other`,
    );
    expect(readFileSync(join(`${run}-other`, 'predictions.csv'))).toEqual(readFileSync(join(run, 'predictions.csv')));

    said.length = 0;
    await fetchSet('galaxy-zoo-2', data, { sets, say: (sentence) => said.push(sentence) });
    expect(said.every((sentence) => sentence.includes('there already'))).toBe(true);
  });
});
