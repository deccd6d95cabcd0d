import { expect, it } from 'vitest';
import type { Page, WebWorker } from 'puppeteer-core';
import type { Report } from '../../web/measure/report.ts';
import manifest from '../../package.json' with { type: 'json' };
import { click, describeSite, expectNoSidewaysScroll, textOf } from './browser.ts';

/** Has the smallest layers measured: SwiftShader is slow. */
async function choose(
  page: Page,
  only: string,
  { layers = 'galaxy_vgg', repeats = 2, tfjs = true } = {},
): Promise<void> {
  await page.waitForSelector('#start:enabled');
  await page.evaluate(
    (values) => {
      for (const [id, value] of Object.entries(values)) (document.getElementById(id) as HTMLInputElement).value = value;
    },
    { only, layers, repeats: String(repeats) },
  );
  if ((await page.$eval('#tfjs', (box) => (box as HTMLInputElement).checked)) !== tfjs) await click(page, '#tfjs');
  await click(page, '#start');
}

const reportOf = async (page: Page): Promise<Report> =>
  JSON.parse(await page.$eval('#json', (area) => (area as HTMLTextAreaElement).value)) as Report;

/** The next thing that a worker encodes finds its device gone. */
async function loseNextDevice(worker: WebWorker): Promise<void> {
  const hook = () => {
    const { createCommandEncoder } = GPUDevice.prototype;
    GPUDevice.prototype.createCommandEncoder = function (descriptor) {
      GPUDevice.prototype.createCommandEncoder = createCommandEncoder;
      this.destroy();
      return createCommandEncoder.call(this, descriptor);
    };
  };
  // A worker that has just been created does not have its globals yet; how soon it has them is the machine's affair.
  while (
    !(await worker.evaluate(hook).then(
      () => true,
      () => false,
    ))
  )
    await new Promise((resolve) => setTimeout(resolve, 20));
}

