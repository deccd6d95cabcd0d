import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, expect, it } from 'vitest';
import { describeSite, textOf } from './browser.ts';

const [HEIGHT, WIDTH] = [6, 70];
/** The byte that a channel of a pixel has; alpha is 255, for no browser keeps the colours of what cannot be seen. */
const BYTES = Array.from({ length: HEIGHT * WIDTH * 4 }, (_, i) => (i % 4 === 3 ? 255 : (i * 37) % 256));

const PROGRAM = `
const tell = (problem) => (document.body.textContent = 'Error: ' + problem);
addEventListener('error', ({ message }) => tell(message));
addEventListener('unhandledrejection', ({ reason }) => tell(reason));
import { compile, input, mul, openDevice } from './tuningfork.browser.js';
const [height, width] = [${HEIGHT}, ${WIDTH}];
const data = new ImageData(Uint8ClampedArray.from(${JSON.stringify(BYTES)}), width, height);
const bitmap = await createImageBitmap(data);
const canvas = Object.assign(document.createElement('canvas'), { width, height });
canvas.getContext('2d').putImageData(data, 0, 0);
const offscreen = new OffscreenCanvas(width, height);
offscreen.getContext('2d').putImageData(data, 0, 0);
const image = new Image();
image.src = canvas.toDataURL();
await image.decode();
image.width = 3; // as it is drawn, not as it is
const frame = new VideoFrame(canvas, { timestamp: 0 });
const layout = { format: 'RGBA', codedWidth: width, codedHeight: height, timestamp: 0 };
const decoded = new VideoFrame(data.data, layout);

const device = await openDevice();
const said = {};
const one = input('one', [height, width, 3]);
const two = input('two', [2, height, width, 4]);
const flat = input('flat', [12]);
const doubled = mul(one, 2);
const program = await compile(device, { outputs: [doubled] });
said.kinds = {};
for (const [name, picture] of Object.entries({ data, bitmap, canvas, offscreen, image, frame, decoded })) {
  program.run({ one: picture });
  said.kinds[name] = [...await program.read(doubled)];
}
const batch = mul(two, 1);
const pair = await compile(device, { outputs: [batch] });
pair.run({ two: [bitmap, canvas] });
said.pair = [...await pair.read(batch)];
// Numbers, pictures, and numbers again.
program.run({ one: new Float32Array(height * width * 3).fill(4) });
said.numbers = new Set(await program.read(doubled)).size;
const refusals = [
  [program, { one: await createImageBitmap(data, 0, 0, 5, 6) }],
  [program, { one: [bitmap, bitmap] }],
  [pair, { two: bitmap }],
  [pair, { two: [bitmap, 7] }],
  [await compile(device, { outputs: [mul(flat, 2)] }), { flat: bitmap }],
];
said.refused = refusals.map(([given, feeds]) => {
  try {
    given.run(feeds);
    return 'taken';
  } catch (error) {
    return error.message;
  }
});
bitmap.close();
try {
  program.run({ one: bitmap });
} catch (error) {
  said.closed = error.message;
}
program.run({ one: canvas });
said.again = (await program.read(doubled)).every((v, i) => v === said.kinds.canvas[i]);
for (const each of [program, pair, refusals.at(-1)[0]]) each[Symbol.dispose]();
said.left = device.memory.bytes;
document.body.textContent = JSON.stringify(said);
`;

const folder = mkdtempSync(join(tmpdir(), 'tuningfork-pictures-'));
afterAll(() => rmSync(folder, { recursive: true }));
await build({
  stdin: { contents: PROGRAM, resolveDir: fileURLToPath(new URL('../../dist', import.meta.url)) },
  outfile: join(folder, 'app.js'),
  bundle: true,
  format: 'esm',
  target: 'es2022',
  logLevel: 'error',
});
writeFileSync(
  join(folder, 'index.html'),
  '<!doctype html><html lang="en"><title>Pictures</title><link rel="icon" href="data:,"><body></body><script type="module" src="app.js"></script></html>',
);

describeSite(
  'a page',
  (site) => {
    it('feeds a program what it has: bitmaps, canvases, images, frames of a video', async () => {
      const { page, problems } = await site.open('');
      const text = await textOf(page, 'body', /^\{|^Error/);
      expect(text).not.toMatch(/^Error/);
      const said = JSON.parse(text) as {
        kinds: Record<string, number[]>;
        pair: number[];
        refused: string[];
        numbers: number;
        closed: string;
        again: boolean;
        left: number;
      };
      const colours = BYTES.filter((_, i) => i % 4 !== 3);
      for (const [name, got] of Object.entries(said.kinds)) {
        expect(got, name).toEqual(colours.map((v) => 2 * v));
      }
      expect(Object.keys(said.kinds)).toHaveLength(7);
      expect(said.pair).toEqual([...BYTES, ...BYTES]);
      expect(said.numbers).toBe(1);
      expect(said.refused).toEqual([
        'run: input one: input[6, 70, 3] takes pictures 6 pixels high and 70 wide, and picture 0 is 6 high and 5 wide; createImageBitmap resizes one',
        'run: input one: input[6, 70, 3] takes a batch of 1 and was given 2',
        'run: input two: input[2, 6, 70, 4] takes a batch of 2 and was given 1',
        'run: input two: input[2, 6, 70, 4]: entry 1 of the list is no picture as the first is',
        'run: input flat: input[12] takes no pictures: that needs a shape [height, width, channels] or [N, height, width, channels] of 3 or 4 channels, and f32',
      ]);
      expect(said.closed).toMatch(/picture 0 is 0 high and 0 wide/);
      expect(said.again).toBe(true);
      expect(said.left).toBe(0);
      expect(problems).toEqual([]);
      await page.close();
    });
  },
  folder,
);
