import { UserError } from '../../engine/user_error.ts';
import { decodeInBrowser } from './decode.browser.ts';
import type { FileReader, NamedBytes } from './file_reader.ts';
import { overBlack } from './image_file.ts';
import type { RgbImage } from './rgb_image.ts';

/** Files by their URL; JPEG and PNG. */
export const BROWSER_READER: FileReader = { fetch: fetchBytes, decode: decodeInBrowser, draw };

/** What a URL leads to. Rejects with a UserError where the server does not give it. */
export async function fetchBytes(url: string): Promise<NamedBytes> {
  const response = await fetch(url).catch((error: unknown) => {
    throw new UserError(`${url} cannot be fetched (${error instanceof Error ? error.message : String(error)})`);
  });
  if (!response.ok) throw new UserError(`${url} cannot be fetched: the server answers ${response.status}`);
  return { bytes: new Uint8Array(await response.arrayBuffer()), name: url };
}

interface Sized {
  readonly width?: number;
  readonly height?: number;
  readonly naturalWidth?: number;
  readonly naturalHeight?: number;
  readonly videoWidth?: number;
  readonly videoHeight?: number;
  readonly displayWidth?: number;
  readonly displayHeight?: number;
}

const KINDS = [
  'ImageBitmap',
  'HTMLImageElement',
  'HTMLCanvasElement',
  'OffscreenCanvas',
  'HTMLVideoElement',
  'VideoFrame',
];

function draw(picture: unknown): RgbImage | undefined {
  const scope = globalThis as unknown as Record<string, unknown>;
  const isKind = (kind: unknown) => typeof kind === 'function' && picture instanceof kind;
  if (!KINDS.some((name) => isKind(scope[name]))) return undefined;
  const of = picture as Sized;
  const width = of.naturalWidth ?? of.videoWidth ?? of.displayWidth ?? of.width ?? 0;
  const height = of.naturalHeight ?? of.videoHeight ?? of.displayHeight ?? of.height ?? 0;
  if (width < 1 || height < 1) throw new UserError('the picture has no pixels yet; wait until it is loaded');
  // An opaque canvas is black: what is drawn on it lies over black.
  const context = new OffscreenCanvas(width, height).getContext('2d', { alpha: false, willReadFrequently: true })!;
  context.drawImage(picture as CanvasImageSource, 0, 0);
  return overBlack(width, height, context.getImageData(0, 0, width, height).data);
}
