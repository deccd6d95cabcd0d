// What the recordings of pages share: the built pages on a server, in a Chromium with WebGPU or its software adapter.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { launch } from 'puppeteer-core';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Serves the built pages; the address, and what ends it. */
async function serve() {
  const server = spawn(process.execPath, ['dist/cli.js', 'serve', '--port', '0'], { cwd: ROOT });
  for await (const line of createInterface(server.stdout)) {
    const url = /http:\S+/.exec(line)?.[0];
    if (url) return { url, end: () => server.kill() };
  }
  throw new Error('the pages are not served: run `npm run build` first');
}

/** Opens a page of the built site in light colours and gives it to `work`. */
export async function withPage(name, viewport, work) {
  const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
  if (!executablePath) throw new Error('there is no Chromium in /usr/bin');
  const args = ['--no-sandbox', '--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--hide-scrollbars'];
  const { url, end } = await serve();
  const browser = await launch({ executablePath, args });
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(600_000);
    await page.setViewport(viewport);
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'light' }]);
    await page.goto(new URL(name, url).href);
    return await work(page);
  } finally {
    await browser.close();
    end();
  }
}
