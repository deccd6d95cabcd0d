import { describe, expect, it } from 'vitest';
import { RandomStream } from '../../engine/random.ts';
import { syntheticDataset } from '../../galaxies/synthetic.ts';
import {
  DEFAULT_AUGMENTATION,
  NO_AUGMENTATION,
  PLAIN,
  PLAIN_VIEWS,
  SYMMETRIES,
  colourMatrix,
  randomPlacement,
  viewMatrix,
  type AugmentationOptions,
} from '../../vision/view/view.ts';
import { sourceSide, sourceSquare } from '../../vision/view/source_square.ts';
import { ViewMaker, imageInput } from '../../vision/view/views.ts';
import { jitter, type Rgb } from '../reference/colour.ts';
import { evaluateGraph } from '../reference/interpreter.ts';
import { openDevice } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { ADAPTERS, evaluate } from '../gpu.ts';
import { uniform } from '../random.ts';
import { UNIT } from '../tolerance.ts';

const look = (m: readonly number[], j: number, i: number) => [m[0] * j + m[1] * i + m[2], m[3] * j + m[4] * i + m[5]];

describe('a view matrix', () => {
  it.each([64, 96, 97, 212, 224, 227, 259, 260, 299])(
    'of %i pixels shows pixels of the image, those in its middle',
    (crop) => {
      const side = sourceSide(crop);
      expect(side).toBeGreaterThanOrEqual(1.5 * crop);
      // An image whose red and green say where each pixel is, with as much to the left of a crop as to the right.
      const wide = crop + 24;
      const data = Uint8Array.from({ length: wide * wide * 3 }, (_, i) => {
        const pixel = Math.floor(i / 3);
        return [pixel % wide, Math.floor(pixel / wide), 0][i % 3] % 256;
      });
      const square = sourceSquare({ width: wide, height: wide, data }, side, crop);
      const [a, b, left, c, d, top] = viewMatrix(PLAIN, crop, side, crop);
      expect([a, b + 0, c + 0, d]).toEqual([1, 0, 0, 1]);
      const first = square[top * side + left];
      expect([first & 255, (first >> 8) & 255]).toEqual([12, 12]);
    },
  );

  it('of the plain view maps corner to corner and centre to centre of the crop', () => {
    expect(viewMatrix(PLAIN, 10, 10, 10).map((v) => v + 0)).toEqual([1, 0, 0, 0, 1, 0]);
    // 10 pixels show 20 source pixels in the middle of 40: pixel centres lie at 10.5, 12.5, ..., 28.5.
    const m = viewMatrix(PLAIN, 10, 40, 20);
    expect(look(m, 0, 0)).toEqual([10.5, 10.5]);
    expect(look(m, 9, 9)).toEqual([28.5, 28.5]);
    expect(look(m, 4.5, 4.5)).toEqual([19.5, 19.5]);
  });

  it('of the symmetries permutes pixel centres exactly, eight ways', () => {
    const size = 4;
    const seen = SYMMETRIES.map((placement) => {
      const m = viewMatrix(placement, size, size, size);
      return Array.from({ length: size * size }, (_, t) =>
        look(m, t % size, Math.floor(t / size))
          .map((v) => v + 0)
          .join(),
      ).join(' ');
    });
    expect(new Set(seen).size).toBe(8);
    const pixels = seen[0].split(' ').sort();
    for (const one of seen) expect(one.split(' ').sort()).toEqual(pixels);
    // A quarter turn and then a transposition by hand: pixel (j, i) of turn 1 looks at (size − 1 − i, j).
    expect(look(viewMatrix(SYMMETRIES[1], size, size, size), 3, 1)).toEqual([2, 3]);
    // Mirrored: columns run backwards.
    expect(look(viewMatrix(SYMMETRIES[4], size, size, size), 0, 2)).toEqual([3, 2]);
  });

  it('of a mirrored view is the mirror image of the view that is not, at every angle', () => {
    for (const angle of [0, 0.3, Math.PI / 2, 2]) {
      const [straight, mirrored] = [false, true].map((m) => viewMatrix({ ...PLAIN, angle, mirrored: m }, 10, 40, 20));
      for (const [j, i] of [
        [0, 2],
        [7, 9],
      ])
        look(mirrored, j, i).forEach((v, axis) => expect(v).toBeCloseTo(look(straight, 9 - j, i)[axis], 12));
    }
  });

  it('zooms, shifts and turns about the centre', () => {
    expect(look(viewMatrix({ ...PLAIN, scale: 2 }, 10, 40, 20), 9, 0)).toEqual([24, 15]);
    expect(look(viewMatrix({ ...PLAIN, shiftX: 0.1, shiftY: -0.25 }, 10, 40, 20), 4.5, 4.5)).toEqual([21.5, 14.5]);
    const [x, y] = look(viewMatrix({ ...PLAIN, angle: Math.PI / 6 }, 11, 21, 11), 10, 5);
    expect(x).toBeCloseTo(10 + 5 * Math.cos(Math.PI / 6), 12);
    expect(y).toBeCloseTo(10 + 5 * Math.sin(Math.PI / 6), 12);
  });
});

