import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import jpeg from 'jpeg-js';
import { PNG } from 'pngjs';
import { afterAll, describe, expect, it } from 'vitest';
import { UserError } from '../../engine/user_error.ts';
import { decodeImage } from '../../vision/data/decode.node.ts';
import { MAX_SIDE, overBlack } from '../../vision/data/image_file.ts';
import { fitsFile } from './data/fits_files.ts';
import { withoutBadImages } from '../../vision/data/check_images.ts';
import { DecodePool } from '../../vision/data/decode_pool.node.ts';
import { FileWindow } from '../../vision/data/file_window.node.ts';
import { MachineFault } from '../../vision/data/machine_fault.ts';
import { testData } from '../data.ts';

const dir = mkdtempSync(join(tmpdir(), 'tuningfork-images-'));
afterAll(() => rmSync(dir, { recursive: true }));
const put = (name: string, bytes: Uint8Array | string) => {
  writeFileSync(join(dir, name), bytes);
  return join(dir, name);
};

/** Left half red, right half blue: survives JPEG well away from the edge. */
const rgba = (width: number, height: number, alpha = 255) => {
  const data = Buffer.alloc(width * height * 4);
  for (let i = 0; i < width * height; i++)
    data.set(i % width < width / 2 ? [250, 0, 0, alpha] : [0, 0, 250, alpha], i * 4);
  return { width, height, data };
};
const jpegBytes = (width = 64, height = 48) => new Uint8Array(jpeg.encode(rgba(width, height), 95).data);
const pngBytes = (alpha = 255) => {
  const { width, height, data } = rgba(64, 48, alpha);
  const png = new PNG({ width, height });
  png.data = data;
  return new Uint8Array(PNG.sync.write(png));
};
const pixel = (image: { width: number; data: Uint8Array }, x: number, y: number) => [
  ...image.data.subarray((y * image.width + x) * 3, (y * image.width + x) * 3 + 3),
];

describe('decodeImage', () => {
  it('decodes PNG exactly, alpha over black', async () => {
    const image = await decodeImage(pngBytes(), 'a.png');
    expect([image.width, image.height, image.data.length]).toEqual([64, 48, 64 * 48 * 3]);
    expect([pixel(image, 0, 0), pixel(image, 63, 47)]).toEqual([
      [250, 0, 0],
      [0, 0, 250],
    ]);
    expect(pixel(await decodeImage(pngBytes(51), 'a.png'), 3, 3)).toEqual([50, 0, 0]);
    // Every channel by the pixel's own alpha.
    expect([...overBlack(2, 1, Uint8Array.of(255, 100, 50, 51, 10, 20, 30, 255)).data]).toEqual([
      51, 20, 10, 10, 20, 30,
    ]);
  });

  it('decodes JPEG, and goes by the content, not the name', async () => {
    const image = await decodeImage(jpegBytes(), 'a.png');
    expect([image.width, image.height]).toEqual([64, 48]);
    for (const [x, want] of [
      [4, [250, 0, 0]],
      [60, [0, 0, 250]],
    ] as const) {
      pixel(image, x, 20).forEach((v, c) => expect(Math.abs(v - want[c])).toBeLessThan(12));
    }
  });

  it('refuses every truncation of a JPEG and of a PNG, naming the file', async () => {
    for (const bytes of [jpegBytes(), pngBytes()]) {
      for (let n = 0; n < bytes.length - 12; n += 13) {
        await expect(decodeImage(bytes.subarray(0, n), 'cut.bin'), `${n} bytes`).rejects.toThrow(UserError);
        await expect(decodeImage(bytes.subarray(0, n), 'cut.bin')).rejects.toThrow(/^cut\.bin /);
      }
    }
  });

  it('is not misled by the end marker of a thumbnail inside a truncated JPEG', async () => {
    const whole = jpegBytes();
    const thumbnail = jpegBytes(16, 16);
    const length = thumbnail.length + 2;
    const withThumbnail = new Uint8Array([
      0xff,
      0xd8,
      0xff,
      0xec,
      length >> 8,
      length & 255,
      ...thumbnail,
      ...whole.subarray(2),
    ]);
    expect((await decodeImage(withThumbnail, 'a.jpg')).width).toBe(64);
    await expect(decodeImage(withThumbnail.subarray(0, withThumbnail.length - 20), 'a.jpg')).rejects.toThrow(/cut off/);
  });

  it('accepts padding behind the end of a JPEG', async () => {
    expect((await decodeImage(new Uint8Array([...jpegBytes(), 0, 0, 0, 0]), 'a.jpg')).width).toBe(64);
  });

  it('refuses absurd sizes before decoding', async () => {
    const png = pngBytes();
    new DataView(png.buffer).setUint32(16, 20_000);
    await expect(decodeImage(png, 'big.png')).rejects.toThrow(/big\.png is 20000 x 48 pixels/);
    const jpg = jpegBytes();
    const frame = jpg.findIndex((b, i) => b === 0xff && jpg[i + 1] === 0xc0);
    new DataView(jpg.buffer).setUint16(frame + 5, MAX_SIDE + 1);
    await expect(decodeImage(jpg, 'big.jpg')).rejects.toThrow(/big\.jpg is 64 x 4097 pixels/);
  });

  it('refuses text and empty files', async () => {
    await expect(decodeImage(new TextEncoder().encode('not an image at all'), 'a.jpg')).rejects.toThrow(
      /is no image that is read/,
    );
    await expect(decodeImage(new Uint8Array(), 'a.jpg')).rejects.toThrow('a.jpg is empty');
  });

  it.skipIf(testData() === null)('decodes real galaxies whole, and refuses each cut short', async () => {
    const images = join(testData()!, 'galaxies/images');
    for (const name of readdirSync(images).filter((_, i) => i % 400 === 0)) {
      const bytes = new Uint8Array(readFileSync(join(images, name)));
      const image = await decodeImage(bytes, name);
      expect([image.width, image.height]).toEqual([424, 424]);
      await expect(decodeImage(bytes.subarray(0, bytes.length * 0.7), name)).rejects.toThrow(/cut off/);
    }
  });
});

