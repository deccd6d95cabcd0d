import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Device } from '../../engine/device/device.ts';
import { UserError } from '../../engine/user_error.ts';
import { openClassFolders } from '../../vision/data/class_folders.node.ts';
import { limitExamples } from '../../vision/data/limit.ts';
import { openSource } from '../../vision/data/open_source.node.ts';
import type { TrainOptions } from '../../vision/train/options.ts';
import {
  frontOrigin,
  originChanges,
  originOf,
  originText,
  readOrigin,
  type Origin,
} from '../../vision/train/origin_file.node.ts';
import type { Prepared } from '../../vision/train/task.ts';

const folder = mkdtempSync(join(tmpdir(), 'tuningfork-origin-'));
afterAll(() => rmSync(folder, { recursive: true }));

const BEGUN: Origin = {
  adapter: 'llvmpipe',
  weights: 'ab12',
  images: ['a', 'b', 'c', 'd', 'e'].map((id, i) => [
    id,
    i < 4 ? 'train' : 'validation',
    `label ${i}`,
    `date ${i}`,
    `bytes ${i}`,
  ]),
  accepted: [],
};
/** What has changed when each image is another, or gone where it is undefined. */
const changes = (to: (image: Origin['images'][number]) => Origin['images'][number] | undefined) =>
  originChanges(BEGUN, {
    ...BEGUN,
    images: BEGUN.images.flatMap((image) => [to(image)].filter((i) => i !== undefined)),
  });

