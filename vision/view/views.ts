import { RandomStream, hashText } from '../../engine/random.ts';
import type { Feed } from '../../engine/program/program.ts';
import { augmentImages } from '../../engine/ops/augment.ts';
import { input } from '../../engine/ops/leaves.ts';
import type { Tensor } from '../../engine/tensor.ts';
import type { Normalisation } from '../../models/normalisation.ts';
import type { UserError } from '../../engine/user_error.ts';
import type { Dataset } from '../data/dataset.ts';
import { isBadImage } from '../data/machine_fault.ts';
import { cropResize } from './resample.ts';
import type { RgbImage } from '../data/rgb_image.ts';
import { sourceSide, sourceSquare } from './source_square.ts';
import {
  NO_AUGMENTATION,
  PLAIN_VIEWS,
  UPRIGHT_VIEWS,
  colourMatrix,
  randomPlacement,
  viewMatrix,
  type AugmentationOptions,
  type Placement,
} from './view.ts';

/** One look at one image: an index into the dataset, where it looks, and how it is coloured. */
export interface View {
  readonly example: number;
  readonly placement: Placement;
  readonly colour: readonly number[];
}

export interface ViewGeometry {
  /** Side of the network's input in pixels. */
  readonly size: number;
  /** Side of the central square of the original that a plain view shows, in its pixels. */
  readonly crop: number;
  readonly normalisation: Normalisation;
  /**
   * Where images have an up and any size: they are first scaled so that their shorter side has this many pixels. Absent
   * where images are as large as they are, and have no up.
   */
  readonly shortSide?: number;
}

/** What the shorter side of an image with an up is scaled to, as a multiple of what is seen of it. */
export const SHORT_SIDE = 8 / 7;

/** The views over which predictions of images are averaged, the plain one first. */
export const plainViews = ({ shortSide }: Pick<ViewGeometry, 'shortSide'>): readonly Placement[] =>
  shortSide === undefined ? PLAIN_VIEWS : UPRIGHT_VIEWS;

const COLOUR_STREAM = 1;

/** Where squares are kept beyond the last few. */
export interface SquareStore {
  /** The square of an example; undefined where it is not kept. */
  read(example: number): Uint32Array | undefined;
  write(example: number, square: Uint32Array): void;
}

/** Images that a ViewMaker keeps decoded where it is not told: a batch and the next one. */
export const KEPT_IMAGES = 128;

/**
 * Makes the views of a dataset and the feeds that show them to a program; decodes what it needs and keeps the last few
 * images.
 */
export class ViewMaker {
  readonly side: number;
  /** Where each image is looked for before it is decoded, and kept once it was. */
  store?: SquareStore;
  private readonly squares = new Map<number, Promise<Uint32Array>>();

  constructor(
    private readonly dataset: Dataset,
    readonly geometry: ViewGeometry,
    private readonly augmentation: AugmentationOptions,
    private readonly seed: number,
    private readonly kept = KEPT_IMAGES,
  ) {
    this.side = sourceSide(geometry.crop);
  }

  /** What an image is called in a sentence. */
  nameOf(example: number): string {
    return `image ${this.dataset.examples[example].id}`;
  }

  /** The `repeat`-th random view of an image: depends on the seed, the image's id and `repeat` alone. */
  random(example: number, repeat: number): View {
    const id = hashText(this.dataset.examples[example].id);
    return {
      example,
      placement: randomPlacement(this.augmentation, new RandomStream(this.seed, id, repeat)),
      colour: colourMatrix(
        this.augmentation,
        this.geometry.normalisation,
        new RandomStream(this.seed, id, repeat, COLOUR_STREAM),
      ),
    };
  }

  /** A view without chance: the k-th of `plainViews`; 0 is the image as it is. */
  plain(example: number, k = 0): View {
    const placement = plainViews(this.geometry)[k];
    return { example, placement, colour: colourMatrix(NO_AUGMENTATION, this.geometry.normalisation) };
  }

  /** Starts decoding, so that `feeds` finds it done. A failure is thrown by `feeds`. */
  prefetch(views: readonly View[]): void {
    for (const { example } of views) this.square(example).catch(() => undefined);
  }

  /**
   * What is wrong with an image, which is decoded for this and kept for `feeds`; undefined where nothing is. Throws
   * where it is no fault of the image that it cannot be read.
   */
  async fault(example: number): Promise<UserError | undefined> {
    try {
      await this.square(example);
      return undefined;
    } catch (error) {
      if (isBadImage(error)) return error;
      throw error;
    }
  }

  private square(example: number): Promise<Uint32Array> {
    let square = this.squares.get(example);
    if (!square) {
      const kept = this.store?.read(example);
      square = kept ? Promise.resolve(kept) : this.decode(example);
      this.squares.set(example, square);
      // The oldest goes first: a Map keeps the order of insertion.
      if (this.squares.size > this.kept) this.squares.delete(this.squares.keys().next().value!);
    }
    return square;
  }

  private async decode(example: number): Promise<Uint32Array> {
    const { crop, shortSide } = this.geometry;
    const square = sourceSquare(scaled(await this.dataset.load(example), shortSide), this.side, crop);
    this.store?.write(example, square);
    return square;
  }

  /** What to feed to the inputs of `imageInput` to show these views. */
  async feeds(views: readonly View[]): Promise<Record<string, Feed>> {
    const { size, crop } = this.geometry;
    const images = new Uint32Array(views.length * this.side * this.side);
    const squares = await Promise.all(views.map(({ example }) => this.square(example)));
    squares.forEach((square, i) => images.set(square, i * square.length));
    return {
      images,
      view: Float32Array.from(views.flatMap(({ placement }) => viewMatrix(placement, size, this.side, crop))),
      colour: Float32Array.from(views.flatMap(({ colour }) => colour)),
    };
  }
}

/** The central square of an image at another size; the image itself where none is said. */
const scaled = (image: RgbImage, shortSide: number | undefined): RgbImage =>
  shortSide === undefined ? image : cropResize(image, { crop: 1, size: shortSide });

/** The network's input [batch, size, size, 3] as made by the augment kernel from what a ViewMaker feeds. */
export function imageInput(batch: number, side: number, { size, crop }: ViewGeometry): Tensor {
  const images = input('images', [batch, side, side], 'u32');
  return augmentImages(images, input('view', [batch, 6]), input('colour', [batch, 12]), {
    size,
    taps: Math.max(1, Math.ceil(crop / size - 0.25)),
  }).named('input');
}
