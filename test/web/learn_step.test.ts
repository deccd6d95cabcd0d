import type { Page } from 'puppeteer-core';
import { expect, it } from 'vitest';
import { openDevice } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { Laboratory } from '../../web/learn/laboratory.ts';
import { DEFAULT_SETTINGS } from '../../web/learn/settings.ts';
import { drawSky, type Sky } from '../../web/learn/sky.ts';
import { ADAPTERS } from '../gpu.ts';
import { randomArray } from '../random.ts';
import { sumBound, UNIT } from '../tolerance.ts';
import { click, describeSite, textOf } from './browser.ts';
import { courseFrom, follow } from './course.ts';

const STEPS = 10;
/** The first weight of the dense layer, which follows two convolutions and poolings. */
const WEIGHT = { layer: 7, role: 'w', at: [0, 0] } as const;

/** The weight after each step, as Node has it. */
async function trackInNode(sky: Sky): Promise<number[]> {
  const open = () => openDevice({ gpu: openGpu({ adapter: ADAPTERS[0] }) });
  const laboratory = new Laboratory(sky, DEFAULT_SETTINGS, () => {}, open);
  for (let step = 0; step < STEPS; step++) await laboratory.train();
  const { track } = await laboratory.follow(WEIGHT);
  await laboratory.close();
  return track.map(([, value]) => value);
}

/** The numbers of a part of the step that the page shows, by what its title begins with. */
const shown = (page: Page, title: string) =>
  page.$$eval(
    '.step-part',
    (parts, wanted) => {
      const part = parts.find((each) => each.querySelector('h5')?.textContent?.startsWith(wanted))!;
      const number = (of: string) => Number(part.querySelector(of)!.textContent);
      return {
        computed: number('.computed'),
        onGpu: number('.on-gpu'),
        terms: [...part.querySelectorAll('tbody tr td:last-child')].map(({ textContent }) =>
          Number(textContent!.replaceAll('−', '-')),
        ),
      };
    },
    title,
  );

const set = (page: Page, name: string, to: string) =>
  page.$eval(
    `#running-settings [name=${name}]`,
    (field, value) => {
      (field as HTMLInputElement).value = value;
      field.dispatchEvent(new Event('change', { bubbles: true }));
    },
    to,
  );

describeSite('a weight followed in the Learn page', (site) => {
  it('is what Adam makes of it in float64, and what Node has; settings change on the way; overfitting is noted', async () => {
    const sky = await drawSky();
    const track = await trackInNode(sky);
    // How far two machines that round differently may be apart: see learn.test.ts.
    const apart = track.map(() => 0);
    for (let seed = 1; seed <= 3; seed++) {
      const noise = randomArray(sky.x.length, seed);
      const moved = await trackInNode({ ...sky, x: sky.x.map((v, i) => v * (1 + 64 * UNIT * Math.sign(noise[i]))) });
      moved.forEach((w, i) => (apart[i] = Math.max(apart[i], 2 * Math.abs(w - track[i]))));
    }

    const { page, problems } = await site.open('learn.html');
    await page.waitForSelector('#step:not(:disabled)');
    await page.focus('#layers > li.dense [aria-label^="Weights w"]');
    for (let i = 0; i < 12; i++) await page.keyboard.press(i % 2 ? 'ArrowLeft' : 'ArrowUp');
    expect(await page.$eval('#inspector-title', (title) => title.textContent)).toMatch(
      /^Weight of dense: input 0, class 0/,
    );
    await click(page, '#turn-step');
    expect(await textOf(page, '#inspector-step p')).toMatch(/^No step was made yet/);

    const course = courseFrom(track[0]);
    for (let step = 1; step <= STEPS; step++) {
      await click(page, '#step');
      await textOf(page, '#step-title', new RegExp(`^Step ${step}: Adam, learning rate 0.003$`));
      const [g, m, v, w] = await Promise.all(['Gradient', 'First', 'Second', 'New'].map((title) => shown(page, title)));
      expect(g.terms).toHaveLength(16);
      // The GPU adds the same terms, each of them one product. Three digits of each are shown.
      const size = 1.005 * g.terms.reduce((sum, term) => sum + Math.abs(term), 0);
      const rounding = Math.abs(g.computed - g.onGpu);
      expect(rounding).toBeLessThanOrEqual(sumBound(16, size));
      follow(course, { v: g.computed, e: rounding }, DEFAULT_SETTINGS, 0);
      expect(Math.abs(m.onGpu - course.m.v), `m at step ${step}`).toBeLessThanOrEqual(course.m.e);
      expect(Math.abs(v.onGpu - course.s.v), `v at step ${step}`).toBeLessThanOrEqual(course.s.e);
      expect(Math.abs(w.onGpu - course.w.v), `w at step ${step}`).toBeLessThanOrEqual(course.w.e);
      expect(Math.abs(w.onGpu - track[step]), `w at step ${step}, and in Node`).toBeLessThanOrEqual(apart[step]);
    }
    expect(await textOf(page, 'svg.track title')).toMatch(/^The weight from step 0, .* to step 10, /);
    expect(await textOf(page, '.step-part:last-of-type mark')).toMatch(/w\[i\] = weight - step \* hyper\[0\]/);

    // Another rate, from the next step on: the run goes on.
    await set(page, 'learningRate', '0.01');
    await click(page, '#step');
    await textOf(page, '#step-title', /^Step 11: Adam, learning rate 0.01$/);
    await click(page, '#turn-back');
    expect(await page.$eval('#inspector-step', (place) => (place as HTMLElement).hidden)).toBe(true);

    // By heart: eight galaxies.
    expect(await page.$eval('#notes', (notes) => (notes as HTMLElement).hidden)).toBe(true);
    await set(page, 'trainingSize', '8');
    await set(page, 'batchSize', '8');
    for (let step = 21; step <= 91 && (await page.$eval('#notes', ({ textContent }) => !textContent)); step += 10) {
      await click(page, '#ten');
      await textOf(page, '#standing', new RegExp(`^Step ${step}:`));
    }
    expect(await textOf(page, '#notes')).toMatch(/^The network overfits: 100 % of the training images are right/);
    expect(problems).toEqual([]);
    await page.close();
  });
});