describe('what a run depends on', () => {
  it('is the same as long as nothing has changed', () => {
    expect(originChanges(BEGUN, structuredClone(BEGUN))).toEqual([]);
    expect(frontOrigin(BEGUN)).toBe(frontOrigin(structuredClone(BEGUN)));
  });

  it('tells what has changed: the first three by name, and how many', () => {
    expect(changes((image) => (image[0] === 'b' ? undefined : image))).toEqual(['1 image is gone (b)']);
    expect(changes(([id, side, label]) => [id, side, label, 'x', 'y'])).toEqual(['5 images were changed (a, b, c, …)']);
    // A copy has other dates.
    expect(changes(([id, side, label, , bytes]) => [id, side, label, 'x', bytes])).toEqual([]);
    expect(changes(([id, side, , ...file]) => [id, side, id < 'c' ? 'x' : 'label 2', ...file])).toEqual([
      '4 images have other labels (a, b, d, …)',
    ]);
    expect(changes(([id, side, ...rest]) => [id, id === 'e' ? 'train' : side, ...rest])).toEqual([
      '1 image is on another side (e)',
    ]);
    expect(changes(([id, ...rest]) => [id === 'd' ? 'f' : id, ...rest])).toEqual([
      '1 image is gone (d)',
      '1 image is new (f)',
    ]);
    expect(originChanges(BEGUN, { ...BEGUN, images: BEGUN.images.toReversed() })).toEqual(['the order of the images']);
    expect(originChanges(BEGUN, { ...BEGUN, adapter: 'SwiftShader', weights: null })).toEqual([
      'the file of weights is another',
      'the adapter was llvmpipe and is now SwiftShader',
    ]);
  });

  it('is another for the frozen front where an image, the weights or the adapter is, and not where a label is', () => {
    const [[id, side, label, dated, bytes], ...others] = BEGUN.images;
    const with_ = (image: Origin['images'][number]) => frontOrigin({ ...BEGUN, images: [image, ...others] });
    expect(with_([id, side, 'other', dated, bytes])).toBe(frontOrigin(BEGUN));
    expect(with_([id, side, label, 'other', bytes])).toBe(frontOrigin(BEGUN));
    expect(with_([id, side, label, dated, 'other'])).not.toBe(frontOrigin(BEGUN));
    expect(with_([id, 'validation', label, dated, bytes])).not.toBe(frontOrigin(BEGUN));
    expect(frontOrigin({ ...BEGUN, weights: null })).not.toBe(frontOrigin(BEGUN));
    expect(frontOrigin({ ...BEGUN, adapter: 'other' })).not.toBe(frontOrigin(BEGUN));
  });

  it('is read from the files', async () => {
    const device = { adapter: { description: 'llvmpipe' } } as Device;
    const weights = join(folder, 'w.safetensors');
    writeFileSync(weights, 'abc');
    const images = join(folder, 'images');
    for (const name of ['cat/1.png', 'cat/2.png', 'dog/3.png']) {
      const path = join(images, name);
      mkdirSync(join(path, '..'), { recursive: true });
      writeFileSync(path, name.repeat(Number(name[4])));
      utimesSync(path, 1_000_000_000, 1_000_000_000);
    }
    const origin = async (options: Pick<TrainOptions, 'weights'> = { weights }, earlier?: Origin) => {
      const dataset = openSource((await openClassFolders(images))!);
      const prepared = { dataset, train: [1], validation: [2] } as unknown as Prepared;
      const found = await originOf(device, prepared, options as TrainOptions, { earlier });
      await dataset.close();
      return found;
    };
    const begun = await origin();
    // By sha256sum.
    expect(begun.weights).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    const all = begun.images.map(([id, side, , ...file]) => [id, side, ...file]);
    // By sha256sum, of the size in a line and the bytes.
    expect(all).toEqual([
      ['cat/2.png', 'train', '18 bytes of 2001-09-09T01:46:40.000Z', '5d162548e3114915'],
      ['dog/3.png', 'validation', '27 bytes of 2001-09-09T01:46:40.000Z', '8b6ba15422ef44b6'],
    ]);
    expect(originChanges(begun, await origin())).toEqual([]);
    // What leaves images out asks for the stamp of the one that it keeps.
    const one = limitExamples(openSource((await openClassFolders(images))!), 1, ({ id }) => id !== 'cat/1.png');
    const size = Number(one.examples[0].id[4]) * 9;
    expect((await one.stamp!(0)).dated).toBe(`${size} bytes of 2001-09-09T01:46:40.000Z`);
    await one.close();
    const path = join(folder, 'origin.json');
    writeFileSync(path, originText(begun));
    expect(readOrigin(path)).toEqual(begun);
    writeFileSync(path, originText(begun).replace('"train"', '7'));
    expect(() => readOrigin(path)).toThrow(
      /origin\.json is damaged .*images\.0\.1 is 7 where a text is needed; delete/,
    );

    // What has the date that it had is not read again; what has another is the same where its bytes are.
    const cat = join(images, 'cat/2.png');
    const known: Origin = {
      ...begun,
      images: begun.images.map(([...image]) => [...image.slice(0, 4), 'known'] as never),
    };
    utimesSync(cat, 1_000_000_001, 1_000_000_001);
    const [read, notRead] = (await origin(undefined, known)).images;
    expect([read[3], read[4], notRead[4]]).toEqual(['18 bytes of 2001-09-09T01:46:41.000Z', all[0][3], 'known']);
    expect(originChanges(begun, await origin(undefined, begun))).toEqual([]);
    writeFileSync(cat, 'cat/2.pngCAT/2.png');
    expect(originChanges(begun, await origin())).toEqual(['1 image was changed (cat/2.png)']);
    // A run of an earlier version has dates alone.
    writeFileSync(path, JSON.stringify({ ...begun, images: begun.images.map((image) => image.slice(0, 4)) }));
    expect(originChanges(readOrigin(path), begun)).toEqual([]);
    expect(originChanges(readOrigin(path), await origin())).toEqual(['1 image was changed (cat/2.png)']);
    // It goes on as often as it is stopped; an earlier resumption may have left nulls.
    for (const missing of [[], [null]]) {
      const images = begun.images.map((image) => [...image.slice(0, 4), ...missing]);
      writeFileSync(path, JSON.stringify({ ...begun, images }));
      utimesSync(cat, 1_000_000_000, 1_000_000_000);
      for (let times = 0; times < 3; times++) {
        const now = await origin(undefined, readOrigin(path));
        writeFileSync(path, originText(now));
        expect(now.images.map(([, , , , bytes]) => typeof bytes)).toEqual(['string', 'string']);
      }
    }
    utimesSync(cat, 1_000_000_001, 1_000_000_001);
    writeFileSync(weights, 'abd');
    expect(originChanges(begun, await origin())).toEqual([
      '1 image was changed (cat/2.png)',
      'the file of weights is another',
    ]);
    await expect(origin({ weights: join(folder, 'none') })).rejects.toThrow(UserError);
    expect((await origin({ weights: null })).weights).toBe(null);
  });
});
