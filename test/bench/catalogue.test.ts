import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { benchCatalogue, showCatalogue } from '../../bench/catalogue.ts';
import { SILENT } from '../../vision/progress.ts';

// What is only waiting to be collected says nothing about what is held.
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const leftovers = () => readdirSync(tmpdir()).filter((name) => name.startsWith('tuningfork-catalogue-'));

it('a catalogue of 700 small galaxies is opened, divided and streamed once, and leaves nothing behind', async () => {
  const before = leftovers();
  const ticks: number[] = [];
  const result = await benchCatalogue(
    { galaxies: 700, images: 3, side: 64, batch: 32 },
    {
      ...SILENT,
      tick(done) {
        ticks.push(done);
        collectGarbage();
      },
    },
  );
  expect(result.train + result.validation).toBe(700);
  expect(result.validation / 700).toBeCloseTo(0.2, 1);
  expect(ticks[ticks.length - 1]).toBe(700);
  expect(result.points.length).toBe(10);
  // To hold on to the 630 galaxies between would take 7 MiB as they are decoded and 6 MiB as the squares that views are
  // made from; 128 of those are kept, 1.1 MiB.
  expect(result.points[9].buffers - result.points[0].buffers).toBeLessThan(2 * 2 ** 20);
  expect(result.memory.peak).toBeGreaterThanOrEqual(Math.max(...result.points.map(({ resident }) => resident)));
  expect(showCatalogue(result)).toMatch(/^700 galaxies, 3 different images of 64 x 64 pixels/);
  expect(leftovers()).toEqual(before);
});
