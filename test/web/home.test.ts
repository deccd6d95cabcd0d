import { expect, it } from 'vitest';
import { describeSite, expectNoSidewaysScroll, textOf } from './browser.ts';

describeSite('the first page', (site) => {
  it('names the adapter and fits a phone', async () => {
    const { page, problems } = await site.open('', { width: 360, height: 740 });
    expect(await textOf(page, '#adapter', /Computing/)).toMatch(/swiftshader, which is the CPU and no GPU/);
    await expectNoSidewaysScroll(page);
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
