import { expect, it } from 'vitest';
import type { Page } from 'puppeteer-core';
import { openDevice } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { explain } from '../../web/learn/explain.ts';
import { CHAPTERS } from '../../web/learn/kernel_lines.ts';
import { batchOf } from '../../web/learn/batches.ts';
import { Laboratory } from '../../web/learn/laboratory.ts';
import { DEFAULT_SETTINGS } from '../../web/learn/settings.ts';
import { drawSky, type Sky } from '../../web/learn/sky.ts';
import type { CheckResult, View } from '../../web/learn/view.ts';
import { ADAPTERS } from '../gpu.ts';
import { randomArray } from '../random.ts';
import { expectWithin, sumBound, UNIT } from '../tolerance.ts';
import { click, describeSite, expectNoSidewaysScroll, textOf } from './browser.ts';
import { expectAgreement, forwardBounds, lossBound } from './rounding.ts';

const STEPS = 6;

/** What Node computes for the seed of the page: views before the first and after the last step, and the losses. */
async function inNode(sky: Sky) {
  const laboratory = new Laboratory(
    sky,
    DEFAULT_SETTINGS,
    () => {},
    () => openDevice({ gpu: openGpu({ adapter: ADAPTERS[0] }) }),
  );
  const first = await laboratory.look(0);
  let firstLoss = 0;
  for (const { image } of batchOf(DEFAULT_SETTINGS, 0))
    firstLoss += lossBound(await laboratory.look(image)) / DEFAULT_SETTINGS.batchSize;
  const losses: number[] = [];
  for (let i = 0; i < STEPS; i++) losses.push((await laboratory.train()).loss);
  const last = await laboratory.look(0);
  await laboratory.close();
  return { first, last, losses, firstLoss };
}
type Run = Awaited<ReturnType<typeof inNode>>;

const largest = (values: ArrayLike<number>): number => Array.from(values).reduce((m, v) => Math.max(m, Math.abs(v)), 0);
const apart = (a: ArrayLike<number>, b: ArrayLike<number>): number => largest(Array.from(a, (v, i) => v - b[i]));

/**
 * How far two machines that round differently may be apart after some steps: twice what runs with pixels moved by 64
 * units in the last place are apart, which is the bound on the rounding of the sums that the first layers make (27 and
 * 54 products).
 */
async function sensitivity(sky: Sky, run: Run) {
  const losses = run.losses.map(() => 0);
  const layers = run.last.layers.map(() => 0);
  for (let seed = 1; seed <= 3; seed++) {
    const noise = randomArray(sky.x.length, seed);
    const moved = await inNode({ ...sky, x: sky.x.map((v, i) => v * (1 + 64 * UNIT * Math.sign(noise[i]))) });
    moved.losses.forEach((loss, i) => (losses[i] = Math.max(losses[i], 2 * Math.abs(loss - run.losses[i]))));
    moved.last.layers.forEach(
      ({ y }, i) => (layers[i] = Math.max(layers[i], 2 * apart(y.data, run.last.layers[i].y.data))),
    );
  }
  return { losses, layers };
}

/** What the worker of a page said: the losses of all steps, the latest view and the latest check. */
interface Heard {
  readonly losses: number[];
  view?: View;
  check?: CheckResult;
}
/** For what runs in the page. */
type Ears = typeof globalThis & { heard: Heard; tasks: number[] };

/** Has the page keep what its worker says, and its long tasks. */
async function listen(page: Page): Promise<void> {
  await page.evaluateOnNewDocument(() => {
    const heard: Heard = { losses: [] };
    const tasks: number[] = [];
    Object.assign(globalThis, { heard, tasks });
    const Original = Worker;
    globalThis.Worker = class extends Original {
      constructor(url: string | URL, options?: WorkerOptions) {
        super(url, options);
        this.addEventListener('message', ({ data: { result } }) => {
          if (result?.view) heard.view = result.view;
          if (result?.result) heard.losses.push(result.result.loss);
          if (result?.analytic !== undefined) heard.check = result;
        });
      }
    };
    new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => duration))).observe({
      type: 'longtask',
      buffered: true,
    });
  });
  await page.reload();
}

const lastHeard = async <K extends keyof Heard>(page: Page, kind: K): Promise<NonNullable<Heard[K]>> =>
  // Typed arrays do not survive the way out as such.
  JSON.parse(
    await page.evaluate(
      (name) =>
        JSON.stringify((globalThis as Ears).heard[name], (_, value) =>
          ArrayBuffer.isView(value) ? Array.from(value as Float32Array) : value,
        ),
      kind,
    ),
  ) as NonNullable<Heard[K]>;
const lastView = (page: Page): Promise<View> => lastHeard(page, 'view');
const lossesHeard = (page: Page): Promise<number[]> => lastHeard(page, 'losses');

