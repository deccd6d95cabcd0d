import { parquetWriteBuffer } from 'hyparquet-writer';
import { expect, it } from 'vitest';
import { openArchive } from '../../../vision/data/open_archive.node.ts';
import { makeTar, makeZip, noise, scratch, sentence } from './archives.ts';

const file = scratch();
const bytes = noise(1000, 1);
const parquet = new Uint8Array(
  parquetWriteBuffer({ columnData: [{ name: 'png', data: [bytes], type: 'BYTE_ARRAY' }] }),
);

it.each([
  ['a zip file', makeZip([{ path: 'a.jpg', bytes }]), 'a.jpg'],
  ['a tar archive', makeTar([{ path: 'a.jpg', bytes }]), 'a.jpg'],
  ['a parquet file', parquet, 'some.bin/0'],
])('%s is opened, whatever it is called', async (_, archive, id) => {
  const source = await openArchive(file('some.bin', archive));
  // In this order: what a run remembers of an image is a hash of such a text.
  expect(JSON.stringify(source.images)).toBe(`[{"id":"${id}","label":null,"values":null,"side":null}]`);
  expect(Buffer.from(await source.bytes(0)).equals(bytes)).toBe(true);
  await source.close();
});

it('what is none of these, or several zip files, is refused', async () => {
  expect(await sentence(() => openArchive(file('text.bin', noise(2000, 2))))).toMatch(/text.bin is no tar header/);
  expect(await sentence(() => openArchive(file('empty.bin', new Uint8Array(0))))).toMatch(/empty.bin is cut off/);
  expect(await sentence(() => openArchive(file('missing.bin')))).toMatch(/there is no such file/);
  for (const n of [1, 2]) file(`many-${n}.zip`, makeZip([{ path: 'a.jpg', bytes }]));
  expect(await sentence(() => openArchive(file('many-*.zip')))).toMatch(/names 2 zip files, and one is read/);
});
