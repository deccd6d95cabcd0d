import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { succeed } from '../cli/cli.ts';
import { shape, SHAPES, SKY } from '../cli/shapes.ts';
import { describeSite, textOf } from './browser.ts';
import { expectSame, writeClassModel } from './look_fixture.ts';
import { byId, choose, mapOf, predictions, untilReady } from './look_page.ts';

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
});
