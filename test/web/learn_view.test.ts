import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import type { Page } from 'puppeteer-core';
import { serveFolder } from '../../cli/serve.node.ts';
import { click, describeSite, SITE, textOf } from './browser.ts';
import { pixelsOf } from './look_page.ts';

const focused = (page: Page) =>
  page.evaluate(() => document.activeElement?.id || document.activeElement?.getAttribute('aria-label'));
const boxes = (page: Page, selectors: readonly string[]) =>
  page.evaluate(
    (all) =>
      all.map((selector) => {
        const { top, bottom, left, right } = document.querySelector(selector)!.getBoundingClientRect();
        return { selector, top, bottom, left, right };
      }),
    selectors,
  );
const DECK = ['#play', '#step', '#ten', '#rewind', '#curves canvas'];
/** The text of the standing line, once it is of a step. */
const standingAt = (page: Page, step: number) => textOf(page, '#standing', new RegExp(`^Step ${step}\\b`));

describeSite('Learn in its window', (site) => {
  it('has Play, the curves and two layers in sight; its inspector is a key away; a link reopens it', async () => {
    const { page, problems } = await site.open('learn.html', { width: 1280, height: 720 });
    await page.waitForSelector('#step:not(:disabled)');
    const seen = [...DECK, '#layers > li:nth-child(1)', '#layers > li:nth-child(2)'];
    for (const { selector, top, bottom, left, right } of await boxes(page, seen)) {
      expect(top, `top of ${selector}`).toBeGreaterThanOrEqual(0);
      expect(left, `left of ${selector}`).toBeGreaterThanOrEqual(0);
      expect(bottom, `bottom of ${selector}`).toBeLessThanOrEqual(720);
      expect(right, `right of ${selector}`).toBeLessThanOrEqual(1280);
    }
    // A weight of the first filters, 18 of them in a row and 5 gaps of 3 pixels.
    const [{ left, right }] = await boxes(page, ['[aria-label^="Filters w of Convolution 1"]']);
    expect((right - left - 5 * 3) / 18).toBeGreaterThanOrEqual(12);

    // The last layer, and what trains, in one picture.
    await page.$eval('#layers > li:last-child', (card) => card.scrollIntoView({ block: 'end' }));
    for (const { selector, top, bottom } of await boxes(page, [
      ...DECK,
      '#layers > li:last-child',
      '#inspector-title',
    ])) {
      expect(top, `top of ${selector}`).toBeGreaterThanOrEqual(0);
      // A page scrolls by whole pixels.
      expect(bottom, `bottom of ${selector}`).toBeLessThan(721);
    }

    // Ten steps at a time.
    await click(page, '#ten');
    await standingAt(page, 10);

    // Into the inspector and back, from the map and from the enlarged map.
    const canvas = '[aria-label^="Filters w of Convolution 2"]';
    await page.focus(canvas);
    await page.keyboard.press('ArrowRight');
    const title = await textOf(page, '#inspector-title', /^Weight of convolution 2/);
    await page.keyboard.press('Enter');
    expect(await focused(page)).toBe('inspector');
    await page.keyboard.press('Escape');
    expect(await focused(page)).toMatch(/^Filters w of Convolution 2/);
    const width = (await boxes(page, [canvas])).map((box) => box.right - box.left)[0];
    await click(page, '#enlarge');
    expect(await textOf(page, '#enlarged-title')).toBe('Filters w of Convolution 2');
    const larger = (await boxes(page, ['#enlarged canvas'])).map((box) => box.right - box.left)[0];
    expect(larger).toBeGreaterThan(1.5 * width);
    // A change of theme reaches what is enlarged too.
    const colours = async () => (await pixelsOf(page, '#enlarged canvas')).join();
    const light = await colours();
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'dark' }]);
    await expect.poll(colours, { timeout: 60_000 }).not.toBe(light);
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'light' }]);
    await expect.poll(colours, { timeout: 60_000 }).toBe(light);
    await page.keyboard.press('ArrowDown');
    const moved = await textOf(page, '#inspector-title', /^Weight of convolution 2/);
    expect(moved).not.toBe(title);
    expect(await textOf(page, '#enlarged-value')).toContain(moved);
    await page.keyboard.press('Enter');
    expect(await page.$('#enlarged[open]')).toBeNull();
    expect(await focused(page)).toBe('inspector');

    // Another run, at another galaxy: Back leads to the run before.
    await click(page, '#images input[value="3"]');
    await textOf(page, '#galaxy + p', /People call it/);
    await page.waitForFunction(() => location.hash.includes('galaxy=3'));
    const before = await page.evaluate(() => location.hash);
    expect(before).toBe(`#step=10&galaxy=3&layer=4&part=w&at=${indexOf(moved)}`);
    const losses = await page.$eval('#standing', (line) => line.textContent);
    const made = await page.$eval('#prediction', (line) => line.textContent);
    await page.$eval('#settings-details', (details) => ((details as HTMLDetailsElement).open = true));
    await page.select('#settings [name=filterSize]', '1');
    await textOf(page, '#layers', /6 filters of 1 × 1/);
    await page.waitForFunction(() => location.hash.startsWith('#filterSize=1'));
    await page.evaluate(() => history.back());
    expect(await standingAt(page, 10)).toBe(losses);
    await page.waitForFunction((hash) => location.hash === hash, {}, before);

    // The link in a page of its own.
    const { page: other, problems: others } = await site.open(`learn.html${before}`, { width: 1280, height: 720 });
    expect(await standingAt(other, 10)).toBe(losses);
    expect(await textOf(other, '#inspector-title', /^Weight/)).toBe(moved);
    expect(await textOf(other, '#prediction', /loss is/)).toBe(made);
    expect(await other.$eval('#images input[value="3"]', (input) => (input as HTMLInputElement).checked)).toBe(true);
    await other.close();
    // A link that is wrong, and as a part of another page: it begins all the same, with a link to the whole page.
    const { page: wrong, problems: none } = await site.open('learn.html?embed#step=7&stride=9');
    expect(await textOf(wrong, '#message.error')).toBe('The stride must be one of 1, 2, not 9.');
    await standingAt(wrong, 0);
    expect(await wrong.$eval('header.site', (header) => getComputedStyle(header).display)).toBe('none');
    await wrong.waitForSelector('#step:not(:disabled)', { visible: true });
    await click(wrong, '#step');
    await standingAt(wrong, 1);
    const whole = await wrong.waitForSelector('#whole', { visible: true });
    await whole!.evaluate((link) => {
      link.addEventListener('click', (event) => event.preventDefault());
      (link as HTMLElement).click();
    });
    expect(await whole!.evaluate((link) => link.getAttribute('href'))).toMatch(/^learn\.html#step=1(&|$)/);
    expect([...problems, ...others, ...none]).toEqual([]);
    await wrong.close();
    await page.close();
  });

  it('shows a figure within the page of another origin where it is allowed, and not where it is not', async () => {
    const frames = { allowed: '', refused: '' };
    const outside = createServer((_, response) =>
      response.writeHead(200, { 'Content-Type': 'text/html' }).end(
        Object.entries(frames)
          .map(([name, src]) => `<iframe id="${name}" src="${src}"></iframe>`)
          .join(''),
      ),
    );
    await new Promise<void>((resolve) => outside.listen(0, '127.0.0.1', resolve));
    const origin = `http://localhost:${(outside.address() as AddressInfo).port}`;
    const [allowing, refusing] = [
      await serveFolder(SITE, '127.0.0.1', 0, { ancestors: [origin] }),
      await serveFolder(SITE, '127.0.0.1', 0),
    ];
    frames.allowed = `${allowing.url}chapter-02-convolution.html?embed`;
    frames.refused = `${refusing.url}chapter-02-convolution.html?embed`;
    const { page, problems } = await site.open(`${origin}/`);
    const frame = (await (await page.waitForSelector('#allowed'))!.contentFrame())!;
    await frame.waitForSelector('.live .values [role=gridcell]', { visible: true });
    const { sections, header } = await frame.evaluate(() => ({
      sections: document.querySelectorAll('section.live').length,
      header: getComputedStyle(document.querySelector('header.site')!).display,
    }));
    expect(sections).toBe(1);
    expect(header).toBe('none');
    expect(problems.join()).toMatch(/frame-ancestors/);
    expect(
      problems.filter((problem) => !problem.includes(new URL(refusing.url).host) && !/frame-ancestors/.test(problem)),
    ).toEqual([]);
    await page.close();
    for (const server of [outside, allowing.server, refusing.server]) {
      server.closeAllConnections();
      server.close();
    }
  });
});

/** The index in a title: `Weight of convolution 2: row 1, column 0, input channel 2, filter 3`. */
const indexOf = (title: string): string => [...title.split(':')[1].matchAll(/\d+/g)].join(',');