describe('the views that predictions are averaged over', () => {
  it('are the eight symmetries, then the same at 45 degrees, sixteen in all and none twice', () => {
    expect(PLAIN_VIEWS.slice(0, 8)).toEqual(SYMMETRIES);
    const matrices = PLAIN_VIEWS.map((placement) => viewMatrix(placement, 8, 12, 8));
    expect(new Set(matrices.map((m) => m.map((v) => v.toFixed(9)).join())).size).toBe(16);
    matrices.slice(8).forEach((m, k) => {
      // All look at the middle; turned by 45 degrees the axes lie along the diagonals.
      look(m, 3.5, 3.5).forEach((v) => expect(v).toBeCloseTo(5.5, 12));
      [0, 1, 3, 4].forEach((i) => expect(Math.abs(m[i]), `view ${8 + k}`).toBeCloseTo(Math.SQRT1_2, 12));
    });
  });
});

describe('the source of a view', () => {
  const image = { width: 6, height: 5, data: Uint8Array.from({ length: 90 }, (_, i) => i) };
  const at = (square: Uint32Array, side: number, row: number, column: number) => square[row * side + column] & 255;
  it('is the middle of a larger image', () => {
    const square = sourceSquare(image, 4, 3);
    expect([at(square, 4, 0, 0), at(square, 4, 3, 3)]).toEqual([3, 3 + 3 * 18 + 9]);
  });
  it('has R lowest, then G, B and 255', () => {
    const pixel = { width: 1, height: 1, data: Uint8Array.of(0x11, 0x22, 0x33) };
    expect(sourceSquare(pixel, 1, 1)[0].toString(16)).toBe('ff332211');
  });
  it('goes on with the edge of a smaller one, whose pixels keep their size', () => {
    const square = sourceSquare(image, 8, 4);
    // Two rows above and one below, one column on either side.
    expect([at(square, 8, 2, 1), at(square, 8, 3, 2)]).toEqual([0, 21]);
    expect([at(square, 8, 0, 0), at(square, 8, 2, 0), at(square, 8, 7, 7)]).toEqual([0, 0, 87]);
  });
  it('is an enlarged image where that does not even fill the view', () => {
    const square = sourceSquare(image, 12, 10);
    expect(new Set(Array.from({ length: 10 }, (_, i) => at(square, 12, 1 + i, 1 + i))).size).toBeGreaterThan(5);
  });
  it('holds red in the lowest byte, then green, then blue, then 255, enlarged or not', () => {
    const flat = { width: 4, height: 4, data: Uint8Array.from({ length: 48 }, (_, i) => [250, 20, 130][i % 3]) };
    expect(new Set(sourceSquare(flat, 4, 4))).toEqual(new Set([0xff8214fa]));
    expect(new Set(sourceSquare(flat, 12, 10))).toEqual(new Set([0xff8214fa]));
  });
  it('reaches the network with every colour normalised by its own mean and deviation', async () => {
    const rgb = [250, 20, 130];
    const image = { width: 4, height: 4, data: Uint8Array.from({ length: 48 }, (_, i) => rgb[i % 3]) };
    const dataset = { ...syntheticDataset(1, 0, { size: 16 }), load: () => Promise.resolve(image) };
    const [mean, std] = [
      [0.485, 0.456, 0.406],
      [0.229, 0.224, 0.225],
    ];
    const maker = new ViewMaker(dataset, { size: 2, crop: 4, normalisation: { mean, std } }, NO_AUGMENTATION, 0);
    const x = imageInput(1, maker.side, maker.geometry);
    const feeds = new Map(Object.entries(await maker.feeds([maker.plain(0)]))) as ReadonlyMap<string, Float32Array>;
    // The feeds are float32: a mean, a factor and an offset, each of a size of 5 at most.
    evaluateGraph([x], feeds)
      .get(x)!
      .forEach((v, i) => expect(Math.abs(v - (rgb[i % 3] / 255 - mean[i % 3]) / std[i % 3])).toBeLessThan(20 * UNIT));
  });
});

