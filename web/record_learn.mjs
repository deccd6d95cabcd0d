// Records docs/learn.gif, the README's moving picture: the page Learn while its network trains.
//
//   npm run build && node web/record_learn.mjs
//
// Needs Chromium with WebGPU, or its software adapter.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import gifenc from 'gifenc';
import { PNG } from 'pngjs';
import { withPage } from './recording.mjs';

const { GIFEncoder, applyPalette, quantize } = gifenc;
const OUT = fileURLToPath(new URL('../docs/learn.gif', import.meta.url));
/** A README should not take long to load. */
const MOST_BYTES = 2e6;

const VIEWPORT = { width: 1280, height: 720, deviceScaleFactor: 0.75 };
/** After which steps a picture is taken: few at first, when most changes. */
const STEPS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 18, 20, 22, 24, 27, 30];
const DELAY_MS = 220;
const LAST_MS = 3000;

/** Trains in the page and takes a picture after each of STEPS. */
async function record(page) {
  const frames = [];
  let at = 0;
  for (const step of STEPS) {
    for (; at < step; at++) {
      await page.waitForSelector('#step:not(:disabled)');
      await page.click('#step');
      await page.waitForFunction((n) => Number(document.querySelector('#rewind').max) === n, {}, at + 1);
    }
    await page.waitForSelector('#step:not(:disabled)');
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    frames.push(PNG.sync.read(Buffer.from(await page.screenshot())));
    console.log(`step ${step}`);
  }
  return frames;
}

/** The frames as a GIF of so many colours; a pixel that stays as it was is not written again. */
function encode(frames, colours) {
  const { width, height } = frames[0];
  const sample = Buffer.concat([frames[0].data, frames.at(-1).data]);
  const palette = quantize(sample, colours - 1);
  const transparentIndex = palette.length;
  palette.push([0, 0, 0]);
  const gif = GIFEncoder();
  let before;
  frames.forEach(({ data }, i) => {
    const now = applyPalette(data, palette.slice(0, -1));
    const changed = before ? now.map((colour, p) => (colour === before[p] ? transparentIndex : colour)) : now;
    const delay = i === frames.length - 1 ? LAST_MS : DELAY_MS;
    gif.writeFrame(changed, width, height, {
      palette: i === 0 ? palette : undefined,
      delay,
      transparent: i > 0,
      transparentIndex,
      dispose: 1,
    });
    before = now;
  });
  gif.finish();
  return gif.bytes();
}

const frames = await withPage('learn.html', VIEWPORT, record);
const found = [128, 96, 64, 48, 32].map((colours) => () => encode(frames, colours));
let bytes;
for (const make of found) if ((bytes = make()).length <= MOST_BYTES) break;
if (bytes.length > MOST_BYTES) throw new Error(`${bytes.length} bytes are more than a README should load`);
writeFileSync(OUT, bytes);
console.log(`${OUT}: ${frames.length} pictures, ${bytes.length} bytes`);
