import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { ModelFacts } from '../../web/look/look_core.ts';
import { succeed } from '../cli/cli.ts';
import { shape, SHAPES, SKY } from '../cli/shapes.ts';
import { ocrModel } from '../models/onnx/models.ts';
import { adaptersBound, expectWithin } from '../tolerance.ts';
import { truthFor, verdict } from '../../web/look/truth.ts';
import { click, describeSite, textOf } from './browser.ts';
import { expectSame, SUMS, writeClassModel } from './look_fixture.ts';
import { byId, choose, mapOf, numbersOf, predictions, untilReady } from './look_page.ts';

const folder = mkdtempSync(join(tmpdir(), 'tuningfork-look-classes-'));
afterAll(() => rmSync(folder, { recursive: true }));

describeSite('Look, with a model of classes', (site) => {
  it("opens it, predicts as the command line does, shows the classes' names and no word of galaxies", async () => {
    const model = writeClassModel(folder);
    const images = SHAPES.map((name, kind) => {
      const file = join(folder, `${name}.png`);
      writeFileSync(file, shape(kind, 1));
      return file;
    });
    const { page, problems } = await site.open('look.html');
    await untilReady(page);
    expect(await textOf(page, '#model')).toBe('None yet.');
    await choose(page, '#model-file', model);
    expect(await textOf(page, '#model', /tells/)).toMatch(/: tells standing from lying from corner\. It is shown/);
    expect(await textOf(page, '#answer', /Open images/)).toBe('Open images to see what it says of them.');
    await choose(page, '#image-files', ...images);
    const got = await predictions(page, images.length);
    // Ids of the page are names of files without their endings.
    const told = await succeed('predict', model, '--data', folder, '--json');
    const want = [...byId(told.trim().split('\n')).values()].map((record) => ({
      ...record,
      id: record.id.replace(/\.png$/, ''),
    }));
    expectSame(got, new Map(want.map((record) => [record.id, record])));
    expect(await textOf(page, '#answer')).toMatch(/^(standing|lying|corner) with a confidence of \d+\.\d\s%\.$/);
    const bars = await textOf(page, '#bars');
    for (const name of SHAPES) expect(bars).toContain(name);
    // It is offered the views that such images have, and no others.
    const views = await page.$$eval('#tta option', (options) => options.map(({ value }) => value));
    expect(views).toEqual(['1', '2']);
    await page.select('#tta', '2');
    const mirrored = await predictions(page, images.length);
    const both = await succeed('predict', model, '--data', folder, '--json', '--tta', '2');
    const wanted = [...byId(both.trim().split('\n')).values()].map((record) => ({
      ...record,
      id: record.id.replace(/\.png$/, ''),
    }));
    expectSame(mirrored, new Map(wanted.map((record) => [record.id, record])));
    await page.select('#tta', '1');
    const map = await mapOf(page, 'standing', 'Grad-CAM', 1, 'block2');
    expect(SHAPES).toContain(map.class);

    // Nothing that is shown or said to a screen reader; the names of the project's networks are what they are.
    await page.$eval('#inspect-model', (select) => select.replaceChildren());
    const shown = await page.$eval('main', (main) => {
      const parts = [...main.querySelectorAll<HTMLElement>('*')].filter((element) => element.checkVisibility());
      const own = ({ childNodes }: Element) =>
        [...childNodes].flatMap((node) => (node.nodeType === Node.TEXT_NODE ? (node.textContent ?? '') : []));
      return parts.flatMap((part) => [...own(part), part.title, part.ariaLabel ?? '']).join('\n');
    });
    expect(shown).toMatch(/standing/);
    expect(shown).not.toMatch(SKY);
    expect(await page.$$eval('#strip [role=option]:not([hidden])', (options) => options.length)).toBe(images.length);
    expect(await page.$$eval('#strip [tabindex="0"]', (options) => options.length)).toBe(1);
    await page.focus('#strip [aria-selected=true]');
    await page.keyboard.press('Home');
    await page.keyboard.press('ArrowLeft');
    expect(await page.$eval('#strip [aria-selected=true]', (option) => option.textContent)).toContain('standing');
    expect(problems).toEqual([]);
    await page.close();
  });

  it('says the truth of a folder, what colours mean, how faithful a map is, and stops when asked to', async () => {
    const place = join(folder, 'labelled');
    mkdirSync(join(place, 'lying'), { recursive: true });
    writeFileSync(join(place, 'lying', 'one.png'), shape(1, 1));
    const model = writeClassModel(folder);
    const { page, problems } = await site.open('look.html');
    await untilReady(page);
    await choose(page, '#model-file', model);
    await textOf(page, '#answer', /Open images/);
    await choose(page, '#image-folder', place);
    const record = (await predictions(page, 1)).get('lying/one')!;
    const predicted = (record as { predicted: string }).predicted;
    const mark = predicted === 'lying' ? '✓' : '✗';
    expect(await textOf(page, '#truth')).toBe(
      `${mark} ${predicted === 'lying' ? 'Right' : 'Wrong'}: its folder is lying.`,
    );
    expect(await textOf(page, '#strip [aria-selected=true]')).toContain(`${mark} ${predicted}`);

    const map = await mapOf(page, 'lying/one', 'Layer-CAM', 0, 'block1');
    const most = Math.max(...map.values);
    expect(most).toBeGreaterThan(0);
    expect(await textOf(page, '#legend-most')).toBe(String(Number(most.toPrecision(3))));
    expect(await textOf(page, '#legend-text')).toBe(
      `The brighter, the more the place speaks for “${predicted}”; what speaks against it counts as 0.`,
    );

    await page.$eval('#measuring', (details) => ((details as HTMLDetailsElement).open = true));
    await click(page, '#measure');
    await page.waitForSelector('#measures tbody tr');
    const shown = await page.$$eval('#measures tbody tr > *', (cells) => cells.map((cell) => cell.textContent!));
    const told = JSON.parse(
      (
        await succeed(
          'gradcam',
          model,
          ...['--data', join(place, 'lying'), '--out', join(folder, 'maps'), '--json', '--measure'],
          ...['--methods', 'layer-cam', '--layer', 'block1', '--class', predicted],
        )
      ).split('\n')[0],
    ) as { measures: { 'Layer-CAM': { deletion: number; insertion: number; drop: number; increased: boolean } } };
    const { deletion, insertion, drop, increased } = told.measures['Layer-CAM'];
    expect(shown[0]).toBe('Layer-CAM at block1');
    // Three digits are shown; the share that is lost is one probability over another, which is no less than a third.
    const numbers = [...shown.slice(1, 3).map(Number), parseFloat(shown[3]) / 100];
    expectWithin(numbers, [deletion, insertion, drop], () => 5e-4 + 24 * adaptersBound(SUMS), 'measures');
    expect(shown[4]).toBe(increased ? 'yes' : 'no');

    // Stopped as soon as there is something to stop: a map of many questions is not drawn, and the next one is.
    await page.evaluate(() => {
      const asking = document.querySelector<HTMLElement>('#asking')!;
      const stop = document.querySelector<HTMLButtonElement>('#asking-stop')!;
      new MutationObserver((_, observer) => {
        if (asking.hidden) return;
        observer.disconnect();
        stop.click();
      }).observe(asking, { attributes: true });
    });
    await page.select('#method', 'Occlusion');
    expect(await textOf(page, '#map-text', /Stopped/)).toBe('Stopped.');
    expect(await page.$eval('#legend', (legend) => (legend as HTMLElement).hidden)).toBe(true);
    expect(await page.$eval('#asking', (asking) => (asking as HTMLElement).hidden)).toBe(true);
    expect((await mapOf(page, 'lying/one', 'Layer-CAM', 0, 'block1')).values).toEqual(map.values);
    const single = await mapOf(page, 'lying/one', 'Guided backprop', 0, 'block1');
    const magnitudes = single.values.map(Math.abs).sort((a, b) => a - b);
    const peak = Number(magnitudes[Math.floor(0.99 * (magnitudes.length - 1))].toPrecision(3));
    expect([await textOf(page, '#legend-least'), await textOf(page, '#legend-most')]).toEqual([
      `−${peak}`,
      String(peak),
    ]);
    expect(problems).toEqual([]);
    await page.close();
  });

  it('opens an ONNX file that others made, and predicts as the command line does', async () => {
    const model = join(folder, 'cls.onnx');
    writeFileSync(model, ocrModel('cls'));
    const place = join(folder, 'one');
    mkdirSync(place);
    writeFileSync(join(place, 'bar.png'), shape(0, 2));
    const { page, problems } = await site.open('look.html');
    await untilReady(page);
    await choose(page, '#model-file', model);
    await textOf(page, '#model', /cls\.onnx: tells 0 from 1/);
    await choose(page, '#image-files', join(place, 'bar.png'));
    const got = numbersOf((await predictions(page, 1)).get('bar')!);
    const told = byId((await succeed('predict', model, '--data', place, '--json')).trim().split('\n'));
    // Its 1 x 1 convolutions sum up to 200 products, its last layer as many: of a probability a quarter.
    const sums = Array<number>(40).fill(200);
    expectWithin(got, numbersOf([...told.values()][0]), () => adaptersBound(sums), 'probabilities');
    expect(await textOf(page, '#map-text', /On the adapter/)).toMatch(/^Grad-CAM for “[01]” at /);
    expect(problems).toEqual([]);
    await page.close();
  });
});

