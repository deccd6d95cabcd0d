import { describe, expect, it } from 'vitest';
import { sorted } from '../../web/learn/own_images.ts';

const of = (folder: string, count: number) =>
  Array.from({ length: count }, (_, i) => `${folder}/${String(i).padStart(3, '0')}.jpg`);

describe('folders of own images', () => {
  it('are classes, at any depth, and one folder around them is none', () => {
    const paths = [...of('pets/dogs', 3), ...of('pets/cats/black', 1), ...of('pets/cats/white', 1)];
    const { classes, chosen, training } = sorted(paths);
    expect(classes).toEqual(['cats', 'dogs']);
    expect(chosen.map(({ at, label }) => `${classes[label]} ${paths[at]}`)).toEqual([
      'cats pets/cats/black/000.jpg',
      'dogs pets/dogs/000.jpg',
      'cats pets/cats/white/000.jpg',
      'dogs pets/dogs/001.jpg',
      'dogs pets/dogs/002.jpg',
    ]);
    expect(training).toBe(4);
    expect(sorted([...of('dogs', 1), ...of('cats', 1)]).classes).toEqual(['cats', 'dogs']);
  });

  it('give as many of each class as may be, and all classes are held out too', () => {
    const { chosen, training } = sorted([...of('a', 300), ...of('b', 300), ...of('c', 20)]);
    expect(chosen).toHaveLength(160);
    expect([0, 1, 2].map((k) => chosen.filter(({ label }) => label === k).length)).toEqual([70, 70, 20]);
    expect(training).toBe(128);
    const few = sorted([...of('a', 10), ...of('b', 10)]);
    expect(new Set(few.chosen.slice(few.training).map(({ label }) => label))).toEqual(new Set([0, 1]));
  });

  it('are refused in a sentence', () => {
    expect(() => sorted([])).toThrow('there are no images: choose a folder that holds a folder for each class');
    expect(() => sorted([...of('pets', 2)])).toThrow('pets/000.jpg lies in no folder of a class');
    expect(() => sorted([...of('pets/cats', 2), 'pets/tom.jpg'])).toThrow('pets/tom.jpg lies in no folder of a class');
    expect(() => sorted(Array.from({ length: 11 }, (_, i) => `${i}/a.jpg`))).toThrow('there are 11 classes, and 10');
  });
});
