// What axe-core finds in every page and in a report, in both themes, and how wide the pages are.
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { AxeResults, RunOptions } from 'axe-core';
import type { Page } from 'puppeteer-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { renderReport } from '../../galaxies/report/report.ts';
import { shape } from '../cli/shapes.ts';
import { madeUpReport } from '../galaxies/report_fixture.ts';
import { describeSite, expectNoSidewaysScroll, textOf } from './browser.ts';
import { writeClassModel } from './look_fixture.ts';
import { choose, untilReady } from './look_page.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'tuningfork-accessible-'));
const file = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

const chapters = readdirSync(new URL('../../docs', import.meta.url))
  .filter((name) => /^\d\d-/.test(name))
  .sort()
  .map((name) => `chapter-${name.replace('.md', '.html')}`);

interface Visit {
  readonly path: string;
  /** Waits until the page is made, and opens what is closed at first. */
  readonly enter: (page: Page) => Promise<unknown>;
}

const enabled = (selector: string) => (page: Page) => page.waitForSelector(`${selector}:not(:disabled)`);
const figures = (page: Page) =>
  page.waitForFunction(() =>
    [...document.querySelectorAll('section.live .message')].every((message) => message.textContent === ''),
  );
const nothing = async () => {};

const VISITS: readonly Visit[] = [
  { path: 'index.html', enter: (page) => textOf(page, '#adapter', /Computing/) },
  { path: 'train.html', enter: nothing },
  { path: 'chapters.html', enter: nothing },
  ...[0, 0.5, 1].map((share) => ({ path: chapters[Math.round(share * (chapters.length - 1))], enter: figures })),
  { path: 'source-kernels-conv2d-conv2d_v1-wgsl.html', enter: nothing },
  { path: 'learn.html', enter: enabled('#step') },
  { path: 'measure.html', enter: enabled('#start') },
  {
    path: 'look.html',
    async enter(page) {
      await untilReady(page);
      await choose(page, '#model-file', file('model.safetensors'));
      await textOf(page, '#answer', /Open images/);
      await choose(page, '#image-files', file('image.png'));
      await textOf(page, '#map-text', /On the adapter/);
    },
  },
  { path: pathToFileURL(file('report.html')).href, enter: nothing },
];

/** What axe says is serious or critical: rule, element and what to do, a line each. */
async function findings(page: Page, options: RunOptions): Promise<string[]> {
  const { violations } = (await page.evaluate(
    (chosen) => (globalThis as unknown as { axe: { run(o: unknown): Promise<unknown> } }).axe.run(chosen),
    { resultTypes: ['violations'], ...options } as object,
  )) as AxeResults;
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) =>
      nodes.map(({ target, html, failureSummary }) =>
        [id, target.join(' '), html.slice(0, 200), failureSummary].join(' | ').replace(/\s+/g, ' '),
      ),
    );
}

/** What watches sizes has answered by then. */
const twoFrames = (page: Page) =>
  page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(0)))));

/** A desk, a laptop, a tablet, a laptop at 200 %, a phone, and a laptop at 400 %. */
const WIDTHS = [1440, 1280, 820, 640, 390, 320];

describeSite('every page', (site) => {
  beforeAll(async () => {
    writeFileSync(file('report.html'), await renderReport(madeUpReport()));
    writeClassModel(folder);
    writeFileSync(file('image.png'), shape(0, 1));
  });

  it.each(VISITS)(
    '$path: axe finds nothing serious, light, dark and on a phone; it fits every width',
    async (visit) => {
      const { page, problems } = await site.open(visit.path);
      await visit.enter(page);
      await page.$$eval('details', (all) => all.forEach((details) => (details.open = true)));
      await page.evaluate(AXE);
      expect(await findings(page, {}), 'light').toEqual([]);
      await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'dark' }]);
      expect(await findings(page, { runOnly: ['color-contrast', 'link-in-text-block'] }), 'dark').toEqual([]);
      for (const width of WIDTHS) {
        await page.setViewport({ width, height: Math.min(900, 2 * width) });
        await twoFrames(page);
        await expectNoSidewaysScroll(page);
        if (width !== 390) continue;
        // Targets of 24 pixels, or as far from each other: WCAG 2.2, 2.5.8.
        expect(await findings(page, { runOnly: ['target-size', 'scrollable-region-focusable'] }), 'on a phone').toEqual(
          [],
        );
      }
      await page.emulateMediaFeatures([{ name: 'prefers-reduced-motion', value: 'reduce' }]);
      expect(await page.evaluate(() => document.getAnimations().length), 'what moves').toBe(0);
      expect(problems).toEqual([]);
      await page.close();
    },
  );
});