describe('what is known of an image', () => {
  const facts = { task: 'smooth-or-featured', classes: ['smooth', 'featured'] } as unknown as ModelFacts;
  const votes = { smooth: 0.25, featured: 0.7, artifact: 0.05 };

  it('is what volunteers would say, where the model is about that', () => {
    const truth = truthFor({ votes }, facts)!;
    expect(truth).toEqual({ shares: { smooth: 0.25, featured: 0.7 }, class: 'featured', by: 'volunteers' });
    expect(verdict('featured', truth)).toBe(
      '✓ Right: volunteers would say featured (smooth 25\u00a0%, featured 70\u00a0% of their votes).',
    );
    expect(verdict('smooth', truth)).toMatch(/^✗ Wrong: volunteers would say featured/);
    const divided = truthFor({ votes: { smooth: 0.5, featured: 0.45, artifact: 0.05 } }, facts)!;
    expect(verdict('smooth', divided)).toMatch(/^Volunteers would be divided: smooth 50/);
  });
  it('is the folder, where the model has a class of that name', () => {
    const classes = { task: 'classes', classes: ['cat', 'dog'] } as unknown as ModelFacts;
    expect(truthFor({ votes: null, folder: 'dog' }, classes)).toEqual({
      shares: { cat: 0, dog: 1 },
      class: 'dog',
      by: 'folder',
    });
    expect(truthFor({ votes: null, folder: 'horse' }, classes)).toBeUndefined();
    expect(truthFor({ votes }, classes)).toBeUndefined();
    expect(truthFor({ votes: null }, facts)).toBeUndefined();
  });
});
