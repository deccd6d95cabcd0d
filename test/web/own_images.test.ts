import { describe, expect, it } from 'vitest';
import { Laboratory } from '../../web/learn/laboratory.ts';
import { forClasses, layersFromText } from '../../web/learn/layer_spec.ts';
import { ownPixelValue, sorted } from '../../web/learn/own_images.ts';
import { DEFAULT_SETTINGS } from '../../web/learn/settings.ts';
import { PIXELS, type Sky } from '../../web/learn/sky.ts';
import { PlainDevice } from '../../web/plain/plain_device.ts';

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

/** Images of one brightness each, which tells their class. */
function drawOwn(classes: readonly string[], count: number, training: number): Sky {
  const labels = Uint8Array.from({ length: count }, (_, i) => i % classes.length);
  const bytes = Uint8Array.from({ length: count * PIXELS }, (_, i) => 40 + 80 * labels[Math.floor(i / PIXELS)]);
  return { bytes, x: Float32Array.from(bytes, ownPixelValue), labels, classes, training, isOwn: true };
}

it('other images begin a run of their own, with as many classes; what does not fit them changes nothing', async () => {
  const layers = layersFromText('conv filters=2 size=1 stride=2; activation; pool size=8 stride=8; dense');
  const settings = { ...DEFAULT_SETTINGS, layers, batchSize: 6, learningRate: 0.02 };
  const two = drawOwn(['dark', 'bright'], 8, 6);
  const laboratory = new Laboratory(
    two,
    settings,
    () => {},
    async () => new PlainDevice(),
  );
  await laboratory.train();
  const three = drawOwn(['dark', 'grey', 'bright'], 12, 9);
  expect(() => laboratory.restart(settings, [], three)).toThrow(
    'the last layer must be a dense layer of 3 units, one for each class, and layer 4, dense layer, has 2',
  );
  expect(laboratory.step).toBe(1);
  expect((await laboratory.look(0)).classes).toEqual(two.classes);

  laboratory.restart({ ...settings, layers: forClasses(layers, 3) }, [], three);
  const first = await laboratory.train();
  let last = first;
  for (let i = 1; i < 40; i++) last = await laboratory.train();
  expect(first.loss).toBeGreaterThan(0.9);
  expect(last.loss).toBeLessThan(0.8 * first.loss);
  const view = await laboratory.look(11);
  expect(view).toMatchObject({ label: 2, classes: three.classes, isOwn: true });
  expect(view.layers.at(-2)!.y.shape).toEqual([1, 3]);
  expect(view.layers[0].y.data[0]).toBe(200 / 64 - 2);
  await laboratory.close();
});
