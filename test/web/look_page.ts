import { expect } from 'vitest';
import type { ElementHandle, Page } from 'puppeteer-core';
import { namedNumbers, type PredictionRecord } from '../../vision/answer/prediction_record.ts';

/** Waits until the page is ready for a model. */
export const untilReady = (page: Page) =>
  page.waitForFunction(() => !document.querySelector<HTMLButtonElement>('#train')!.disabled);

/** Chooses files in one of the page's file inputs, as a person does, or a folder in the one for folders. */
export async function choose(
  page: Page,
  input: '#model-file' | '#image-files' | '#image-folder',
  ...files: string[]
): Promise<void> {
  const field = (await page.$(input)) as ElementHandle<HTMLInputElement>;
  await field.uploadFile(...files);
}

/** What the page predicts of `count` galaxies, by id. */
export async function predictions(page: Page, count: number): Promise<Map<string, PredictionRecord>> {
  await page.waitForFunction(
    (n) => document.querySelector('#json')!.textContent!.split('\n').filter(Boolean).length === n,
    {},
    count,
  );
  const lines = await page.$eval('#json', (element) => element.textContent!.split('\n'));
  return byId(lines);
}

export const byId = (lines: readonly string[]): Map<string, PredictionRecord> =>
  new Map(lines.map((line) => JSON.parse(line) as PredictionRecord).map((record) => [record.id, record]));

export const numbersOf = (record: PredictionRecord): number[] => Object.values(namedNumbers(record));

export interface ShownMap {
  readonly id: string;
  readonly class: string;
  readonly method: string;
  readonly layer?: string;
  readonly height: number;
  readonly width: number;
  readonly values: number[];
}

/** The map that the page draws by a method at a layer, counted from 0, for the selected galaxy. */
export async function mapOf(page: Page, id: string, method: string, layer: number, name: string): Promise<ShownMap> {
  await page.select('#method', method);
  await page.$eval(
    '#layer',
    (slider, value) => {
      (slider as HTMLInputElement).value = String(value);
      slider.dispatchEvent(new Event('input', { bubbles: true }));
    },
    layer,
  );
  await page.$eval('#values-details', (details) => ((details as HTMLDetailsElement).open = true));
  const shown = await page.waitForFunction(
    (id, method, name) => {
      const text = document.querySelector('#values')!.textContent;
      const map = text ? (JSON.parse(text) as { id: string; method: string; layer?: string }) : undefined;
      return map?.id === id && map.method === method && (map.layer === undefined || map.layer === name) ? text : false;
    },
    {},
    id,
    method,
    name,
  );
  return JSON.parse((await shown.jsonValue()) as string) as ShownMap;
}

/** The bytes that a canvas shows: R, G, B. */
export async function pixelsOf(page: Page, selector: string): Promise<Uint8Array> {
  const rgba = await page.$eval(selector, (canvas) => {
    const { width, height } = canvas as HTMLCanvasElement;
    return Array.from((canvas as HTMLCanvasElement).getContext('2d')!.getImageData(0, 0, width, height).data);
  });
  return Uint8Array.from(rgba.filter((_, i) => i % 4 !== 3));
}

/** Chooses a file that the page must refuse: returns what it says of it. */
export async function refusal(
  page: Page,
  input: '#model-file' | '#image-files',
  file: string,
  pattern: RegExp,
): Promise<string> {
  await page.$eval('#message', (place) => (place.textContent = ''));
  await choose(page, input, file);
  await page.waitForFunction(
    () =>
      document.querySelector('#message')!.getAttribute('role') === 'alert' &&
      document.querySelector('#message')!.textContent,
  );
  const said = await page.$eval('#message', (place) => place.textContent!);
  expect(said).toMatch(pattern);
  return said;
}

/** Calls a method of the page's worker past the page: for what no user does, such as losing the device. */
export async function inWorker(page: Page, method: string): Promise<void> {
  const [worker] = page.workers();
  await worker.evaluate(
    (name) =>
      (globalThis as unknown as { onmessage(event: unknown): void }).onmessage({
        data: { id: -1, method: name, args: [] },
      }),
    method,
  );
}
