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
  const decode = await (decoder ??= loadDecoder());
  const image = await decode(bytes.slice().buffer).catch(() => null);
  if (image?.width !== width || image.height !== height) {
    throw new UserError(`${file} is damaged: it cannot be decoded as WebP; get the file anew, or leave it out`);
  }
  const data = new Uint8Array(image.data.buffer, image.data.byteOffset, image.data.byteLength);
  return { width, height, channels: 4, data, white: 255, hasAlpha: true };
}

/** The image as a lossy WebP file. @param rgba opaque or not, a byte each @param quality 0..100 */
export async function encodeWebp(
  { width, height, data }: { width: number; height: number; data: Uint8ClampedArray },
  quality: number,
): Promise<Uint8Array> {
  const encode = await (encoder ??= loadEncoder());
  return new Uint8Array(await encode({ width, height, data } as ImageData, { quality }));
}

type Decode = (bytes: ArrayBuffer) => Promise<ImageData>;
type Encode = (image: ImageData, options: { quality: number }) => Promise<ArrayBuffer>;
// The types of `init` leave out the module, which comes first.
type Init = (module: WebAssembly.Module) => Promise<void>;
let decoder: Promise<Decode> | null = null;
let encoder: Promise<Encode> | null = null;

/** A part of libwebp. In Node it is given its WebAssembly by hand, and so must know what its result is made of. */
async function compiled(part: string): Promise<WebAssembly.Module> {
  const wasm = Module.createRequire(import.meta.url).resolve(`@jsquash/webp/codec/${part}.wasm`);
  return WebAssembly.compile(await readFile(wasm));
}

async function loadDecoder(): Promise<Decode> {
  const { default: decode, init } = await import('@jsquash/webp/decode.js');
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
  await (init as unknown as Init)(await compiled('dec/webp_dec'));
  return decode;
}

async function loadEncoder(): Promise<Encode> {
  const { default: encode, init } = await import('@jsquash/webp/encode.js');
  // The library takes the build with SIMD where that compiles, and wants its module.
  const module = await compiled('enc/webp_enc_simd').catch(() => compiled('enc/webp_enc'));
  await (init as unknown as Init)(module);
  return encode as Encode;
}
