import type { RgbImage } from './rgb_image.ts';
import type { Stretch } from './stretch.ts';

/** Bytes, and what errors call them. */
export interface NamedBytes {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly name: string;
}

/** How files are read and images are decoded where the library runs: in Node, or in a browser. */
export interface FileReader {
  /** What an address leads to. Rejects with a UserError where nothing is there. */
  fetch(address: string): Promise<NamedBytes>;
  /** Rejects with a UserError that names the image where it cannot be decoded. */
  decode(bytes: Uint8Array<ArrayBuffer>, name: string, stretch?: Stretch): Promise<RgbImage>;
  /** The pixels of what a page can draw: a canvas, an ImageBitmap, a video's frame. Absent in Node. */
  draw?(picture: unknown): RgbImage | undefined;
}
