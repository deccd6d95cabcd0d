/** An image as decoded: `data` holds `height` rows of `width` pixels, 3 bytes (R, G, B) each. */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
  /** Samples a pixel of the file that it was decoded from, alpha and planes counted; absent: it comes from no file. */
  readonly channels?: number;
}
