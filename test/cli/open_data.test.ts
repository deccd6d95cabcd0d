import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { lookedAtBy, openData, type OpenData, type OpenOptions } from '../../cli/open_data.node.ts';
import { CHALLENGE_COLUMNS } from '../../galaxies/columns.ts';
import { parseStretch } from '../../vision/data/stretch.ts';
import { SILENT } from '../../vision/progress.ts';
import { makePng } from '../vision/data/png_files.ts';

const scratch = mkdtempSync(join(tmpdir(), 'tuningfork-open-data-'));
afterAll(() => rmSync(scratch, { recursive: true }));
let made = 0;

/** A new folder with these files, empty but for those of which the text is given. */
function folder(paths: readonly string[], texts: Readonly<Record<string, string | Buffer>> = {}): string {
  const root = join(scratch, `${made++}`);
  mkdirSync(root);
  for (const [path, text] of [...paths.map((each) => [each, ''] as const), ...Object.entries(texts)]) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

const opened = async <T>(data: string, use: (data: OpenData) => T, options?: OpenOptions): Promise<Awaited<T>> => {
  const found = await openData({ data }, SILENT, options);
  try {
    return await use(found);
  } finally {
    await found.dataset.close();
  }
};
const listed = ({ kind, dataset }: OpenData) => [kind, ...dataset.examples.map(({ id }) => id)];
const VOTES = `GalaxyID,${CHALLENGE_COLUMNS.join()}\n7,${CHALLENGE_COLUMNS.map(() => 0.5).join()}\n`;
const LOOKED_AT = {
  galaxies: lookedAtBy({ task: { name: 'challenge', head: 'tree' } }),
  images: lookedAtBy({ task: { name: 'classes', labelSmoothing: 0 } }),
};

describe('a folder', () => {
  it('of images alone holds all of them, of whatever format', async () => {
    const flat = folder(['a.png', 'b.tif', 'c.webp', 'd.fits', 'e.jpg']);
    expect(await opened(flat, listed, LOOKED_AT.images)).toEqual([
      'images',
      'a.png',
      'b.tif',
      'c.webp',
      'd.fits',
      'e.jpg',
    ]);
    // A model of galaxies knows them by the names that its submissions have.
    expect(await opened(flat, listed, LOOKED_AT.galaxies)).toEqual(['galaxies', 'a', 'b', 'c', 'd', 'e']);
    const beside = folder(['a.png', 'b.bmp']);
    for (const options of Object.values(LOOKED_AT))
      expect(await opened(beside, ({ dataset }) => dataset.notes, options)).toEqual([
        `1 file of ${beside} is no image: b.bmp`,
      ]);
    const nested = folder(['night/a.png', 'b.png']);
    expect(await opened(nested, listed, LOOKED_AT.galaxies)).toEqual(['images', 'b.png', 'night/a.png']);
  });

  it('of classes keeps them beside a picture of its own', () =>
    opened(folder(['cats/1.png', 'dogs/2.png', 'overview.png']), (data) => {
      expect(listed(data)).toEqual(['images', 'cats/1.png', 'dogs/2.png', 'overview.png']);
      expect(data.dataset.notes).toEqual(["1 image lies in no class's folder: overview.png"]);
    }));

  it.each(['labels.csv', 'mine.tsv'])("keeps them beside a table of one's own, %s, which is told of", async (name) => {
    const dir = folder(['cats/1.png', 'dogs/2.png'], { [name]: 'file,class\ncats/1.png,cat\n' });
    await opened(dir, (data) => {
      expect(listed(data)).toEqual(['images', 'cats/1.png', 'dogs/2.png']);
      expect(data.dataset.notes).toContain(`${join(dir, name)}: a table is read when it is given by --table`);
    });
    expect(await opened(folder(['1.png'], { [name]: 'file,class\n1.png,cat\n' }), listed)).toEqual(['images', '1.png']);
  });

  it('with votes holds galaxies, wherever the images and whatever their formats', async () => {
    for (const image of ['7.jpg', 'images/7.tif'])
      expect(await opened(folder([image], { 'solutions.csv': VOTES }), listed)).toEqual(['galaxies', '7']);
    // Votes that cannot be read are not passed over.
    const dir = folder(['7.jpg'], { 'labels.csv': VOTES.replaceAll(',', ';') });
    await expect(openData({ data: dir }, SILENT)).rejects.toThrow(/separated by semicolons/);
  });

  it('is shown with the stretch that is asked for, galaxies or not', async () => {
    const samples = Array.from({ length: 100 }, (_, i) => i);
    const faint = makePng({ width: 10, height: 10, depth: 16, colour: 0, samples });
    const stretch = parseStretch('linear:low=0,high=100');
    const brightest = async (dir: string, options?: OpenOptions) => {
      const { dataset } = await openData({ data: dir, stretch }, SILENT, options);
      const { data } = await dataset.load(0);
      await dataset.close();
      return Math.max(...data);
    };
    expect(await brightest(folder([], { 'a.png': faint }))).toBe(255);
    expect(await brightest(folder([], { 'a.png': faint }), LOOKED_AT.galaxies)).toBe(255);
    expect(await brightest(folder([], { '7.png': faint, 'solutions.csv': VOTES }))).toBe(255);
  });
});
