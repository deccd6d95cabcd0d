import { readdirSync } from 'node:fs';
import type { Page } from 'puppeteer-core';
import { expect, it } from 'vitest';
import { FigureCore } from '../../web/chapters/figure_core.ts';
import { exercisesIn, readChapter } from '../docs/exercises.ts';
import { evaluateArithmetic } from '../engine/arithmetic.ts';
import { describeAdapters } from '../gpu.ts';
import { click, describeSite, expectNoSidewaysScroll, textOf } from './browser.ts';
import { solveAll } from './solve.ts';

const chapters = readdirSync(new URL('../../docs', import.meta.url))
  .filter((file) => /^\d\d-/.test(file))
  .map((file) => `chapter-${file.replace('.md', '')}`)
  .sort();

const numberIn = (text: string): number => Number(text.replace('−', '-'));

/** The numbers of a grid, in reading order. */
const gridOf = (page: Page, name: string): Promise<number[]> =>
  page.$$eval(`[data-name="${name}"] td`, (cells) => cells.map((cell) => Number(cell.textContent!.replace('−', '-'))));

const behindOf = (page: Page, section = 'section.live') => textOf(page, `${section} .behind`, /=|given|Loss/);

/** Clicks cell `index` of a value's grid and returns the arithmetic that is written for it. */
async function arithmeticOf(page: Page, name: string, index: number): Promise<string> {
  const cell = (await page.$$(`[data-name="${name}"] td`))[index];
  await cell.click();
  await page.waitForFunction((element) => element.classList.contains('selected'), {}, cell);
  return behindOf(page);
}

/** What is written adds up: every number is shown with four digits, or exactly. */
function expectToAddUp(text: string, shown: number): void {
  const sides = text
    .replace(': nothing adds to it', '')
    .split('=')
    .map((side) => side.trim());
  const [arithmetic, total] = sides.slice(-2);
  expect(numberIn(total), text).toBe(shown);
  if (sides.length === 2) return;
  const { value } = evaluateArithmetic([arithmetic]);
  const isExact = /^[\d\s·+−()max,]+$/.test(arithmetic);
  if (isExact) expect(Math.abs(value - shown), text).toBe(0);
  // Four digits of each number: half a unit of the fourth, for each of the numbers that a sum has.
  else
    expect(Math.abs(value - shown), text).toBeLessThan(
      arithmetic.split(/[+−·/]/).length *
        5e-4 *
        Math.max(1, Math.abs(shown), ...(arithmetic.match(/\d+(\.\d+)?/g) ?? []).map(Number)),
    );
}

