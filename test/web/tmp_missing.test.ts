import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { it } from 'vitest';
import { describeSite, textOf } from './browser.ts';
const folder = mkdtempSync('/tmp/nositetf-');
cpSync(new URL('../../dist/web', import.meta.url), folder, { recursive: true });
rmSync(`${folder}/tfjs.js`);
describeSite('missing', (site) => {
  it('says', async () => {
    const { page, problems } = await site.open('measure.html', { width: 360, height: 740 });
    await page.waitForSelector('#start:enabled');
    await page.select('#layers', 'galaxy_vgg');
    await page.type('#only', 'classifier');
    await page.click('#start');
    console.log(await textOf(page, '#status', /\S/), '|', await textOf(page, '#notes', /\S/), problems);
    await page.screenshot({ path: '/tmp/missing.png', fullPage: true });
  });
}, folder);
