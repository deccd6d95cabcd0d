import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { PAGES } from '../../web/build_site.mjs';
import { fromHash } from '../../web/learn/link.ts';

/*
 * dist/web as files: where links lead, and what each page loads. No browser and no GPU.
 */

const SITE = fileURLToPath(new URL('../../dist/web', import.meta.url));
const textOf = (file: string): string => readFileSync(join(SITE, file), 'utf8');
const files = existsSync(SITE) ? readdirSync(SITE) : [];
const html = files.filter((file) => file.endsWith('.html'));
const gzipped = (file: string): number => gzipSync(readFileSync(join(SITE, file)), { level: 9 }).length;

const captured = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map(([, found]) => found);
const linksOf = (page: string): string[] => captured(textOf(page), /\s(?:href|src)="([^"]*)"/g);
/** What a script imports before it runs, and the workers that it names. */
const importsOf = (script: string): string[] =>
  captured(textOf(script), /\b(?:import|export)\s*(?:\{[^}]*\}\s*from\s*)?"([^"]+)"/g);
const workersOf = (script: string): string[] =>
  captured(textOf(script), /new URL\("([^"]+)",\s*import\.meta\.url\)/g).filter((to) => to.endsWith('.js'));
const laterOf = (script: string): string[] => captured(textOf(script), /import\("([^"]+)"\)/g);
/** What a script loads for the figures of these kinds: by the table of web/chapters/figures.ts, or for ops. */
const figuresOf = (script: string, kinds: readonly string[]): string[] =>
  [...textOf(script).matchAll(/(?:"?([\w-]+)"?:|\?\?\()async\(\)=>\(await import\("([^"]+)"\)/g)].flatMap(
    ([, kind, to]) => (kind === undefined || kinds.includes(kind) ? [to] : []),
  );

/** Scripts that a page loads by itself, each with how many are waited for before it. TensorFlow.js is asked for. */
function scriptsOf(page: string): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  const kinds = captured(textOf(page), /data-op="([^"]+)"/g);
  const visit = (script: string, depth: number, inWorker = false): void => {
    if ((found.get(script) ?? 0) >= depth) return;
    found.set(script, depth);
    const own = [...importsOf(script), ...(inWorker || kinds.length === 0 ? [] : figuresOf(script, kinds))];
    for (const next of own) visit(next.replace('./', ''), depth + 1, inWorker);
    for (const worker of workersOf(script).filter((each) => !each.includes('tfjs')))
      visit(worker.replace('./', ''), depth + 1, true);
  };
  for (const script of linksOf(page).filter((to) => to.endsWith('.js'))) visit(script, 1);
  return found;
}

/** The source files in a script, from its map. */
const sourcesOf = (script: string): string[] =>
  (JSON.parse(textOf(`${script}.map`)) as { sources: string[] }).sources.map((path) => path.replace(/^(\.\.\/)+/, ''));

const pages = [...PAGES.map(({ name }) => `${name}.html`), ...html.filter((file) => /^chapter-/.test(file))];

describe('the site as files', () => {
  it('is there', () => {
    expect(html.length).toBeGreaterThan(15);
    for (const page of pages) expect(scriptsOf(page).size, page).toBeGreaterThan(0);
  });

  it('can lie at any address: every link is relative, and leads to something', () => {
    for (const page of html)
      for (const link of linksOf(page)) {
        const [, path, fragment] = /^([^#?]*)[^#]*#?(.*)$/.exec(link)!;
        if (/^https:\/\//.test(path)) continue;
        expect(path, `${page} links to ${link}`).not.toMatch(/^\/|:/);
        const target = path === '' ? page : path;
        expect(files, `${page} links to ${link}`).toContain(target);
        // Of Learn it is a state, which the page reads: what it does not know, it refuses.
        if (fragment && target === 'learn.html') fromHash(fragment.replaceAll('&amp;', '&'));
        else if (fragment && target.endsWith('.html'))
          expect(textOf(target).includes(`id="${fragment}"`), `${page} links to ${link}`).toBe(true);
      }
    for (const script of files.filter((file) => file.endsWith('.js') && file !== 'tfjs.js'))
      for (const link of [...importsOf(script), ...workersOf(script), ...laterOf(script)]) {
        expect(link, script).toMatch(/^\.\/[\w.-]+$/);
        expect(files, script).toContain(link.slice(2));
      }
    for (const style of files.filter((file) => file.endsWith('.css')))
      for (const link of captured(textOf(style), /url\(["']?([^"')]+)/g)) expect(files, style).toContain(link);
  });

  it('loads nothing that a page does not use', () => {
    for (const page of pages) {
      const sources = [...scriptsOf(page).keys()].flatMap(sourcesOf);
      const isUsed = (path: string): boolean => {
        if (path.startsWith('web/plain/')) return path === 'web/plain/open_device.ts'; // the rest where there is no GPU
        // Grad-CAM trains on galaxies; the kernels are measured as Measure does.
        if (page.includes('grad-cam')) return !/^(models\/onnx|vision\/(?!view)|bench)\//.test(path);
        if (page.includes('read-the-kernel')) return !/^(models\/onnx|vision|galaxies)\//.test(path);
        if (page.startsWith('chapter')) return /^(web|engine|kernels)\//.test(path);
        // Networks and their files are Look's alone; Learn reads an ONNX file where one opens it.
        if (page === 'index.html') return !/^(models|bench)\//.test(path);
        return page !== 'learn.html' || !/^(models\/onnx|bench)\//.test(path);
      };
      expect(
        sources.filter((path) => !isUsed(path)),
        page,
      ).toEqual([]);
    }
  });

  it('is ready soon on a slow connection', () => {
    /** Seconds for so many bytes, where `trips` answers are waited for and a connection takes three more. */
    const seconds = (bytes: number, trips: number, bitsPerSecond: number, roundTrip: number): number =>
      (8 * bytes) / bitsPerSecond + (3 + trips) * roundTrip;
    const rows = pages.map((page) => {
      const styles = linksOf(page).filter((to) => to.endsWith('.css'));
      const text = [page, ...new Set(styles)].reduce((sum, file) => sum + gzipped(file), 0);
      const scripts = scriptsOf(page);
      const code = [...scripts.keys()].reduce((sum, file) => sum + gzipped(file), 0);
      // Text needs no script: on 400 kbit/s, 400 ms away. All that computes: on 1.6 Mbit/s, 150 ms away.
      const [read, ready] = [
        seconds(text, 2, 4e5, 0.4),
        seconds(text + code, 1 + Math.max(...scripts.values()), 1.6e6, 0.15),
      ];
      expect(read, `${page} is read`).toBeLessThan(5);
      expect(ready, `${page} is ready`).toBeLessThan(5);
      return `${page}: ${text} bytes of text and style, ${code} of code in ${scripts.size} files; ${read.toFixed(1)} s, ${ready.toFixed(1)} s`;
    });
    console.log(rows.join('\n'));
  });
});
