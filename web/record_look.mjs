// Records docs/look.png, the README's picture of the page Look with a model of smooth and featured galaxies.
//
//   npm run demo && node web/record_look.mjs runs/demo/model.safetensors
import { fileURLToPath } from 'node:url';
import { withPage } from './recording.mjs';

const OUT = fileURLToPath(new URL('../docs/look.png', import.meta.url));
/** The drawn galaxy that is looked at. */
const SHOWN = 5;

const [model] = process.argv.slice(2);
if (!model) throw new Error('say which model: node web/record_look.mjs runs/demo/model.safetensors');
await withPage('look.html', { width: 1200, height: 900 }, async (page) => {
  await (await page.waitForSelector('#model-file')).uploadFile(model);
  const galaxy = `#strip [role=option]:nth-child(${SHOWN})`;
  await page.waitForSelector(galaxy);
  await page.click(galaxy);
  await page.waitForFunction(() => /^Grad-CAM/.test(document.querySelector('#map-text').textContent));
  await page.waitForFunction(() =>
    [...document.querySelectorAll('#strip [role=option]')].every((option) => option.textContent.includes('%')),
  );
  // The strip of images and all below it, without the head of the page.
  const box = await page.evaluate(() => {
    const top = document.querySelector('#galaxies-title').closest('section').getBoundingClientRect().top + scrollY;
    const bottom = document.querySelector('#looking').getBoundingClientRect().bottom + scrollY;
    return { x: 0, y: top - 16, width: innerWidth, height: bottom - top + 32 };
  });
  await page.screenshot({ path: OUT, clip: box, captureBeyondViewport: true });
  console.log(OUT);
});
