import { UserError } from '../../engine/user_error.ts';

/** Longest side that is decoded: survey cutouts have hundreds of pixels; a header may claim billions. */
export const MAX_SIDE = 4096;

/** Bytes that the pixels of one decoded image may take: four channels of MAX_SIDE squared as floats. */
export const MAX_RASTER_BYTES = MAX_SIDE * MAX_SIDE * 4 * 4;

/** An image as its file has it: `height` rows of `width` pixels of `channels` samples. */
export interface Raster {
  readonly width: number;
  readonly height: number;
  /** 1 grey, 2 grey and alpha, 3 R, G, B, 4 with alpha; other numbers are planes without names. */
  readonly channels: number;
  /** NaN marks a pixel without a value. */
  readonly data: Uint8Array | Float32Array;
  /** The value that is white where 0 is black; null where numbers have no such range: then `toRgb` finds one. */
  readonly white: number | null;
  /** Whether the last channel is alpha, 0 to `white`. */
  readonly hasAlpha: boolean;
}

/**
 * Checks what a header claims before anything is unpacked.
 * @param file what errors call it
 * @throws UserError for an image without pixels, one with too long a side, or one that takes too many bytes
 */
export function checkSize(
  file: string,
  { width, height, channels, bytes }: { width: number; height: number; channels: number; bytes: number },
): void {
  if (!(width >= 1 && height >= 1 && channels >= 1)) {
    throw new UserError(`${file} has no pixels: ${width} x ${height}`);
  }
  if (Math.max(width, height) > MAX_SIDE) {
    throw new UserError(`${file} is ${width} x ${height} pixels; the longest side may have ${MAX_SIDE}`);
  }
  const total = width * height * channels * bytes;
  if (total > MAX_RASTER_BYTES) {
    throw new UserError(`${file} has ${channels} channels and takes ${total} bytes; ${MAX_RASTER_BYTES} are taken`);
  }
}
