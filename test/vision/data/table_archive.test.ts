import { describe, expect, it } from 'vitest';
import { openArchive } from '../../../vision/data/open_archive.node.ts';
import { openSource } from '../../../vision/data/open_source.node.ts';
import { openTable } from '../../../vision/data/table.node.ts';
import { toPng } from '../../../vision/report/encode.node.ts';
import { makeTar, makeZip, scratch, sentence } from './archives.ts';

const file = scratch();
const picture = (grey: number) => toPng({ width: 2, height: 2, data: new Uint8Array(12).fill(grey) });
const entries = [1, 2, 3].map((n) => ({ path: `in/${n}.png`, bytes: picture(n) }));
const columns = { image: 'file', label: 'class' };
const table = (name: string, rows: string) => file(name, Buffer.from(`file,class\n${rows}`));

describe('a table of images in an archive', () => {
  it.each([
    ['some.zip', makeZip(entries), 'in/3.png,a\nin/1.png,b\n'],
    ['some-0.tar', makeTar(entries), 'in/3.png,a\nin/1.png,b\n'],
  ])('lists those of %s that it names, in its order', async (name, bytes, rows) => {
    const archive = await openArchive(file(name, bytes));
    const dataset = openSource(await openTable(table(`${name}.csv`, rows), { columns, archive }), { threads: 0 });
    expect(dataset.examples.map(({ id, label }) => [id, label])).toEqual([
      ['in/3.png', 'a'],
      ['in/1.png', 'b'],
    ]);
    expect([(await dataset.load(0)).data[0], (await dataset.load(1)).data[0]]).toEqual([3, 1]);
    // What tells whether an image was changed is the archive's.
    expect((await dataset.stamp!(0)).dated).toMatch(new RegExp(`^${bytes.length} bytes`));
    await dataset.close();
  });

  it('finds them however paths are written', async () => {
    const archive = await openArchive(file('dots.zip', makeZip(entries)));
    const source = await openTable(table('dots.csv', './in/3.png,a\nin/../in/2.png,b\n'), { columns, archive });
    expect(await Promise.all([source.bytes(0), source.bytes(1)])).toEqual(
      [entries[2].bytes, entries[1].bytes].map((b) => new Uint8Array(b)),
    );
    await source.close();
  });

  it('names the archive where an image in it is damaged', async () => {
    const archive = await openArchive(
      file('damaged.zip', makeZip([{ path: 'a.png', bytes: Buffer.from('no image') }])),
    );
    const dataset = openSource(await openTable(table('damaged.csv', 'a.png,a\n'), { columns, archive }), {
      threads: 0,
    });
    expect(await sentence(() => dataset.load(0))).toContain(`a.png in ${archive.name}`);
    await dataset.close();
  });

  it('tells what is missing in it, by name', async () => {
    const archive = await openArchive(file('few.zip', makeZip(entries)));
    const path = table('few.csv', 'in/1.png,a\n1.png,b\nin/4.png,a\n');
    expect(await sentence(() => openTable(path, { columns, archive }))).toMatch(
      /few\.csv names 2 files that are missing: 1\.png in .*few\.zip \(line 3\), in\/4\.png in .*few\.zip \(line 4\); give/,
    );
    const { images, notes, bytes } = await openTable(path, { columns, archive, skipBad: true });
    expect(images).toEqual([{ id: 'in/1.png', label: 'a', values: null, side: null }]);
    expect(notes).toHaveLength(1);
    expect(Buffer.from(await bytes(0)).equals(Buffer.from(entries[0].bytes))).toBe(true);
    await archive.close();
  });
});