describeSite('the Measure page', (site) => {
  it('measures beside TensorFlow.js, checks every case, and gives as JSON what it shows', async () => {
    const { page, problems } = await site.open('measure.html', { width: 360, height: 740 });
    expect(await textOf(page, '#adapter', /Computing on/)).toMatch(/swiftshader: a software adapter, the CPU computes/);
    await choose(page, 'classifier');
    expect(await textOf(page, '#status', /\S/)).toBe('Done: 3 cases measured.');
    const report = await reportOf(page);
    expect(report).toMatchObject({
      tuningfork: manifest.version,
      complete: true,
      engines: ['tuningfork', 'tfjs'],
      notes: [],
      clock: 'gpu',
      settings: {
        layers: 'galaxy_vgg',
        only: 'classifier',
        directions: ['forward', 'input_grad', 'filter_grad'],
        batch: 1,
        repeats: 2,
        tfjs: true,
      },
      adapter: { software: true, description: expect.stringMatching(/swiftshader/) },
    });
    expect(report.browser).toMatch(/Chrome/);
    expect(Math.abs(Date.now() - Date.parse(report.date))).toBeLessThan(10 * 60_000);
    expect(report.roofline.bandwidth).toBeGreaterThan(0);
    expect(report.cases.map(({ layer, direction }) => [layer.name, direction])).toEqual([
      ['classifier', 'forward'],
      ['classifier', 'input_grad'],
      ['classifier', 'filter_grad'],
    ]);
    for (const c of report.cases) {
      for (const outcome of Object.values(c.outcomes)) {
        expect(outcome).toMatchObject({ status: 'measured' });
        if (outcome.status !== 'measured') continue;
        expect(outcome.difference).toBeLessThan(1e-4);
        expect(outcome.timing.wall.min).toBeGreaterThan(0);
        expect(outcome.timing.wall.min).toBeLessThanOrEqual(outcome.timing.wall.median);
      }
      const [ours, theirs] = ['tuningfork', 'tfjs'].map((name) => c.outcomes[name]);
      if (ours.status === 'measured' && theirs.status === 'measured')
        expect(c.ratio).toBeCloseTo(ours.timing.wall.median / theirs.timing.wall.median, 10);
      expect(ours).toMatchObject({
        kernels: expect.arrayContaining([{ name: expect.stringMatching(/^matmul/), overrides: expect.anything() }]),
      });
    }
    // What the table shows is what the JSON holds.
    const rows = await page.$$eval('#rows tr', (trs) =>
      trs.map((tr) => [...tr.children].map((cell) => cell.firstChild?.textContent ?? '')),
    );
    expect(rows).toHaveLength(3);
    for (const [i, c] of report.cases.entries()) {
      const speed = c.speeds['tuningfork']!;
      expect(Number(rows[i][1])).toBeCloseTo(speed.milliseconds, 1);
      expect(rows[i][3]).toBe(speed.gflops!.toPrecision(3));
      expect(rows[i][7]).toBe(c.ratio!.toFixed(2));
      expect(rows[i][8]).toMatch(/^✓ \de-\d+ ✓ \de-\d+$/);
      expect(rows[i][9]).toMatch(/matmul/);
    }
    expect(await page.$$eval('#bars .bar', (bars) => bars.length)).toBe(6);
    await expectNoSidewaysScroll(page);

    await page.evaluate(() => {
      const found: { copied?: string; blob?: Blob; name?: string } = {};
      Object.defineProperty(navigator, 'clipboard', {
        configurable: true,
        value: { writeText: async (text: string) => (found.copied = text) },
      });
      Object.assign(globalThis, { found });
      const { createObjectURL } = URL;
      URL.createObjectURL = (blob) => createObjectURL((found.blob = blob as Blob));
      HTMLAnchorElement.prototype.click = function () {
        found.name = this.download;
      };
      for (const id of ['copy', 'download']) document.getElementById(id)!.click();
    });
    await textOf(page, '#copied', /Copied/);
    const taken = await page.evaluate(async () => {
      const { found } = globalThis as unknown as { found: { copied?: string; blob?: Blob; name?: string } };
      return {
        copied: found.copied,
        saved: await found.blob!.text(),
        type: found.blob!.type,
        name: found.name,
        said: document.getElementById('copied')!.textContent,
      };
    });
    expect(JSON.parse(taken.copied!)).toEqual(report);
    expect(taken).toEqual({
      copied: taken.copied,
      saved: taken.copied,
      type: 'application/json',
      name: expect.stringMatching(/^tuningfork-kernels-\d{4}-\d\d-\d\d\.json$/),
      said: 'Copied.',
    });

    // Without leave to copy the text is selected instead.
    await page.evaluate(() =>
      Object.defineProperty(navigator, 'clipboard', {
        configurable: true,
        value: { writeText: () => Promise.reject(new Error('no')) },
      }),
    );
    await click(page, '#copy');
    await textOf(page, '#copied', /selected/);
    expect(
      await page.evaluate(
        () =>
          JSON.parse(getSelection()!.toString() || (document.activeElement as HTMLTextAreaElement).value).cases.length,
      ),
    ).toBe(3);
    expect(problems).toEqual([]);
    await page.close();
  });

  it('stops, goes on, says when the GPU is lost, and when a choice is none', async () => {
    const { page, problems } = await site.open('measure.html');
    await choose(page, 'no such layer');
    expect(await textOf(page, '#status', /\S/)).toBe(
      'No layer of this choice has "no such layer" in its name; leave the field empty for all of them.',
    );

    await choose(page, 'tail.0', { tfjs: false });
    await page.waitForSelector('#rows tr');
    // By keyboard: Stop has the focus, and then Go on.
    await page.keyboard.press('Enter');
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('resume');
    expect(await textOf(page, '#status', /Stopped/)).toMatch(/^Stopped after [12] cases?\.$/);
    const stopped = await reportOf(page);
    expect(stopped.complete).toBe(false);
    expect(await page.$eval('#start', (button) => (button as HTMLButtonElement).disabled)).toBe(false);
    // Nothing more comes.
    await new Promise((resolve) => setTimeout(resolve, 2000));
    expect((await reportOf(page)).cases).toHaveLength(stopped.cases.length);

    const created = new Promise<WebWorker>((resolve) => page.once('workercreated', resolve));
    await click(page, '#resume');
    await loseNextDevice(await created);
    expect(await textOf(page, '#status', /lost/)).toMatch(
      /^The GPU was lost \(.+\) after [12] cases; what was measured stays, and Go on measures the rest\.$/,
    );
    await click(page, '#resume');
    expect(await textOf(page, '#status', /Done/)).toBe('Done: 3 cases measured.');
    const report = await reportOf(page);
    expect(report.complete).toBe(true);
    expect(new Set(report.cases.map(({ direction }) => direction))).toEqual(
      new Set(['forward', 'input_grad', 'filter_grad']),
    );
    expect(Object.values(report.cases[2].outcomes)).toMatchObject([{ status: 'measured' }]);
    expect(problems).toEqual([]);
    await page.close();
  });
});