describe.each([0, 1, 2])('DecodePool with %i threads', (threads) => {
  it('gives what decodeImage gives, each to its asker', async () => {
    const pool = new DecodePool({ threads });
    const files = Array.from({ length: 12 }, (_, i) => {
      const bytes = i % 3 === 0 ? pngBytes() : jpegBytes(16 + i, 20);
      return { path: put(`${threads}-${i}.jpg`, bytes), bytes };
    });
    const images = await Promise.all(files.map((file) => pool.decode(file.path)));
    for (const [i, image] of images.entries()) expect(image).toEqual(await decodeImage(files[i].bytes, 'x'));
    await pool.close();
  });

  it('decodes bytes that it is given, stretched as it was told, and leaves them to their owner', async () => {
    const values = Array.from({ length: 30 }, (_, i) => i ** 3);
    const file = new Uint8Array(fitsFile(-32, [6, 5], values));
    // A view of a larger buffer, as readers give it.
    const larger = new Uint8Array(file.length + 100);
    larger.set(file, 50);
    const bytes = larger.subarray(50, 50 + file.length);
    const stretch = { kind: 'asinh', softening: 0.05 } as const;
    for (const options of [{ threads }, { threads, stretch }]) {
      const pool = new DecodePool(options);
      expect(await pool.decode('sky in sky.zip', bytes)).toEqual(await decodeImage(file, 'x', options.stretch));
      await expect(pool.decode('half in sky.zip', bytes.subarray(0, 2900))).rejects.toThrow(/^half in sky\.zip is cut/);
      await pool.close();
    }
    expect(bytes).toEqual(file);
    expect((await decodeImage(file, 'x', stretch)).data).not.toEqual((await decodeImage(file, 'x')).data);
  });

  // Linux refuses to read a process's memory at 0, which nothing lies at, as it does for a broken disk.
  it.skipIf(process.platform !== 'linux')('tells a fault of the disk from one of an image', async () => {
    const pool = new DecodePool({ threads });
    const read = pool.decode('/proc/self/mem');
    await expect(read).rejects.toThrow(/^\/proc\/self\/mem cannot be read \(EIO\); this is no fault of the image/);
    await expect(read).rejects.toBeInstanceOf(MachineFault);
    const data = { name: 'x', notes: [], close: () => pool.close(), load: () => read };
    await expect(withoutBadImages({ ...data, examples: [{ id: 'a' }] })).rejects.toBeInstanceOf(MachineFault);
    await pool.close();
  });

  it('rejects with a UserError that names the file, and goes on', async () => {
    const pool = new DecodePool({ threads });
    const bad = [
      put('text.jpg', 'hello'),
      put('zero.jpg', ''),
      put('cut.jpg', jpegBytes().subarray(0, 500)),
      join(dir, 'missing.jpg'),
    ];
    const results = await Promise.allSettled([
      ...bad.map((f) => pool.decode(f)),
      pool.decode(put('good.jpg', jpegBytes())),
    ]);
    bad.forEach((file, i) => {
      const result = results[i];
      if (result.status !== 'rejected') throw new Error(`${file} was decoded`);
      expect(result.reason).toBeInstanceOf(UserError);
      expect(result.reason).not.toBeInstanceOf(MachineFault);
      expect(result.reason.message).toContain(file);
    });
    expect(results[4].status).toBe('fulfilled');
    await pool.close();
    await expect(pool.decode(bad[0])).rejects.toThrow(/closed/);
  });
});

