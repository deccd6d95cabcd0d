import type { Page } from 'puppeteer-core';
import { describe, expect, it } from 'vitest';
import { Laboratory } from '../../web/learn/laboratory.ts';
import { DEFAULT_SETTINGS } from '../../web/learn/settings.ts';
import { drawSky } from '../../web/learn/sky.ts';
import { openAnyDevice } from '../../web/plain/open_device.ts';
import { UNIT } from '../tolerance.ts';
import { click, describeSite, textOf } from './browser.ts';

const SAYS = 'This browser has no WebGPU: the numbers are computed in JavaScript, in float64, slowly.';

/** The losses of as many steps that Node makes without a GPU: it has a navigator, and no WebGPU there. */
async function lossesInNode(steps: number): Promise<number[]> {
  const laboratory = new Laboratory(await drawSky(), DEFAULT_SETTINGS, () => {}, openAnyDevice);
  const losses: number[] = [];
  for (let i = 0; i < steps; i++) losses.push((await laboratory.train()).loss);
  await laboratory.close();
  return losses;
}

/** Has the page keep the losses that its worker tells. */
async function listen(page: Page): Promise<void> {
  await page.evaluateOnNewDocument(() => {
    const losses: number[] = [];
    Object.assign(globalThis, { losses });
    const Original = Worker;
    globalThis.Worker = class extends Original {
      constructor(url: string | URL, options?: WorkerOptions) {
        super(url, options);
        this.addEventListener('message', ({ data }) => {
          const loss: unknown = data.result?.result?.loss;
          if (typeof loss === 'number') losses.push(loss);
        });
      }
    };
  });
  await page.reload();
}

const gridOf = (page: Page, name: string): Promise<number[]> =>
  page.$$eval(`[data-name="${name}"] td`, (cells) => cells.map((cell) => Number(cell.textContent!.replace('−', '-'))));

describeSite(
  'a browser without WebGPU, the site below a prefix',
  (site) => {
    it('has chapters whose figures answer, and say what computes', async () => {
      const { page, problems } = await site.open('chapter-02-convolution.html');
      expect(new URL(page.url()).pathname).toBe('/project/chapter-02-convolution.html');
      expect(await textOf(page, 'article .message:not(section *)', /JavaScript/)).toBe(SAYS);
      await textOf(page, 'section.live .behind', /=/);
      const [x, w, y] = [await gridOf(page, 'x'), await gridOf(page, 'w'), await gridOf(page, 'y')];
      const convolved = (weights: readonly number[]) =>
        [0, 1, 4, 5].map((corner) =>
          weights.reduce((sum, v, i) => sum + v * x[corner + 4 * Math.floor(i / 3) + (i % 3)], 0),
        );
      expect(y).toEqual(convolved(w));
      // The middle tap is changed.
      await (await page.$$('[data-name="w"] td'))[4].click();
      await textOf(page, '.editor:not([hidden])', /w\[1, 1, 0, 0\]/);
      await page.focus('.editor input');
      await page.keyboard.down('Control');
      await page.keyboard.press('a');
      await page.keyboard.up('Control');
      await page.keyboard.type('7');
      await page.keyboard.press('Tab');
      const want = convolved(w.map((v, i) => (i === 4 ? 7 : v)));
      expect(want).not.toEqual(y);
      await page.waitForFunction(
        (numbers) =>
          [...document.querySelectorAll('[data-name="y"] td')]
            .map((cell) => cell.textContent!.replace('−', '-'))
            .join() === numbers,
        {},
        want.join(),
      );
      expect(problems).toEqual([]);
      await page.close();
    });

    it('learns: two steps have the losses of Node, in float64', async () => {
      const { page, problems } = await site.open('learn.html');
      await listen(page);
      await page.waitForSelector('#step:not(:disabled)');
      expect(await textOf(page, '#message', /JavaScript/)).toBe(SAYS);
      for (const step of [1, 2]) {
        await click(page, '#step');
        await textOf(page, '#standing', new RegExp(`^Step ${step}:`));
      }
      const losses = await page.evaluate(() => (globalThis as unknown as { losses: number[] }).losses);
      const want = await lossesInNode(2);
      expect(losses).toHaveLength(2);
      // Both are read as f32; exp may differ in the last place of float64 from one engine of JavaScript to another.
      losses.forEach((loss, i) => expect(Math.abs(loss - want[i])).toBeLessThanOrEqual(2 * UNIT * want[i]));
      expect(problems).toEqual([]);
      await page.close();
    });

    it.each([
      ['index.html', '#adapter'],
      ['look.html', '#inspect-message'],
      ['look.html', '#device'],
      ['measure.html', '#adapter'],
      ['chapter-16-read-the-kernel.html', 'section.live .message'],
    ])('says in %s what is missing', async (path, place) => {
      const { page, problems } = await site.open(path);
      expect(await textOf(page, place, /WebGPU/)).toMatch(
        /^This browser has WebGPU, and found no GPU for it: .*chrome:\/\/gpu\.$/,
      );
      expect(problems).toEqual([]);
      await page.close();
    });
  },
  undefined,
  undefined,
  { webgpu: 'none', prefix: '/project/' },
);

describe('what pages open', () => {
  it('computes in JavaScript where there is no WebGPU', async () => {
    using device = await openAnyDevice();
    expect(device.adapter).toMatchObject({ description: 'JavaScript', software: true });
  });
});
