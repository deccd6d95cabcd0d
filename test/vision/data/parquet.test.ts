import { mkdirSync } from 'node:fs';
import { type BasicType, parquetWriteBuffer, type ParquetWriteOptions } from 'hyparquet-writer';
import { describe, expect, it } from 'vitest';
import { openParquet } from '../../../vision/data/parquet.node.ts';
import { noise, scratch, sentence } from './archives.ts';

const file = scratch();
const ROWS = 7;
const image = (row: number): Uint8Array => noise(300 + row, row);
const hub = (features: unknown) => [{ key: 'huggingface', value: JSON.stringify({ info: { features } }) }];
const FEATURES = {
  image: { _type: 'Image' },
  label: { _type: 'ClassLabel', names: ['elliptical', 'spiral', 'irregular'] },
};
const LABELS = [0, 1, 2, 1, -1, null, 0];

/** A file as the hub stores it: image {bytes, path}, label, and a column that is neither. */
function hubFile(about: Partial<Omit<ParquetWriteOptions, 'writer'>> = {}, rows = ROWS): Uint8Array {
  const numbers = Array.from({ length: rows }, (_, i) => i);
  return new Uint8Array(
    parquetWriteBuffer({
      schema: [
        { name: 'root', num_children: 3 },
        { name: 'image', num_children: 2, repetition_type: 'OPTIONAL' },
        { name: 'bytes', type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL' },
        { name: 'path', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
        { name: 'label', type: 'INT64', repetition_type: 'OPTIONAL' },
        { name: 'ra', type: 'DOUBLE', repetition_type: 'REQUIRED' },
      ],
      columnData: [
        { name: 'image', data: numbers.map((row) => ({ bytes: image(row), path: `${row}.jpg` })) },
        { name: 'label', data: numbers.map((row) => (LABELS[row] === null ? null : BigInt(LABELS[row]))) },
        { name: 'ra', data: numbers.map((row) => row / 3) },
      ],
      kvMetadata: hub(FEATURES),
      rowGroupSize: 3,
      ...about,
    }),
  );
}

const plainFile = (
  type: BasicType,
  labels: unknown[],
  more: { name: string; data: unknown[]; type: BasicType }[] = [],
) =>
  new Uint8Array(
    parquetWriteBuffer({
      columnData: [
        { name: 'png', data: labels.map((_, row) => image(row)), type: 'BYTE_ARRAY' },
        { name: 'label', data: labels, type },
        ...more,
      ],
    }),
  );

describe('a parquet file', () => {
  it('gives no class for an empty text, and none for NaN', async () => {
    for (const [type, labels, found] of [
      ['STRING', ['a', '', 'b'], ['a', null, 'b']],
      ['DOUBLE', [1, Number.NaN, 2], ['1', null, '2']],
    ] as const) {
      const source = await openParquet(file('empty.parquet', plainFile(type, [...labels])));
      expect(source.images.map(({ label }) => label)).toEqual(found);
      await source.close();
    }
  });

  it('that is only looked at may have several columns of classes, or odd ones', async () => {
    const names = ['a', 'b'];
    const features = { fine: { _type: 'ClassLabel', names }, coarse: { _type: 'ClassLabel', names } };
    const two = file(
      'two.parquet',
      new Uint8Array(
        parquetWriteBuffer({
          columnData: [
            { name: 'img', data: [image(0), image(1)], type: 'BYTE_ARRAY' },
            { name: 'fine', data: [0, 7], type: 'INT32' },
            { name: 'coarse', data: [1, 1], type: 'INT32' },
          ],
          kvMetadata: hub(features),
        }),
      ),
    );
    expect(await sentence(() => openParquet(two))).toMatch(/2 columns of classes, fine, coarse: say which/);
    expect(await sentence(() => openParquet(two, { label: 'fine' }))).toMatch(
      /has the label 7, and there are 2 classes/,
    );
    const source = await openParquet(two, { unlabelled: true });
    expect(source.images.map(({ label }) => label)).toEqual([null, null]);
    expect(await source.bytes(1)).toEqual(image(1));
    await source.close();
  });

  it('is known by its folder too where several have its name', async () => {
    for (const part of ['part-0', 'part-1']) {
      mkdirSync(file(part));
      file(`${part}/data.parquet`, plainFile('STRING', ['a', 'b']));
    }
    const source = await openParquet(file('part-{0..1}/data.parquet'));
    expect(source.images.map(({ id }) => id)).toEqual([
      'part-0/data.parquet/0',
      'part-0/data.parquet/1',
      'part-1/data.parquet/0',
      'part-1/data.parquet/1',
    ]);
    await source.close();
  });

  it('of the hub gives its images, the names of their classes, and the side of its name', async () => {
    const source = await openParquet(file('validation-00000-of-00001.parquet', hubFile()));
    expect(source.images.map(({ label }) => label)).toEqual([
      'elliptical',
      'spiral',
      'irregular',
      'spiral',
      null,
      null,
      'elliptical',
    ]);
    expect(source.images[4]).toEqual({
      id: 'validation-00000-of-00001.parquet/4',
      label: null,
      values: null,
      side: 'validation',
    });
    const order = [6, 0, 5, 1, 2, 4, 3];
    const all = await Promise.all(order.map((row) => source.bytes(row)));
    order.forEach((row, i) => expect(all[i]).toEqual(image(row)));
    await source.close();
  });

  it.each(['UNCOMPRESSED', 'SNAPPY'] as const)('packed as %s has its bytes', async (codec) => {
    const source = await openParquet(file('a.parquet', hubFile({ codec, rowGroupSize: 5, pageSize: 500 })));
    for (let row = 0; row < ROWS; row++) expect(await source.bytes(row)).toEqual(image(row));
    await source.close();
  });

  it('of plain bytes has labels as they are', async () => {
    const text = await openParquet(file('text.parquet', plainFile('STRING', ['spiral', 'ring', 'spiral'])));
    expect(text.images.map(({ label, side }) => [label, side])).toEqual([
      ['spiral', null],
      ['ring', null],
      ['spiral', null],
    ]);
    expect(await text.bytes(2)).toEqual(image(2));
    await text.close();
    const numbers = await openParquet(file('numbers.parquet', plainFile('INT32', [4, 2])));
    expect(numbers.images.map(({ label }) => label)).toEqual(['4', '2']);
    await numbers.close();
  });

  it('may be one of many', async () => {
    file('train-0.parquet', hubFile());
    file('train-1.parquet', hubFile({}, 2));
    const source = await openParquet(file('train-*.parquet'));
    expect(source.images).toHaveLength(9);
    expect(source.images[8]).toEqual({ id: 'train-1.parquet/1', label: 'spiral', values: null, side: 'train' });
    expect(await source.bytes(8)).toEqual(image(1));
    await source.close();
  });

  it('has its columns named where they are not plain', async () => {
    const extra = { name: 'thumbnail', data: [image(8), image(9)], type: 'BYTE_ARRAY' as const };
    const path = file('two.parquet', plainFile('STRING', ['a', 'b'], [extra]));
    expect(await sentence(() => openParquet(path))).toMatch(/has 2 columns of images, png, thumbnail: say which/);
    const source = await openParquet(path, { image: 'thumbnail' });
    expect(await source.bytes(1)).toEqual(image(9));
    await source.close();
    expect(await sentence(() => openParquet(path, { label: 'no' }))).toMatch(
      /has no column "no"; it has "png", "label"/,
    );
    expect(await sentence(() => openParquet(path, { image: 'label' }))).toMatch(/has no images in "label"/);
  });

  it('without images, without bytes, or with unknown classes is refused', async () => {
    const none = parquetWriteBuffer({ columnData: [{ name: 'x', data: [1, 2], type: 'INT32' }] });
    expect(await sentence(() => openParquet(file('n.parquet', new Uint8Array(none))))).toMatch(/has no images in "x"/);
    const few = { ...FEATURES, label: { _type: 'ClassLabel', names: ['elliptical', 'spiral'] } };
    expect(await sentence(() => openParquet(file('few.parquet', hubFile({ kvMetadata: hub(few) }))))).toMatch(
      /row 2 of .*few.parquet has the label 2, and there are 2 classes/,
    );
    const hollow = parquetWriteBuffer({ columnData: [{ name: 'png', data: [null, image(1)], type: 'BYTE_ARRAY' }] });
    const source = await openParquet(file('hollow.parquet', new Uint8Array(hollow)));
    expect(await sentence(() => source.bytes(0))).toMatch(/row 0 in .*hollow.parquet has no bytes of an image/);
    expect(await source.bytes(1)).toEqual(image(1));
    await source.close();
  });

  it('that is cut off is refused', async () => {
    const whole = hubFile();
    for (let length = 0; length < whole.length; length += 97) {
      expect(await sentence(() => openParquet(file('cut.parquet', whole.subarray(0, length))))).toMatch(
        /cut.parquet is (no parquet file|damaged)/,
      );
    }
    expect(await sentence(() => openParquet(file('text.parquet', noise(500, 1))))).toMatch(/does not end with PAR1/);
  });

  it('that is damaged is read or refused in a sentence', async () => {
    const whole = hubFile({ rowGroupSize: 4 });
    const footer = whole.length - 8 - new DataView(whole.buffer).getUint32(whole.length - 8, true);
    const places = Array.from({ length: whole.length }, (_, i) => i).filter((i) => i >= footer || i % 11 === 0);
    for (const i of places) {
      const flipped = Uint8Array.from(whole);
      flipped[i] ^= 1 << (i % 8);
      const check = (error: unknown): null => {
        expect(error).toHaveProperty('name', 'UserError');
        expect((error as Error).message).toMatch(/flipped.parquet/);
        return null;
      };
      const source = await openParquet(file('flipped.parquet', flipped)).catch(check);
      if (!source) continue;
      await Promise.all(source.images.map((_, row) => source.bytes(row).catch(check)));
      await source.close();
    }
  });

  it('with a run of thousands of millions of values is refused at once', async () => {
    const whole = hubFile();
    const sentences: string[] = [];
    // The head of the first page, and its levels: a run's length among them.
    for (let bit = 4 * 8; bit < 64 * 8; bit++) {
      const flipped = Uint8Array.from(whole);
      flipped[bit >> 3] ^= 1 << (bit & 7);
      try {
        const source = await openParquet(file('run.parquet', flipped));
        await source.bytes(0).finally(() => source.close());
      } catch (error) {
        sentences.push((error as Error).message);
      }
    }
    expect(sentences.filter((text) => /has a run that is longer than its page/.test(text)).length).toBeGreaterThan(0);
  });
});
