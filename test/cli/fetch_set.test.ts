import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, it } from 'vitest';
import { UserError } from '../../engine/user_error.ts';
import { fetchSet } from '../../cli/fetch_set.node.ts';
import { gunzipFile } from '../../cli/gunzip.node.ts';
import type { SourceSet } from '../../cli/sources.ts';

const CSV = 'id,votes\n1,0.5\n'.repeat(20_000);
const FILES: Record<string, Buffer> = { '/a.csv.gz': gzipSync(CSV), '/b.zip': Buffer.from('not really a zip') };
const md5 = createHash('md5').update(FILES['/b.zip']).digest('hex');

let folder: string;
let server: Server;
let sets: SourceSet[];
let requests = 0;

beforeAll(async () => {
  server = createServer((request, response) => {
    requests++;
    response.end(FILES[request.url ?? '']);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  sets = [
    {
      name: 'both',
      licence: '',
      files: [
        { file: 'a.csv.gz', url: `${base}/a.csv.gz`, about: '' },
        { file: 'b.zip', url: `${base}/b.zip`, md5, about: '' },
      ],
    },
  ];
});
afterAll(() => new Promise((resolve) => server.close(resolve)));
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tuningfork-set-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('fetchSet', () => {
  it('brings all files, unpacks the csv, and says how each was verified', async () => {
    const said: string[] = [];
    const deep = join(folder, 'new/folder');
    await fetchSet('both', deep, { sets, say: (sentence) => said.push(sentence) });
    expect((await readdir(deep)).sort()).toEqual(['a.csv', 'a.csv.gz', 'b.zip']);
    expect(await readFile(join(deep, 'a.csv'), 'utf8')).toBe(CSV);
    expect(said[0]).toContain(
      `no checksum is known for it; sha256 ${createHash('sha256').update(FILES['/a.csv.gz']).digest('hex')}`,
    );
    expect(said[1]).toMatch(/b\.zip: 16 bytes from 127\.0\.0\.1:\d+; its md5 is right\.$/);
  });

  it('asks for nothing that is there, and unpacks again what is missing', async () => {
    await fetchSet('both', folder, { sets });
    requests = 0;
    await rm(join(folder, 'a.csv'));
    const fetched = await fetchSet('both', folder, { sets });
    expect([...fetched.values()].map(({ present }) => present)).toEqual([true, true]);
    expect(requests).toBe(0);
    expect(await readFile(join(folder, 'a.csv'), 'utf8')).toBe(CSV);
  });

  it('refuses an unknown set by naming the known, and a folder that cannot be', async () => {
    await expect(fetchSet('none', folder)).rejects.toThrow(
      /nothing called 'none' to fetch; choose one of galaxy-zoo-2, efficientnet-b0/,
    );
    await writeFile(join(folder, 'file'), '');
    await expect(fetchSet('both', join(folder, 'file/x'), { sets })).rejects.toThrow(UserError);
  });
});

describe('gunzipFile', () => {
  it('leaves nothing of an archive that is damaged or cut short', async () => {
    const archive = join(folder, 'x.gz');
    const cut = gzipSync(CSV).subarray(0, 200);
    for (const bytes of [cut, Buffer.from('no gzip at all')]) {
      await writeFile(archive, bytes);
      await expect(gunzipFile(archive, join(folder, 'x'))).rejects.toThrow(
        /x\.gz: it cannot be unpacked .* fetch it again/,
      );
      expect(await readdir(folder)).toEqual(['x.gz']);
    }
  });
});
