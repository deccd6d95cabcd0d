import { describe, expect, it } from 'vitest';
import { FILTERS, filtered, pixelsBelow, sumInWords } from '../../web/home/filters.ts';
import { evaluateArithmetic } from '../engine/arithmetic.ts';
import { convGeometry } from '../../engine/ops/conv_geometry.ts';
import { input } from '../../engine/ops/leaves.ts';
import { conv2d } from '../reference/conv2d.ts';
import { click, describeSite, expectNoSidewaysScroll, textOf } from './browser.ts';

describe('the figure of the first page', () => {
  it.each(FILTERS)('$name: its sums are the convolution, and what it writes adds up', ({ weights }) => {
    const side = 6;
    const image = Float64Array.from({ length: side * side }, (_, i) => ((i * 37) % 101) / 100);
    const sums = filtered(image, side, weights);
    const geometry = convGeometry('conv2d', input('x', [1, side, side, 1]), input('w', [3, 3, 1, 1]), {
      padding: 'valid',
    });
    const want = conv2d(image, weights, geometry);
    expect(sums.length).toBe(want.length);
    sums.forEach((sum, i) => {
      expect(Math.abs(sum - want[i])).toBeLessThan(1e-12);
      const words = sumInWords(pixelsBelow(image, side, Math.floor(i / 4), i % 4), weights);
      const [arithmetic, total] = words.split(' = ');
      expect(Number(total.replace('−', '-')), words).toBeCloseTo(want[i], 9);
      expect(evaluateArithmetic([arithmetic]).value, words).toBeCloseTo(want[i], 9);
    });
  });
});

describeSite('the first page', (site) => {
  it('names the adapter and fits a phone', async () => {
    const { page, problems } = await site.open('', { width: 360, height: 740 });
    expect(await textOf(page, '#adapter', /Computing/)).toMatch(/swiftshader, which is the CPU and no GPU/);
    await expectNoSidewaysScroll(page);
    // The figure: arrow keys move the frame, a button changes the filter.
    const sum = await textOf(page, '#sum', /=/);
    await page.focus('#image');
    await page.keyboard.press('ArrowDown');
    const below = await page.$eval('#sum', (place) => place.textContent!);
    expect(below).not.toBe(sum);
    await page.keyboard.press('ArrowUp');
    expect(await page.$eval('#sum', (place) => place.textContent)).toBe(sum);
    await click(page, '#filters button:last-child');
    const products = await page.$eval('#sum', (place) => place.textContent!.split(' + '));
    expect(products).toHaveLength(9);
    // Every door is there.
    const doors = await page.$$eval('main a', (links) => links.map(({ href }) => href));
    const answers = await page.evaluate((all) => Promise.all(all.map(async (url) => (await fetch(url)).status)), doors);
    expect(answers).toEqual(doors.map(() => 200));
    expect(problems).toEqual([]);
    await page.close();
  });

  it('says what to do where there is no WebGPU', async () => {
    const { page } = await site.open('');
    await page.evaluateOnNewDocument(() => delete (Navigator.prototype as { gpu?: unknown }).gpu);
    await page.reload();
    expect(await textOf(page, '#adapter', /WebGPU/)).toMatch(/This browser has no WebGPU\. Chrome and Edge/);
    expect(await page.$eval('#adapter', (element) => element.getAttribute('role'))).toBe('alert');
    await page.close();
  });
});
