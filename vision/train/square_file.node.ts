import { closeSync, fstatSync, readSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { fileError } from '../../models/formats/file_error.node.ts';
import type { SquareStore } from '../view/views.ts';
import { openKeyedFile } from './keyed_file.node.ts';

/** Changes with the layout of the file: one of another is begun anew. */
const FORMAT = 2;

/** Before each square: the number of its image plus one, and the CRC-32 of its bytes, begun with that number. */
const HEAD = 8;

/** What a file of squares is for, and how far it may grow. */
export interface SquareFileSpec {
  /** Height and width of a square in pixels. */
  readonly side: number;
  /** What the squares depend on: those of another key are forgotten. */
  readonly key: string;
  /** Bytes that the file may take; what does not fit is decoded each time. */
  readonly most: number;
  /**
   * The images that may be kept, as a ViewMaker calls them. Each is numbered by its place in this list, so that the key
   * must name them in this order; other images of the dataset may come and go.
   */
  readonly examples: readonly number[];
}

/**
 * Decoded images on disk, three bytes a pixel, in the order in which they first came: an epoch after the first decodes
 * nothing. A square that a power cut left half written, or that was damaged, is none: it is decoded again in its place.
 */
export class SquareFile implements SquareStore {
  /** The number of each example that may be kept. */
  private readonly numbers: ReadonlyMap<number, number>;
  /** The place of each square, by the number of its image. */
  private readonly places = new Map<number, number>();
  private count = 0;
  private open = true;
  private readonly stride: number;

  private constructor(
    private readonly path: string,
    private readonly handle: number,
    private readonly spec: SquareFileSpec,
  ) {
    this.stride = HEAD + 3 * spec.side * spec.side;
    this.numbers = new Map(spec.examples.map((example, i) => [example, i]));
  }

  /** Opens a file, empty or with what it holds already. */
  static async open(path: string, spec: SquareFileSpec): Promise<SquareFile> {
    const { side, key } = spec;
    try {
      const handle = await openKeyedFile(path, JSON.stringify({ format: FORMAT, side, key }));
      const file = new SquareFile(path, handle, spec);
      file.findPlaces();
      return file;
    } catch (error) {
      throw fileError('write', path, error);
    }
  }

  private findPlaces(): void {
    this.count = Math.floor(fstatSync(this.handle).size / this.stride);
    const head = Buffer.alloc(HEAD);
    for (let place = 0; place < this.count; place++) {
      readSync(this.handle, head, 0, HEAD, place * this.stride);
      const number = head.readUInt32LE(0);
      if (number > 0) this.places.set(number - 1, place);
    }
  }

  holds(example: number): boolean {
    return this.placeOf(example) !== undefined;
  }

  private placeOf(example: number): number | undefined {
    const number = this.numbers.get(example);
    return number === undefined ? undefined : this.places.get(number);
  }

  read(example: number): Uint32Array | undefined {
    const place = this.placeOf(example);
    if (!this.open || place === undefined) return undefined;
    const bytes = Buffer.allocUnsafe(this.stride);
    const got = readSync(this.handle, bytes, 0, bytes.length, place * this.stride);
    const pixels = bytes.subarray(HEAD);
    if (got < bytes.length || bytes.readUInt32LE(4) !== crc32(pixels, this.numbers.get(example)! + 1)) return undefined;
    const square = new Uint32Array(this.spec.side ** 2);
    for (let i = 0, at = 0; i < square.length; i++, at += 3)
      square[i] = (pixels[at] | (pixels[at + 1] << 8) | (pixels[at + 2] << 16) | (255 << 24)) >>> 0;
    return square;
  }

  write(example: number, square: Uint32Array): void {
    const number = this.numbers.get(example);
    if (number === undefined) return;
    const place = this.places.get(number) ?? this.count;
    if (!this.open || (place + 1) * this.stride > this.spec.most) return;
    const bytes = Buffer.allocUnsafe(this.stride);
    for (let i = 0, at = HEAD; i < square.length; i++) {
      bytes[at++] = square[i];
      bytes[at++] = square[i] >>> 8;
      bytes[at++] = square[i] >>> 16;
    }
    bytes.writeUInt32LE(number + 1, 0);
    bytes.writeUInt32LE(crc32(bytes.subarray(HEAD), number + 1), 4);
    try {
      for (let done = 0; done < bytes.length; )
        done += writeSync(this.handle, bytes, done, bytes.length - done, place * this.stride + done);
    } catch (error) {
      throw fileError('write', this.path, error);
    }
    this.places.set(number, place);
    this.count = Math.max(this.count, place + 1);
  }

  /** Closes the file. Views of a training outlive it: they find nothing here any more, and decode their images. */
  close(): void {
    this.open = false;
    closeSync(this.handle);
  }
}
