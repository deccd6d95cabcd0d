/** An image as decoded: `data` holds `height` rows of `width` pixels, 3 bytes (R, G, B) each. */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}
