import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openClassFolders } from '../../vision/data/class_folders.node.ts';
import { classNames, type Labelled } from '../../vision/data/labelled.ts';
import { openTable } from '../../vision/data/table.node.ts';

const scratch = mkdtempSync(join(tmpdir(), 'tuningfork-sources-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
let made = 0;

/** A new folder with these files, empty ones: nothing here decodes them. */
function folder(...paths: string[]): string {
  const root = join(scratch, `${made++}`);
  mkdirSync(root);
  for (const path of paths) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), '');
  }
  return root;
}

const listed = async (dir: string) =>
  (await openClassFolders(dir))!.images.map(({ id, label, side }) => [id, label, side]);

describe('folders by class', () => {
  it('give each image the name of the first folder, at any depth below it', async () => {
    const dir = folder(
      'dogs/b.PNG',
      'cats/1.jpg',
      'cats/deep/er/2.jpeg',
      'cats/notes.txt',
      '.hidden/3.jpg',
      'dogs/.4.jpg',
    );
    expect(await listed(dir)).toEqual([
      ['cats/1.jpg', 'cats', null],
      ['cats/deep/er/2.jpeg', 'cats', null],
      ['dogs/b.PNG', 'dogs', null],
    ]);
    const { images } = (await openClassFolders(dir))!;
    expect(JSON.stringify(images[0])).toBe('{"id":"cats/1.jpg","label":"cats","values":null,"side":null}');
  });

  it('may lie in folders that name a side', async () => {
    const dir = folder('train/cats/1.jpg', 'train/dogs/1.jpg', 'val/cats/2.jpg', 'test/dogs/3.jpg');
    expect(await listed(dir)).toEqual([
      ['test/dogs/3.jpg', 'dogs', 'test'],
      ['train/cats/1.jpg', 'cats', 'train'],
      ['train/dogs/1.jpg', 'dogs', 'train'],
      ['val/cats/2.jpg', 'cats', 'validation'],
    ]);
  });

  it('may lie in a folder that all share', async () => {
    expect(await listed(folder('set/images/cats/1.jpg', 'set/images/dogs/2.jpg'))).toEqual([
      ['set/images/cats/1.jpg', 'cats', null],
      ['set/images/dogs/2.jpg', 'dogs', null],
    ]);
  });

  it('may be links, to files and to folders, and never go round', async () => {
    const away = folder('1.jpg');
    const dir = folder('dogs/2.jpg');
    symlinkSync(away, join(dir, 'cats'));
    symlinkSync(join(dir, 'dogs/2.jpg'), join(dir, 'dogs/3.jpg'));
    expect((await listed(dir)).map(([id]) => id)).toEqual(['cats/1.jpg', 'dogs/2.jpg', 'dogs/3.jpg']);
    symlinkSync(dir, join(dir, 'dogs/up'));
    await expect(openClassFolders(dir)).rejects.toThrow(/dogs\/up is a link to a folder that it lies in/);
    const dead = folder('cats/1.jpg');
    symlinkSync(join(dead, 'nowhere.jpg'), join(dead, 'cats/2.jpg'));
    await expect(openClassFolders(dead)).rejects.toThrow(/cats\/2\.jpg is a link to nothing/);
  });

  it('may have the name of a side, where others lie beside them', async () => {
    const vehicles = (await openClassFolders(folder('bus/1.jpg', 'car/2.jpg', 'train/3.jpg')))!;
    expect(vehicles.images.map(({ label, side }) => [label, side])).toEqual([
      ['bus', null],
      ['car', null],
      ['train', null],
    ]);
    expect(vehicles.notes).toEqual(['the folder train is taken for a class, since others lie beside it']);
    expect(await listed(folder('bus/city/1.jpg', 'train/fast/2.jpg'))).toEqual([
      ['bus/city/1.jpg', 'bus', null],
      ['train/fast/2.jpg', 'train', null],
    ]);
    // Of sides that hold classes an odd folder beside them makes none, nor do images without a class in one of them.
    expect(await listed(folder('train/cats/1.jpg', 'val/cats/2.jpg', 'more/3.jpg'))).toEqual([
      ['more/3.jpg', 'more', null],
      ['train/cats/1.jpg', 'cats', 'train'],
      ['val/cats/2.jpg', 'cats', 'validation'],
    ]);
    expect(await listed(folder('train/cats/1.jpg', 'test/2.jpg'))).toEqual([
      ['test/2.jpg', null, 'test'],
      ['train/cats/1.jpg', 'cats', 'train'],
    ]);
  });

  it('tell of files that are no images, and of links that lead nowhere', async () => {
    const dir = folder(
      'cats/1.jpg',
      'dogs/1.jpg',
      'birds/1.bmp',
      'birds/2.bmp',
      'dogs/1.txt',
      'birds/3.bmp',
      '.DS_Store',
    );
    symlinkSync(join(dir, 'nowhere.jpg'), join(dir, 'dogs/2.jpg'));
    const { images, notes } = (await openClassFolders(dir, { skipBad: true }))!;
    expect(images).toHaveLength(2);
    expect(notes).toEqual([
      `4 files of ${dir} are no images: birds/1.bmp, birds/2.bmp, birds/3.bmp, …`,
      '1 link leads nowhere and is left out: dogs/2.jpg',
    ]);
  });

  it('tell of images beside them, and are none where there are no images', async () => {
    const source = (await openClassFolders(folder('cats/1.jpg', 'dogs/1.jpg', 'stray.jpg')))!;
    expect(source.notes).toEqual(['1 image lies in no class’s folder: stray.jpg'.replace('’', "'")]);
    expect(source.images.find(({ id }) => id === 'stray.jpg')!.label).toBeNull();
    expect(await openClassFolders(folder('cats/notes.txt'))).toBeNull();
  });
});