describe('an archive that the system no longer reads', () => {
  it('is no fault of an image', async () => {
    const file = await FileWindow.open(put('archive.tar', 'some bytes'));
    await expect(file.read(5, 10)).rejects.not.toBeInstanceOf(MachineFault);
    await file.close();
    await expect(file.read(0, 4)).rejects.toBeInstanceOf(MachineFault);
  });
});

describe('DecodePool', () => {
  it('gives up a file that takes too long, by its name, and goes on with the next in a new thread', async () => {
    const pool = new DecodePool({ threads: 1, seconds: 5 });
    // Nobody writes into it: reading it never ends.
    const endless = join(dir, 'endless.jpg');
    expect(spawnSync('mkfifo', [endless]).status).toBe(0);
    const [lost, next] = await Promise.allSettled([pool.decode(endless), pool.decode(put('after.jpg', jpegBytes()))]);
    // Ends the reading, for which the end of the thread waits.
    closeSync(openSync(endless, 'w'));
    expect(lost).toMatchObject({
      status: 'rejected',
      reason: new UserError(
        `${endless} could not be decoded: it takes more than 5 s; it is damaged, or made to do so: take it away`,
      ),
    });
    expect(lost).toMatchObject({ reason: expect.any(MachineFault) });
    expect(next).toMatchObject({ status: 'fulfilled', value: { width: 64 } });
    await pool.close();
  });

  it('rejects what is still waiting when closed', async () => {
    const pool = new DecodePool({ threads: 1 });
    const file = put('wait.jpg', jpegBytes());
    const waiting = Promise.allSettled([pool.decode(file), pool.decode(file), pool.decode(file)]);
    await pool.close();
    expect((await waiting).every((r) => r.status === 'rejected')).toBe(true);
  });

  it('works as built: a bundle with decode_worker.js beside it, and says so when that is missing', () => {
    const room = fileURLToPath(new URL('../../vision/data/', import.meta.url));
    // Pools closed while a thread is at work, at all moments of that work: the process must not end before its own last
    // line.
    const main = `import { DecodePool } from '../data/decode_pool.node.ts';
      const pool = new DecodePool({ threads: 1 });
      console.log((await pool.decode(process.argv[2])).width);
      await pool.close();
      for (let delay = 0; delay < 40; delay++) {
        const closing = new DecodePool({ threads: 1 });
        await closing.decode(process.argv[2]);
        closing.decode(process.argv[2]).catch(() => {});
        for (const until = performance.now() + delay / 4; performance.now() < until; );
        await closing.close();
      }
      console.log('closed');`;
    const shared = {
      bundle: true,
      platform: 'node',
      format: 'esm',
      banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    } as const;
    put('package.json', '{ "type": "module" }');
    const file = put('built.jpg', jpegBytes(40, 30));
    buildSync({ ...shared, stdin: { contents: main, resolveDir: room, loader: 'ts' }, outfile: join(dir, 'main.js') });
    expect(() =>
      execFileSync(process.execPath, [join(dir, 'main.js'), file], { stdio: 'pipe', timeout: 800_000 }),
    ).toThrow(/decode_worker\.js is missing/);
    buildSync({
      ...shared,
      entryPoints: [join(room, 'decode_worker.node.ts')],
      outfile: join(dir, 'decode_worker.js'),
    });
    expect(execFileSync(process.execPath, [join(dir, 'main.js'), file], { encoding: 'utf8', timeout: 800_000 })).toBe(
      '40\nclosed\n',
    );
  });

  it('refuses a senseless number of threads', () => {
    for (const n of [-1, 1.5, Number.NaN]) expect(() => new DecodePool({ threads: n })).toThrow(/threads/);
  });
});
