import { expect, it } from 'vitest';
import { PNG } from 'pngjs';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ElementHandle, Page } from 'puppeteer-core';
import { buildModel } from '../models/onnx/build.ts';
import { click, describeSite, textOf } from './browser.ts';

const texts = (page: Page, selector: string) =>
  page.$$eval(selector, (elements) => elements.map((element) => element.textContent));
const layerTitles = (page: Page) =>
  page.$$eval('#layers > li > h3', (all) => all.map((title) => title.firstChild!.textContent!.trim()));

/** Types a network as text into the editor. */
const write = (page: Page, text: string) =>
  page.$eval(
    '#spec-text',
    (area, value) => {
      (area as HTMLTextAreaElement).value = value;
      area.dispatchEvent(new Event('change', { bubbles: true }));
    },
    text,
  );

/** A network whose first layer mixes the colours of each pixel: weights [2, 3] and biases. */
const MIXES = { w: [0.5, -1, 2, 1, 1, -0.25], b: [0.125, -0.5] };
const writeModel = (path: string) =>
  writeFileSync(
    path,
    buildModel({
      nodes: [
        { op: 'Conv', inputs: ['input', 'w', 'b'], outputs: ['mixed'], name: 'mix' },
        { op: 'GlobalAveragePool', inputs: ['mixed'], outputs: ['pooled'], name: 'pool' },
        { op: 'Flatten', inputs: ['pooled'], outputs: ['logits'], name: 'flat' },
      ],
      inputs: { input: { shape: [1, 3, 16, 16] } },
      outputs: ['logits'],
      initialisers: { w: { shape: [2, 3, 1, 1], data: MIXES.w }, b: { shape: [2], data: MIXES.b } },
    }),
  );

/** Chooses a folder of images of one colour each, a folder for each class. */
const choose = (page: Page, counts: Readonly<Record<string, number>>) =>
  page.evaluate(async (classes) => {
    const transfer = new DataTransfer();
    for (const [k, [name, count]] of Object.entries(classes).entries()) {
      for (let i = 0; i < count; i++) {
        const canvas = new OffscreenCanvas(48, 64);
        const context = canvas.getContext('2d')!;
        context.fillStyle = `hsl(${k * 120 + i} 80% 50%)`;
        context.fillRect(0, 0, 48, 64);
        const blob = await canvas.convertToBlob();
        transfer.items.add(new File([blob], `own/${name}/${i}.png`, { type: 'image/png' }));
      }
      transfer.items.add(new File(['no image'], `own/${name}/broken.png`));
    }
    const input = document.querySelector<HTMLInputElement>('#own-folder')!;
    // A chosen folder's paths cannot be made by a script; the names stand for them.
    input.webkitdirectory = false;
    input.files = transfer.files;
    input.dispatchEvent(new Event('change'));
  }, counts);

/** Images of one colour are the same however they are cut and scaled: what the first layer makes of one, by hand. */
const COLOUR = [200, 100, 50];
const mixed = (k: number) =>
  COLOUR.reduce((sum, byte, c) => {
    // ImageNet's means and deviations, as networks are given their pixels where nothing else is said.
    const [mean, deviation] = [[0.485, 0.456, 0.406][c], [0.229, 0.224, 0.225][c]];
    return sum + (MIXES.w[3 * k + c] * (byte / 255 - mean)) / deviation;
  }, MIXES.b[k]);

