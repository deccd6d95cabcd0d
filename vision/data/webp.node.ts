import { readFile } from 'node:fs/promises';
import { Module } from 'node:module';
import { UserError } from '../../engine/user_error.ts';
import { checkSize, type Raster } from './raster.ts';
import { readWebpHeader } from './webp_header.ts';

/**
 * Decodes a still WebP image, lossy or lossless, as R, G, B, A bytes.
 * @param file what errors call it
 * @throws UserError for a file that is damaged, cut off, animated or too large
 */
export async function decodeWebp(bytes: Uint8Array, file: string): Promise<Raster> {
  const { width, height } = readWebpHeader(bytes, file);
  checkSize(file, { width, height, channels: 4, bytes: 1 });
  const decode = await (ready ??= load());
  const image = await decode(bytes.slice().buffer).catch(() => null);
  if (image?.width !== width || image.height !== height) {
    throw new UserError(`${file} is damaged: it cannot be decoded as WebP; get the file anew, or leave it out`);
  }
  const data = new Uint8Array(image.data.buffer, image.data.byteOffset, image.data.byteLength);
  return { width, height, channels: 4, data, white: 255, hasAlpha: true };
}

type Decode = (bytes: ArrayBuffer) => Promise<ImageData>;
let ready: Promise<Decode> | null = null;

/** libwebp, as WebAssembly: in Node it is given its module by hand, and what its result is made of. */
async function load(): Promise<Decode> {
  const { default: decode, init } = await import('@jsquash/webp/decode.js');
  const wasm = Module.createRequire(import.meta.url).resolve('@jsquash/webp/codec/dec/webp_dec.wasm');
  (globalThis as { ImageData?: unknown }).ImageData ??= class {
    readonly data: Uint8ClampedArray;
    readonly width: number;
    readonly height: number;
    constructor(data: Uint8ClampedArray, width: number, height: number) {
      this.data = data;
      this.width = width;
      this.height = height;
    }
  };
  // The types leave out the module, which comes first.
  await (init as (module: WebAssembly.Module) => Promise<void>)(await WebAssembly.compile(await readFile(wasm)));
  return decode;
}
