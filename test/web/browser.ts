import { afterAll, beforeAll, describe, expect } from 'vitest';
import { existsSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { launch, type Browser, type Page } from 'puppeteer-core';
import { serveFolder } from '../../cli/serve.node.ts';
import { SLOW_ON_SWIFTSHADER } from '../../engine/device/gpu.node.ts';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
export const SITE = fileURLToPath(new URL('../../dist/web', import.meta.url));

/** What Chromium is started with. */
const WEBGPU = {
  swiftshader: [
    '--enable-unsafe-webgpu',
    '--use-webgpu-adapter=swiftshader',
    '--disable-gpu-sandbox',
    `--disable-dawn-features=${SLOW_ON_SWIFTSHADER}`,
  ],
  none: ['--disable-gpu'],
} as const;

/** What a page said that it should not have: errors of scripts, of the policy, and of the network. */
export interface Watched {
  readonly page: Page;
  readonly problems: string[];
}

/** A browser that has WebGPU on SwiftShader, and the built site on a server of its own. */
export interface Site {
  open(path: string, viewport?: { width: number; height: number; dark?: boolean }): Promise<Watched>;
}

/**
 * A describe block with the site in a headless Chromium. Where there is none (Ubuntu's is a snap, which the tests
 * cannot start) the block is left out and says so, as the second adapter is; TUNINGFORK_REQUIRE_BROWSER=1 makes that a
 * failure.
 * @param folder another folder of pages than the built site
 * @param model a file that the server hands out as /model.safetensors, once it is there
 * @param webgpu `none` is a browser that finds no adapter
 * @param prefix where the site lies on its host: `/project/`, as project pages do
 */
export function describeSite(
  title: string,
  body: (site: Site) => void,
  folder = SITE,
  model?: string,
  { webgpu = 'swiftshader', prefix = '/' }: { webgpu?: keyof typeof WEBGPU; prefix?: string } = {},
): void {
  if (!CHROMIUM && process.env['TUNINGFORK_REQUIRE_BROWSER']) throw new Error('there is no Chromium');
  if (!CHROMIUM) console.warn(`${title}: left out, there is no Chromium`);
  describe.skipIf(!CHROMIUM)(title, () => {
    let browser: Browser;
    let server: Server;
    let below: Server | undefined;
    let url: string;
    beforeAll(async () => {
      ({ server, url } = await serveFolder(folder, '127.0.0.1', 0, { model }));
      if (prefix !== '/') ({ server: below, url } = await serveBelow(prefix, url));
      browser = await launch({
        executablePath: CHROMIUM,
        args: ['--no-sandbox', '--hide-scrollbars', ...WEBGPU[webgpu]],
        protocolTimeout: 800_000,
      });
    });
    afterAll(async () => {
      await browser?.close();
      for (const each of [below, server]) {
        each?.closeAllConnections();
        each?.close();
      }
    });
    body({
      async open(path, { width, height, dark = false } = { width: 1200, height: 900 }) {
        const page = await browser.newPage();
        await page.setViewport({ width, height });
        await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }]);
        // Before the test's own limit, which does not say what was waited for.
        page.setDefaultTimeout(800_000);
        const problems: string[] = [];
        page.on('pageerror', (error) => problems.push(String(error)));
        page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
        page.on('requestfailed', (request) => problems.push(`${request.url()}: ${request.failure()?.errorText}`));
        page.on(
          'response',
          (response) => response.status() >= 400 && problems.push(`${response.url()}: ${response.status()}`),
        );
        await page.goto(new URL(path, url).href);
        return { page, problems };
      },
    });
  });
}

/** A server on which another one's pages lie below a prefix, and nothing else does. */
async function serveBelow(prefix: string, of: string): Promise<{ server: Server; url: string }> {
  const server = createServer((asked, answer) => {
    if (!asked.url!.startsWith(prefix)) return void answer.writeHead(404).end();
    const { method, headers } = asked;
    const inner = request(
      new URL(asked.url!.slice(prefix.length), of),
      { method, headers: { ...headers, host: new URL(of).host } },
      (found) => {
        answer.writeHead(found.statusCode!, found.headers);
        found.pipe(answer);
      },
    );
    inner.on('error', () => answer.destroy()).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, url: `http://localhost:${(server.address() as AddressInfo).port}${prefix}` };
}

/** Waits until an element's text fits and returns it. */
export async function textOf(page: Page, selector: string, pattern = /\S/): Promise<string> {
  await page.waitForFunction(
    (s, p) => new RegExp(p, 's').test(document.querySelector(s)?.textContent ?? ''),
    {},
    selector,
    pattern.source,
  );
  return page.$eval(selector, (element) => element.textContent ?? '');
}

/** The page is no wider than its window: nothing must be scrolled sideways but what scrolls by itself. */
export async function expectNoSidewaysScroll(page: Page): Promise<void> {
  const { scroll, client } = await page.evaluate(() => ({
    scroll: document.documentElement.scrollWidth,
    client: document.documentElement.clientWidth,
  }));
  expect(scroll, 'width of the page').toBeLessThanOrEqual(client);
}

/**
 * Clicks as a person would, once the element is in sight and enabled: `page.click` alone fails on what is hidden for a
 * moment more, and does nothing to what is disabled. It clicks once. A locator clicks again where a page goes away
 * under its click, and then waits on the next page for what is not there.
 */
export async function click(
  page: Page,
  selector: string,
  options: { offset?: { x: number; y: number } } = {},
): Promise<void> {
  await page.waitForSelector(selector, { visible: true });
  await page.waitForFunction((each) => !document.querySelector(each)?.matches(':disabled'), {}, selector);
  await page.click(selector, options);
}

/** Clicks what saves a file, and waits until it lies in the folder, under the name that the page gives it. */
export async function saveTo(page: Page, selector: string, folder: string): Promise<void> {
  const client = await page.createCDPSession();
  await client.send('Browser.setDownloadBehavior', { behavior: 'allow', downloadPath: folder, eventsEnabled: true });
  const saved = new Promise<void>((resolve) =>
    client.on('Browser.downloadProgress', ({ state }) => state === 'completed' && resolve()),
  );
  await click(page, selector);
  await saved;
}