async function step(page: Page, to: number): Promise<number> {
  await click(page, '#step');
  await textOf(page, '#standing', new RegExp(`^Step ${to}:`));
  return (await lossesHeard(page)).at(-1)!;
}

async function rewindTo(page: Page, to: number): Promise<void> {
  await page.$eval(
    '#rewind',
    (slider, value) => {
      (slider as HTMLInputElement).value = String(value);
      slider.dispatchEvent(new Event('input', { bubbles: true }));
    },
    to,
  );
  await textOf(page, '#standing', new RegExp(`^Step ${to}:`));
}

const title = (page: Page) => page.$eval('#inspector-title', (element) => element.textContent);
const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

describeSite('the Learn page', (site) => {
  it('has room for the labels of the axes, however large the loss', async () => {
    const { page, problems } = await site.open('index.html');
    await page.evaluateOnNewDocument(() => {
      const labels: { text: string; left: number }[] = [];
      Object.assign(globalThis, { labels });
      const fillText = CanvasRenderingContext2D.prototype.fillText;
      CanvasRenderingContext2D.prototype.fillText = function (text, x, y) {
        labels.push({ text, left: x - (this.textAlign === 'right' ? this.measureText(text).width : 0) });
        fillText.call(this, text, x, y);
      };
      const Original = Worker;
      globalThis.Worker = class extends Original {
        constructor(url: string | URL, options?: WorkerOptions) {
          super(url, options);
          // Before the page hears of it.
          this.addEventListener('message', ({ data }) => {
            if (typeof data.result?.result?.loss === 'number') data.result.result.loss *= 12_345;
          });
        }
      };
    });
    await page.goto(new URL('learn.html', page.url()).href);
    await page.waitForSelector('#step:not(:disabled)');
    await click(page, '#step');
    await textOf(page, '#standing', /^Step 1:/);
    await page.waitForFunction(() =>
      (globalThis as unknown as { labels: { text: string }[] }).labels.some(({ text }) => Number(text) > 999),
    );
    const labels = await page.evaluate(
      () => (globalThis as unknown as { labels: { text: string; left: number }[] }).labels,
    );
    for (const { text, left } of labels) expect(left, text).toBeGreaterThanOrEqual(0);
    expect(problems).toEqual([]);
    await page.close();
  });

  it('trains as Node does, explains, checks, goes back, survives a lost GPU, and is driven by keys', async () => {
    const sky = await drawSky();
    const run = await inNode(sky);
    const tolerance = await sensitivity(sky, run);
    const { page, problems } = await site.open('learn.html');
    await listen(page);
    await page.waitForSelector('#step:not(:disabled)');
    expect(await textOf(page, '#message', /Computing/)).toMatch(/swiftshader/i);
    expect(await page.$$('#layers > li')).toHaveLength(run.first.layers.length);

    // One forward pass: within what rounding allows, on both sides.
    const first = await lastView(page);
    forwardBounds(run.first).forEach((bounds, i) =>
      expectWithin(first.layers[i].y.data, run.first.layers[i].y.data, (k) => 2 * bounds[k], first.layers[i].name),
    );

    const losses: number[] = [];
    for (let i = 1; i <= STEPS; i++) losses.push(await step(page, i));
    expect(Math.abs(losses[0] - run.losses[0])).toBeLessThanOrEqual(2 * run.firstLoss);
    console.log(
      'losses apart',
      losses.map((loss, i) => Math.abs(loss - run.losses[i])),
      'allowed',
      tolerance.losses,
    );
    expectWithin(losses.slice(1), run.losses.slice(1), (i) => tolerance.losses[i + 1], 'loss of step');
    const last = await lastView(page);
    last.layers.forEach(({ y, name }, i) =>
      expectWithin(y.data, run.last.layers[i].y.data, () => tolerance.layers[i], name),
    );

    // A click, then keys.
    const map = '#layers > li:nth-child(2) canvas';
    await click(page, map, { offset: { x: 20, y: 20 } });
    expect(await title(page)).toBe('Output of convolution 1: row 10, column 10, channel 0');
    for (const [key, moved] of [
      ['ArrowRight', 'row 10, column 11, channel 0'],
      ['ArrowDown', 'row 11, column 11, channel 0'],
      ['PageDown', 'row 11, column 11, channel 1'],
      ['ArrowUp', 'row 10, column 11, channel 1'],
      ['PageUp', 'row 10, column 11, channel 0'],
      ['ArrowLeft', 'row 10, column 10, channel 0'],
    ]) {
      await page.keyboard.press(key as 'ArrowUp');
      expect(await title(page)).toBe(`Output of convolution 1: ${moved}`);
    }
    const shown = async () => ({
      computed: Number(await textOf(page, '#computed')),
      value: Number(await textOf(page, '#on-gpu')),
    });
    const { summands } = explain(last, { layer: 1, part: 'y', at: [0, 10, 10, 0] });
    const { computed, value } = await shown();
    expect(value).toBe(last.layers[1].y.data[(10 * 32 + 10) * 6]);
    expect(Math.abs(computed - value)).toBeLessThanOrEqual(
      sumBound(
        summands.length,
        summands.reduce((sum, { product }) => sum + Math.abs(product), 0),
      ),
    );
    expect(await page.$$('.products tbody tr')).toHaveLength(28);
    expect(await textOf(page, '#inspector-filled')).toBe(
      'y[0, 10, 10, 0] = Σ x[0, r + 9, s + 9, c] · w[r, s, c, 0] + b[0]',
    );
    expect(await textOf(page, '#inspector-line mark')).toMatch(/sum \+= f32\(x\[pixel \+ c\]\)/);
    expect(await page.$eval('#inspector-chapter', (link) => link.getAttribute('href'))).toBe(CHAPTERS.conv);
    for (const chapter of new Set(Object.values(CHAPTERS)))
      expect(await page.evaluate(async (url) => (await fetch(url)).ok, chapter), chapter).toBe(true);
    await click(page, '#turn-back');
    expect(await title(page)).toBe('Cotangent of convolution 1: row 10, column 10, channel 0');
    expect(await textOf(page, '#inspector-line mark')).toMatch(/case 18u/);

    // The loss is smooth in a dense weight.
    await page.focus('#layers > li.dense [aria-label^="Weights w"]');
    await page.keyboard.press('ArrowRight');
    expect(await title(page)).toMatch(/^Weight of dense: input \d+, class 0$/);
    await click(page, '#check');
    await textOf(page, '#verdict');
    expectAgreement(await lastHeard(page, 'check'), lossBound(last), 'a dense weight');
    expect(await page.$$('#inspector-check tbody tr')).toHaveLength(3);

    await rewindTo(page, 3);
    expect([await step(page, 4), await step(page, 5)]).toEqual(losses.slice(3, 5));

    await page.$eval('details.lose', (details) => ((details as HTMLDetailsElement).open = true));
    await click(page, '#lose');
    await textOf(page, '#message', /lost and is back/);
    expect(await step(page, 6)).toBe(losses[5]);
    await rewindTo(page, 2);
    expect([await step(page, 3), await step(page, 4)]).toEqual(losses.slice(2, 4));

    await click(page, '#play');
    await textOf(page, '#standing', /^Step (2[4-9]|[3-9]\d):/);
    await click(page, '#play');
    const all = await lossesHeard(page);
    expect(mean(all.slice(-8))).toBeLessThan(0.7 * mean(losses));

    // Another galaxy, by key.
    await page.focus('#images input:checked');
    await page.keyboard.press('ArrowRight');
    await page.waitForFunction(() => (globalThis as Ears).heard.view?.image === 1);

    // Settings: one that is wrong, then others.
    await page.$eval('#settings-details', (details) => ((details as HTMLDetailsElement).open = true));
    const set = (name: string, to: string) =>
      page.$eval(
        `#settings-details [name=${name}]`,
        (field, v) => {
          (field as HTMLInputElement).value = v;
          field.dispatchEvent(new Event('change', { bubbles: true }));
        },
        to,
      );
    await set('batchSize', '0');
    expect(await textOf(page, '#message', /batch size/)).toBe(
      'The batch size must be a whole number from 1 to 64, not 0.',
    );
    // A running one: the run goes on with it.
    const { step: reached } = await lastView(page);
    await set('batchSize', '8');
    await set('learningRate', '0.001');
    await step(page, reached + 1);
    expect((await lastView(page)).settings).toEqual({ ...DEFAULT_SETTINGS, batchSize: 8, learningRate: 0.001 });
    await set('filterSize', '5');
    await set('batchNorm', 'on');
    await textOf(page, '#settings-summary', /5 × 5.*norm on/);
    await textOf(page, '#layers', /Batch norm 1/);
    expect(await page.$eval('#layers > li:nth-child(2) h3', (heading) => heading.textContent)).toMatch(
      /6 filters of 5 × 5 × 3/,
    );
    await step(page, 1);

    await page.setViewport({ width: 360, height: 740 });
    await step(page, 2);
    await expectNoSidewaysScroll(page);
    const tasks = await page.evaluate(() => (globalThis as Ears).tasks);
    console.log(`the Learn page's longest task: ${largest(tasks)} ms, of ${tasks.length} over 50 ms`);
    expect(problems).toEqual([]);
    await page.close();
  });
});