describe('a random view', () => {
  it('of a seed shows the same picture on every adapter', async () => {
    const dataset = syntheticDataset(4, 0, { size: 48 });
    const options = {
      ...NO_AUGMENTATION,
      rotation: 180,
      flip: true,
      shift: 0.125,
      brightness: 0.1,
      contrast: 0.1,
      saturation: 0.1,
      hue: 0.05,
    };
    const pictures: Float32Array[] = [];
    for (const adapter of [...ADAPTERS, ADAPTERS[0]]) {
      using device = await openDevice({ gpu: openGpu({ adapter }) });
      const maker = new ViewMaker(
        dataset,
        { size: 16, crop: 38, normalisation: { mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2] } },
        options,
        7,
      );
      pictures.push(
        (
          await evaluate(
            device,
            [imageInput(4, maker.side, maker.geometry)],
            await maker.feeds([0, 1, 2, 3].map((galaxy) => maker.random(galaxy, galaxy))),
          )
        )[0],
      );
    }
    expect(pictures[pictures.length - 1]).toEqual(pictures[0]);
    // Source coordinates up to 64 are off by a few roundings of 64, and a colour changes by at most 1 a pixel each way;
    // normalisation multiplies by 5.
    const bound = 5 * 3 * 2 * (6 * 64 * UNIT);
    for (const picture of pictures) picture.forEach((v, i) => expect(Math.abs(v - pictures[0][i])).toBeLessThan(bound));
  });

  it('of the challenge is a square of 128 within the picture at 160', () => {
    const [side, crop] = [424, 339];
    const random = Array.from({ length: 500 }, (_, i) =>
      randomPlacement({ ...NO_AUGMENTATION, shift: 0.125 }, new RandomStream(2, i)),
    );
    const corners = random.flatMap((placement) =>
      [0, 127].flatMap((at) => look(viewMatrix(placement, 128, side, crop), at, at)),
    );
    expect(Math.min(...corners)).toBeGreaterThan(0);
    expect(Math.min(...corners)).toBeLessThan(4);
    expect(Math.max(...corners)).toBeLessThan(side - 1);
    expect(Math.max(...corners)).toBeGreaterThan(side - 5);
  });

  it('stays within its options and fills them', () => {
    const options: AugmentationOptions = { ...NO_AUGMENTATION, rotation: 30, flip: true, scale: 0.2, shift: 0.1 };
    const drawn = Array.from({ length: 2000 }, (_, i) => randomPlacement(options, new RandomStream(1, i)));
    const span = (of: (p: (typeof drawn)[number]) => number) => [
      Math.min(...drawn.map(of)),
      Math.max(...drawn.map(of)),
    ];
    for (const [of, middle, width] of [
      [(p) => (p.angle * 180) / Math.PI, 0, 30],
      [(p) => p.scale, 1, 0.2],
      [(p) => p.shiftX, 0, 0.1],
      [(p) => p.shiftY, 0, 0.1],
    ] as const satisfies readonly (readonly [(p: (typeof drawn)[number]) => number, number, number])[]) {
      const [low, high] = span(of);
      expect(low).toBeGreaterThanOrEqual(middle - width);
      expect(high).toBeLessThanOrEqual(middle + width);
      expect(high - low).toBeGreaterThan(1.95 * width);
    }
    // Half of 2000 within four standard deviations of √500.
    expect(Math.abs(drawn.filter((p) => p.mirrored).length - 1000)).toBeLessThan(90);
    expect(drawn.map((p) => p.shiftX)).not.toEqual(drawn.map((p) => p.shiftY));
  });

  it('without augmentation is the plain one', () => {
    const { angle, mirrored, scale, shiftX, shiftY } = randomPlacement(NO_AUGMENTATION, new RandomStream(3));
    expect([angle + 0, mirrored, scale, shiftX + 0, shiftY + 0]).toEqual([0, false, 1, 0, 0]);
  });

  it('goes with the id of a galaxy, wherever it stands, and has new places and colours each time', () => {
    const dataset = syntheticDataset(3, 0, { size: 16 });
    const turned = { ...dataset, examples: dataset.examples.toReversed() };
    const geometry = { size: 8, crop: 12, normalisation: { mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2] } };
    const [one, other] = [dataset, turned].map((of) => new ViewMaker(of, geometry, DEFAULT_AUGMENTATION, 1));
    const { placement, colour } = one.random(0, 5);
    expect(other.random(2, 5)).toEqual({ example: 2, placement, colour });
    const next = one.random(0, 6);
    expect(next.placement).not.toEqual(placement);
    expect(next.colour).not.toEqual(colour);
  });

  it('depends on the seed, the galaxy and the repeat, and on nothing drawn before', () => {
    const dataset = syntheticDataset(3, 0, { size: 16 });
    const geometry = { size: 8, crop: 12, normalisation: { mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2] } };
    const maker = (seed: number) => new ViewMaker(dataset, geometry, DEFAULT_AUGMENTATION, seed);
    const other = maker(1);
    other.random(0, 0);
    expect(other.random(2, 5)).toEqual(maker(1).random(2, 5));
    const all = [maker(1).random(2, 5), maker(2).random(2, 5), maker(1).random(1, 5), maker(1).random(2, 4)].map(
      ({ placement, colour }) => JSON.stringify([placement, colour]),
    );
    expect(new Set(all).size).toBe(4);
  });

  it('has colours that have nothing to do with where it looks', () => {
    // Either is drawn from its own stream: were it one, the first number of each would be the same.
    const dataset = syntheticDataset(1, 0, { size: 16 });
    const geometry = { size: 8, crop: 12, normalisation: { mean: [0, 0, 0], std: [1, 1, 1] } };
    const options = { ...NO_AUGMENTATION, rotation: 180, brightness: 0.5 };
    const maker = new ViewMaker(dataset, geometry, options, 1);
    const views = Array.from({ length: 1000 }, (_, repeat) => maker.random(0, repeat));
    // Both as numbers in -1..1.
    const angles = views.map(({ placement }) => placement.angle / Math.PI);
    const factors = views.map(({ colour }) => (colour[0] - 1) / 0.5);
    const product = angles.reduce((sum, angle, i) => sum + angle * factors[i], 0) / angles.length;
    // Independent, a product has the mean 0 and the deviation 1/3; equal, the mean would be 1/3.
    expect(Math.abs(product)).toBeLessThan(5 / 3 / Math.sqrt(angles.length));
    expect(angles.filter((angle, i) => Math.abs(angle - factors[i]) < 1e-9)).toEqual([]);
  });
});