describeSite('the chapters of the site', (site) => {
  it.each(chapters)(
    '%s: the figures compute, cells add up, a phone is wide enough, exercises can be solved',
    async (name) => {
      const { page, problems } = await site.open(`${name}.html`, {
        width: 360,
        height: 740,
        dark: name.includes('depthwise'),
      });
      expect(await page.$$('math')).not.toHaveLength(0);
      // A bracket is as high as the matrix between it and its like.
      await page.evaluate(() => document.fonts.ready);
      expect(await page.evaluate(() => [...document.fonts].map(({ family, status }) => [family, status]))).toEqual([
        ['Noto Sans Math', 'loaded'],
      ]);
      const brackets = await page.$$eval('math mtable', (tables) =>
        tables.flatMap((table) => {
          const before = table.previousElementSibling;
          if (before?.tagName !== 'mo' || before.textContent !== '[' || !table.checkVisibility()) return [];
          return [before.getBoundingClientRect().height / table.getBoundingClientRect().height];
        }),
      );
      const markdown = readChapter(`${name.replace('chapter-', '')}.md`);
      expect(brackets.length > 0).toBe(markdown.includes('bmatrix'));
      expect(Math.min(1, ...brackets)).toBeGreaterThan(0.9);
      const sections = await page.$$('section.live');
      expect(sections.length).toBeGreaterThan(0);
      await page.waitForFunction(() =>
        [...document.querySelectorAll('section.live')].every(
          (figure) =>
            figure.querySelector('.message')?.textContent === '' &&
            [...figure.querySelectorAll('.behind')].every((p) => /=|Loss/.test(p.textContent!)),
        ),
      );
      await expectNoSidewaysScroll(page);
      // Every computed cell of the first figure of an op, one after another.
      const figure = await page.$('section.live:has([role=grid] td.selected):not([data-wrong])');
      for (const grid of (await figure?.$$('.value:not([hidden]) table.made')) ?? []) {
        for (const cell of (await grid.$$('td')).slice(0, 6)) {
          await cell.evaluate((element) => element.focus());
          await page.waitForFunction((element) => element.classList.contains('selected'), {}, cell);
          const [text, shown] = [
            await figure!.$eval('.behind', (p) => p.textContent!),
            await cell.evaluate((element) => element.textContent!),
          ];
          expectToAddUp(text, numberIn(shown));
          expect((await figure!.$$('td.lit')).length > 0, text).toBe(!text.includes('nothing adds to it'));
        }
      }
      expect(await page.$$eval('section.live .message', (places) => places.map((place) => place.textContent))).toEqual(
        sections.map(() => ''),
      );
      await expectNoSidewaysScroll(page);
      await solveAll(page, exercisesIn(markdown));
      await expectNoSidewaysScroll(page);
      expect(problems).toEqual([]);
      await page.close();
    },
  );

  it('a changed weight changes y as the formula says; keys, stride and padding, what is no number', async () => {
    const { page, problems } = await site.open('chapter-02-convolution.html');
    await behindOf(page);
    // The figure is beside its text, and stays in sight while one reads.
    const places = () =>
      page.evaluate(() =>
        ['.passage .words', 'section.live'].map(
          (each) => document.querySelector(each)!.getBoundingClientRect().toJSON() as DOMRect,
        ),
      );
    const [words, figure] = await places();
    expect(figure.left).toBeGreaterThan(words.right);
    await page.evaluate(() => scrollTo({ top: 1500, behavior: 'instant' }));
    const scrolled = (await places())[1];
    expect(scrolled.top).toBeGreaterThanOrEqual(0);
    expect(scrolled.bottom).toBeLessThanOrEqual(900);
    await page.evaluate(() => scrollTo({ top: 0, behavior: 'instant' }));

    const [x, w, y] = [await gridOf(page, 'x'), await gridOf(page, 'w'), await gridOf(page, 'y')];
    const convolved = (weights: readonly number[]) =>
      [0, 1, 4, 5].map((corner) =>
        weights.reduce((sum, v, i) => sum + v * x[corner + 4 * Math.floor(i / 3) + (i % 3)], 0),
      );
    expect(y).toEqual(convolved(w));
    const yIs = (want: readonly number[]) =>
      page.waitForFunction(
        (numbers) =>
          [...document.querySelectorAll('[data-name="y"] td')]
            .map((cell) => cell.textContent!.replace('−', '-'))
            .join() === numbers,
        {},
        want.join(),
      );

    // A given cell lights up what depends on it: the middle weight is in every output.
    expect(await arithmeticOf(page, 'w', 4)).toContain('w[1, 1, 0, 0] is given');
    expect(await page.$$('[data-name="y"] td.lit')).toHaveLength(4);
    await page.$eval('.editor input', (box) => ((box as HTMLInputElement).value = '-7'));
    await page.$eval('.editor input', (box) => box.dispatchEvent(new Event('change')));
    const changed = w.map((v, i) => (i === 4 ? -7 : v));
    await yIs(convolved(changed));
    expectToAddUp(await arithmeticOf(page, 'y', 3), convolved(changed)[3]);

    // By keyboard alone: one tab stop a grid, arrows, + and Enter.
    expect(await page.$$eval('[data-name="w"] td[tabindex="0"]', (cells) => cells.length)).toBe(1);
    await page.focus('[data-name="w"] td[tabindex="0"]');
    await page.keyboard.press('Home');
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('ArrowRight');
    await textOf(page, '.behind', /w\[0, 1, 0, 0\] is given/);
    await page.keyboard.press('+');
    await yIs(convolved(changed.map((v, i) => (i === 1 ? v + 1 : v))));
    await page.keyboard.press('Enter');
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('INPUT');
    await page.keyboard.press('Escape');
    expect(await page.evaluate(() => document.activeElement?.getAttribute('role'))).toBe('gridcell');

    // What is no number is refused, and the figure goes on.
    await page.$eval('.editor input', (box) => {
      (box as HTMLInputElement).value = '1e300';
      box.dispatchEvent(new Event('change'));
    });
    expect(await textOf(page, '.live .message')).toMatch(/A number between .* is needed\./);
    await (await page.$('.controls button'))!.click();
    await yIs(convolved(w));
    expect(await page.$eval('.live .message', (place) => place.textContent)).toBe('');

    // The GPU is lost while it computes this: the next one computes it again.
    await page.workers()[0].evaluate(() => {
      const whole = GPUDevice.prototype.createBuffer;
      GPUDevice.prototype.createBuffer = function (descriptor) {
        GPUDevice.prototype.createBuffer = whole;
        const buffer = whole.call(this, descriptor);
        this.destroy();
        void this.lost.then(({ reason }) => Object.assign(globalThis, { lostBecause: reason }));
        return buffer;
      };
    });
    await page.select('select[name=stride]', '2');
    await page.waitForFunction(() => document.querySelectorAll('[data-name="y"] td').length === 1);
    expect(await page.workers()[0].evaluate(() => Reflect.get(globalThis, 'lostBecause') as unknown)).toBe('destroyed');
    await page.select('select[name=padding]', '1');
    await page.waitForFunction(() => document.querySelectorAll('[data-name="y"] td').length === 4);
    await page.select('select[name=filters]', '2');
    await page.waitForFunction(() => document.querySelectorAll('[data-name="y"] td').length === 8);
    await (await page.$('.check input'))!.click();
    await page.waitForFunction(() => !document.querySelector<HTMLElement>('[data-name="dx"]')!.hidden);
    expectToAddUp(await arithmeticOf(page, 'dx', 5), (await gridOf(page, 'dx'))[5]);
    expect(problems).toEqual([]);
    await page.close();
  });

  it('a graph hands its cotangents back step by step, by buttons and keys; a small change gives the same', async () => {
    const { page, problems } = await site.open('chapter-05-chain-rule.html');
    const reads = (pattern: RegExp) => textOf(page, '.live .reading', pattern);
    await reads(/Step 5 of 11.*loss = e² = 3² = 9/);
    await click(page, '.live .steps .primary');
    await reads(/Step 6 of 11.*dloss = 1/);
    await page.keyboard.press('ArrowRight');
    await reads(/de = dloss · 2 · e = 1 · 6 = 6/);
    for (let i = 0; i < 5; i++) await page.keyboard.press('ArrowRight');
    await reads(/Step 11 of 11.*dw = dp · x = 6 · 3 = 18.*dx = dp · w = 6 · 2 = 12/);
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Next');
    const check = async (pattern: RegExp) => {
      await page.$eval('.live .said', (place) => place.previousElementSibling!.querySelector('button')!.click());
      await textOf(page, '.live .said', pattern);
    };
    await check(/\(9\.018009 − 8\.982009\) \/ 0\.002 = 18; backwards gave dw = 18/);
    // Behind a ReLU that is 0 nothing depends on w; what no number is leaves all as it was.
    const type = (text: string) =>
      page.$eval(
        '.live input[name=w]',
        (box, v) => {
          (box as HTMLInputElement).value = v;
          box.dispatchEvent(new Event('input'));
        },
        text,
      );
    await type('-1');
    await reads(/dw = dp · x = 0 · 3 = 0/);
    await check(/= 0; backwards gave dw = 0/);
    await type('');
    expect(await page.$eval('.live input[name=w]', (box) => box.getAttribute('aria-invalid'))).toBe('true');
    await reads(/dw = dp · x = 0 · 3 = 0/);
    expect(problems).toEqual([]);
    await page.close();
  });

  it('sliders, paths in the valley, the table of contents, the kernels', async () => {
    const { page, problems } = await site.open('chapter-12-softmax-and-cross-entropy.html');
    await behindOf(page);
    await page.$eval('input[type=range]', (slider) => {
      (slider as HTMLInputElement).value = '5';
      slider.dispatchEvent(new Event('input'));
    });
    await page.waitForFunction(() => Number(document.querySelector('[data-name="y"] td')!.textContent) > 0.97);
    const [, b, c] = (await gridOf(page, 'x')).slice(0, 3);
    expect((await gridOf(page, 'y'))[0]).toBeCloseTo(Math.exp(5) / (Math.exp(5) + Math.exp(b) + Math.exp(c)), 3);

    await page.goto(new URL('chapter-13-optimisers.html', page.url()).href);
    const first = await textOf(page, '.live .behind', /Loss after 120 steps: SGD .*, Adam/);
    await page.$eval('input[name=momentum]', (dial) => {
      (dial as HTMLInputElement).value = '0.8';
      dial.dispatchEvent(new Event('input'));
    });
    await page.waitForFunction((before) => document.querySelector('.live .behind')!.textContent !== before, {}, first);

    // A rate that is too large can be set: SGD leaves the valley.
    await page.$eval('input[name=sgdRate]', (dial) => {
      (dial as HTMLInputElement).value = '0.08';
      dial.dispatchEvent(new Event('input'));
    });
    await textOf(page, '.live .behind', /SGD without bound/);

    // What another program left in the browser is no progress, and no trouble.
    for (const [kept, marks] of [
      ['no JSON', []],
      [JSON.stringify({ 'chapter-02-convolution': [0, 2], 'chapter-10-pooling': 'all' }), ['✓ 2 of 4 solved']],
    ] as const) {
      await page.evaluate((text) => localStorage.setItem('tuningfork.solved', text), kept);
      await page.goto(new URL('chapters.html', page.url()).href);
      // The page's script has run by then: it is a module without an await.
      expect(await page.$$eval('ol.path .solved', (all) => all.map((mark) => mark.textContent))).toEqual(marks);
    }
    await page.evaluate(() => localStorage.clear());
    expect(
      await page.$$eval('main ol.path strong a', (links) => links.map((link) => link.getAttribute('href'))),
    ).toEqual(chapters.map((name) => `${name}.html`));
    await expectNoSidewaysScroll(page);
    await page.goto(new URL('chapter-02-convolution.html', page.url()).href);
    await Promise.all([page.waitForNavigation(), click(page, 'a[href*="conv2d_v1"]')]);
    expect(await textOf(page, 'pre.source')).toContain('sum += f32(x[pixel + c]) * w[');
    await Promise.all([page.waitForNavigation(), click(page, 'pre.source a')]);
    expect(await textOf(page, 'pre.source')).toContain('struct Params');
    expect(problems).toEqual([]);
    await page.close();
  });
});

describeAdapters('what the figures compute', (device) => {
  it('lights up the same pairs forwards and backwards, and keeps to what fits', async () => {
    const core = new FigureCore('conv2d');
    const before = await core.compute(device());
    const x = { of: 'x', at: [0, 1, 1, 0] };
    const from = core.lit(x).cells;
    expect(from.filter(({ of }) => of === 'y')).toHaveLength(4);
    for (const cell of from) expect(core.lit(cell).cells).toContainEqual(x);
    await expect(core.compute(device(), { ...before.chosen, stride: 0 })).rejects.toThrow(/stride/);
    expect(core.lit({ of: 'y', at: [0, 0, 0, 0] }).sum!.value).toBe(
      String(before.values.find(({ name }) => name === 'y')!.data[0]),
    );
    const wider = await core.compute(
      device(),
      { ...before.chosen, filters: 2 },
      { w: before.values.find(({ name }) => name === 'w')!.data },
    );
    expect(wider.values.find(({ name }) => name === 'w')!.shape).toEqual([3, 3, 1, 2]);
  });
});