describeSite("one's own network and images", (site) => {
  it('are put together by hand or as text, refused in a sentence, trained, and explained', async () => {
    const { page, problems } = await site.open('learn.html');
    await page.waitForSelector('#step:not(:disabled)');
    await click(page, '#editor-details > summary');
    // By the keyboard: the third layer up, then away.
    await page.focus('[data-focus="2 up"]');
    await page.keyboard.press('Enter');
    expect((await texts(page, '.spec-title')).slice(0, 3)).toEqual(['1. convolution', '2. pooling', '3. activation']);
    expect(await page.evaluate(() => (document.activeElement as HTMLElement).dataset['focus'])).toBe('1 up');
    await click(page, '[data-focus="6 remove"]');
    expect(await textOf(page, '#spec-problem')).toBe(
      'The last layer must be a dense layer of 2 units, one for each class, and layer 6, pooling, is none. The network that runs stays.',
    );
    expect(await page.$eval('#spec-use', (button) => (button as HTMLButtonElement).disabled)).toBe(true);
    await click(page, '#spec-discard');
    expect(await texts(page, '.spec-title')).toHaveLength(7);
    await page.select('#spec-kind', 'residual');
    await page.select('#spec-where', '5');
    await click(page, '#spec-add');
    // Before it are maps of 16 x 16 x 8: the convolution before the activation gave such ones.
    expect(await page.$eval('[data-focus="5 from"]', (field) => (field as HTMLSelectElement).value)).toBe('4');
    await write(page, 'conv filters=4 stride=2\nsorting\ndense');
    expect(await textOf(page, '#spec-problem', /sorting/)).toMatch(/^Layer 2: there is no kind sorting;/);

    await write(
      page,
      'conv filters=4 stride=2\nnorm\nactivation\nconv filters=4\nresidual from=3\npool how=average\ndense',
    );
    await click(page, '#spec-use');
    await textOf(page, '#settings-summary', /your own network of 7 layers/);
    await page.waitForFunction(() => document.querySelectorAll('#layers > li').length === 9);
    expect(await layerTitles(page)).toEqual([
      'Image',
      'Convolution 1',
      'Batch norm 1',
      'ReLU 1',
      'Convolution 2',
      'Addition 1',
      'Average pooling 1',
      'Dense',
      'Loss',
    ]);
    await click(page, '#step');
    await textOf(page, '#standing', /^Step 1:/);
    // The ReLU's output is taken twice.
    await page.focus('#layers > li:nth-child(4) [aria-label^="Cotangents"]');
    await textOf(page, '#inspector-maker', /Convolution 2 and Addition 1/);
    expect(await textOf(page, '#inspector-formula')).toBe('dx = dx₁ + dx₂');
    const [computed, value] = [Number(await textOf(page, '#computed')), Number(await textOf(page, '#on-gpu'))];
    expect(Math.abs(computed - value)).toBeLessThanOrEqual(1e-5 * Math.max(1e-3, Math.abs(value)));
    // Among a batch, as in training, the image before batch norm hears of the batch's statistics.
    await click(page, '#together');
    await page.focus('#layers > li:nth-child(2) [aria-label^="Cotangents"]');
    await textOf(page, '#inspector-formula', /dβ = Σ dy/);

    await choose(page, { blue: 3, green: 12, red: 12 });
    await textOf(page, '#message', /3 images could not be read and are left out; the first is own\/blue\/broken.png/);
    await textOf(page, '#standing', /^Step 0/);
    expect(await textOf(page, '#prediction')).toMatch(
      /^Its folder is blue\. The network: blue \d+ %, green \d+ %, red/,
    );
    await click(page, '#ten');
    expect(await textOf(page, '#standing', /^Step 10:/)).toMatch(/% of the held-out images/);
    await choose(page, { alone: 3 });
    await textOf(page, '#message', /lies in no folder of a class/);
    expect(await textOf(page, '#standing')).toMatch(/^Step 10/);
    await click(page, '#own-back');
    await textOf(page, '#prediction', /^People call it/);
    expect(problems).toEqual([]);
    await page.close();
  });

  it('is drawn as a graph that one goes back through, and models from files show their layers and maps', async () => {
    const { page, problems } = await site.open('learn.html');
    await page.waitForSelector('#step:not(:disabled)');
    // The drawer with the graph: to the end of the way back, by keys.
    await click(page, '#graph-details > summary');
    await textOf(page, '#graph-words', /Before the first step/);
    await page.focus('.graph-picture');
    await page.keyboard.press('ArrowDown');
    const [, steps] = /^Step 1 of (\d+): mean of loss/.exec(await textOf(page, '#graph-words h3'))!;
    for (let i = 1; i < Number(steps); i++) await page.keyboard.press('ArrowDown');
    expect(await textOf(page, '#graph-words', /Every weight has its gradient/)).toContain('conv2d');
    expect(await page.$eval('#graph-next', (button) => (button as HTMLButtonElement).disabled)).toBe(true);

    const folder = mkdtempSync(join(tmpdir(), 'foreign-'));
    writeModel(join(folder, 'mixes.onnx'));
    const png = new PNG({ width: 40, height: 30 });
    for (let i = 0; i < 1200; i++) png.data.set([...COLOUR, 255], 4 * i);
    writeFileSync(join(folder, 'plain.png'), PNG.sync.write(png));
    await click(page, '#foreign-details > summary');
    const upload = async (selector: string, name: string) =>
      ((await page.$(selector)) as ElementHandle<HTMLInputElement>).uploadFile(join(folder, name));
    await upload('#foreign-file', 'mixes.onnx');
    await textOf(page, '#foreign-words', /mixes\.onnx: .* images of 16 × 16/);
    await upload('#foreign-picture', 'plain.png');
    await click(page, '#foreign-layers button');
    await textOf(page, '#foreign-maps', /plain\.png/);
    const scales = await texts(page, '#foreign-maps figcaption');
    expect(scales).toHaveLength(2);
    scales.forEach((text, k) => {
      const [, most] = /^\d: ± (.+)$/.exec(text!)!;
      expect(Math.abs(Number(most) - Math.abs(mixed(k)))).toBeLessThanOrEqual(0.006 * Math.abs(mixed(k)));
    });
    rmSync(folder, { recursive: true });
    expect(problems).toEqual([]);
    await page.close();
  });
});
