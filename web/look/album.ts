import type { Galaxies, Galaxy } from '../../galaxies/galaxy.ts';
import type { RgbImage } from '../../vision/data/rgb_image.ts';
import { syntheticDataset } from '../../galaxies/synthetic.ts';

/** The galaxies of the page, as a dataset that grows: images are loaded anew where they are needed. */
export class Album implements Galaxies {
  readonly name = 'the page';
  readonly notes = [];
  readonly examples: Galaxy[] = [];
  private readonly loaders: (() => Promise<RgbImage>)[] = [];

  /** Adds a galaxy and returns its index. `id` may be there already. */
  add(galaxy: Galaxy, load: () => Promise<RgbImage>): number {
    this.loaders.push(load);
    return this.examples.push(galaxy) - 1;
  }

  /** Adds drawn galaxies, those of `synthetic:N:seed` from `first` on, and returns their indices. */
  addDrawn(first: number, count: number, seed: number): number[] {
    const drawn = syntheticDataset(first + count, seed);
    return Array.from({ length: count }, (_, i) => this.add(drawn.examples[first + i], () => drawn.load(first + i)));
  }

  load(index: number): Promise<RgbImage> {
    return this.loaders[index]();
  }

  async close(): Promise<void> {}
}