describe('a table', () => {
  const table = (text: string, name = 'labels.csv', ...files: string[]) => {
    const dir = folder(...files);
    writeFileSync(join(dir, name), text);
    return join(dir, name);
  };
  const columns = { image: 'file_loc', label: 'class' };

  it('lists images beside it, comma or tab separated, with labels and sides', async () => {
    const text = 'n,file_loc,class,part\n1,a/1.jpg,cat,train\n2,2.png,,VAL\n3,b.jpg,dog,\n';
    for (const [name, said] of [
      ['labels.csv', text],
      ['labels.tsv', text.replaceAll(',', '\t')],
    ]) {
      const path = table(said, name, 'a/1.jpg', '2.png', 'b.jpg');
      const { images, fileOf, notes } = await openTable(path, { columns: { ...columns, split: 'part' } });
      expect(images).toEqual([
        { id: 'a/1.jpg', label: 'cat', values: null, side: 'train' },
        { id: '2.png', label: null, values: null, side: 'validation' },
        { id: 'b.jpg', label: 'dog', values: null, side: null },
      ]);
      expect(JSON.stringify(images[0])).toBe('{"id":"a/1.jpg","label":"cat","values":null,"side":"train"}');
      expect(images.map((_, i) => fileOf!(i))).toEqual(
        ['a/1.jpg', '2.png', 'b.jpg'].map((name) => join(dirname(path), name)),
      );
      expect(notes).toEqual([]);
    }
  });

  it('takes one file for one image, however it is written', async () => {
    const path = table('file_loc,class\n1.jpg,a\n./1.jpg,b\n', 'labels.csv', '1.jpg');
    await expect(openTable(path, { columns })).rejects.toThrow(/line 3: \.\/1\.jpg is there already, in line 2/);
  });

  it('lacks a column although another one has its name in it', async () => {
    const path = table('file_loc,my class\n1.jpg,a\n', 'labels.csv', '1.jpg');
    await expect(openTable(path, { columns })).rejects.toThrow(/labels\.csv: column class is missing$/);
  });

  it('names the first of the files that are missing, and leaves them out where that is wanted', async () => {
    const path = table('file_loc,class\n1.jpg,a\n2.jpg,b\n3.jpg,a\n4.jpg,a\n5.jpg,b\n', 'labels.csv', '5.jpg');
    await expect(openTable(path, { columns })).rejects.toThrow(
      /names 4 files that are missing: \S*1\.jpg \(line 2\), \S*2\.jpg \(line 3\), \S*3\.jpg \(line 4\) and 1 more; .*--images, or .*--skip-bad/,
    );
    const { images, notes } = await openTable(path, { columns, skipBad: true });
    expect(images.map(({ id }) => id)).toEqual(['5.jpg']);
    expect(notes[0]).toMatch(/4 files that are missing: .*: left out$/);
    await expect(openTable(path, { columns, skipBad: true, images: scratch })).rejects.toThrow(
      /5 files that are missing/,
    );
  });

  it.each([
    ['file_loc,class\n1.jpg,a\n1.jpg,b\n', /line 3: 1\.jpg is there already, in line 2/],
    ['file_loc,class\n,a\n', /line 2, column file_loc: empty/],
    ['file,class\n1.jpg,a\n', /column file_loc is missing/],
    ['file_loc,class\n', /lists no images/],
    ['', /lists no images/],
  ])('is refused by a sentence: %j', async (text, message) => {
    await expect(openTable(table(text, 'labels.csv', '1.jpg'), { columns })).rejects.toThrow(message);
  });

  it('knows the names of sides and no others', async () => {
    const path = table('file_loc,class,part\n1.jpg,a,maybe\n', 'labels.csv', '1.jpg');
    await expect(openTable(path, { columns: { ...columns, split: 'part' } })).rejects.toThrow(
      /line 2, column part: "maybe" is no side/,
    );
  });
});

describe('the classes of images', () => {
  const of = (...labels: (string | null)[]): Labelled[] =>
    labels.map((label, i) => ({ id: String(i), label, values: null, side: null }));
  it('are sorted by name', () => expect(classNames('d', of('b', 'a', null, 'b', 'a'))).toEqual(['a', 'b']));
  it.each([
    [of(null, null), /d has no labelled image; .*folder of its own/],
    [of('a', 'a'), /d has only one class, a; /],
    [of('Cat', 'cat', 'Cat', 'cat', 'b', 'b'), /the classes Cat and cat, which differ by case alone/],
    [of('a', 'a', 'b', 'c', 'd', 'e', 'f', 'f'), /one image of the class b, c, d and 1 more: /],
  ])('are refused by a sentence', (examples, message) => {
    expect(() => classNames('d', examples)).toThrow(message);
  });
});