describe('a colour matrix', () => {
  const normalisation = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
  const apply = (m: readonly number[], [r, g, b]: Rgb) =>
    [0, 1, 2].map((row) => m[4 * row] * r + m[4 * row + 1] * g + m[4 * row + 2] * b + m[4 * row + 3]);
  const random = uniform(5);
  const pixels = Array.from({ length: 20 }, (): Rgb => [random(), random(), random()]);

  it('without jitter only normalises', () => {
    const m = colourMatrix(NO_AUGMENTATION, normalisation);
    for (const pixel of pixels)
      apply(m, pixel).forEach((v, k) =>
        expect(v).toBeCloseTo((pixel[k] - normalisation.mean[k]) / normalisation.std[k], 12),
      );
    expect(colourMatrix(NO_AUGMENTATION, normalisation, new RandomStream(1)).map((v) => v + 0)).toEqual(
      m.map((v) => v + 0),
    );
  });

  it('is brightness of contrast of saturation of hue, pixel by pixel', () => {
    const options = { ...NO_AUGMENTATION, brightness: 0.3, contrast: 0.4, saturation: 0.5, hue: 0.2 };
    for (let seed = 0; seed < 10; seed++) {
      // The numbers in the order in which the matrix draws them.
      const stream = new RandomStream(seed);
      const draw = (width: number) => 1 + width * (2 * stream.uniform() - 1);
      const [brightness, contrast, saturation] = [draw(0.3), draw(0.4), draw(0.5)];
      const hue = 2 * Math.PI * (draw(0.2) - 1);
      const m = colourMatrix(options, normalisation, new RandomStream(seed));
      for (const pixel of pixels) {
        const want = jitter(pixel, { brightness, contrast, saturation, hue });
        apply(m, pixel).forEach((v, k) =>
          expect(v).toBeCloseTo((want[k] - normalisation.mean[k]) / normalisation.std[k], 10),
        );
      }
    }
  });

  it('leaves grey grey under any hue, and a third of a turn moves red to green', () => {
    const plain = { mean: [0, 0, 0], std: [1, 1, 1] };
    const m = colourMatrix({ ...NO_AUGMENTATION, hue: 0.5 }, plain, new RandomStream(4));
    apply(m, [0.3, 0.3, 0.3]).forEach((v) => expect(v).toBeCloseTo(0.3, 12));
    const third = jitter([1, 0, 0], { hue: (2 * Math.PI) / 3, saturation: 1, contrast: 1, brightness: 1 });
    [0, 1, 0].forEach((v, k) => expect(third[k]).toBeCloseTo(v, 12));
  });
});
