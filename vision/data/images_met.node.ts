import { createHash } from 'node:crypto';
import { UserError } from '../../engine/user_error.ts';
import type { Dataset, Example } from './dataset.ts';
import { eachImage } from './each_image.ts';
import type { Side } from './labelled.ts';

/** A size in pixels and how many images have it. */
export interface SizeMet {
  readonly width: number;
  readonly height: number;
  readonly count: number;
}

/** What images are like when all are decoded. */
export interface ImagesMet {
  /** Different sizes: how many, the one that most images have, and those with the fewest and the most pixels. */
  readonly sizes: {
    readonly different: number;
    readonly frequent: SizeMet;
    readonly least: SizeMet;
    readonly largest: SizeMet;
  } | null;
  /** Samples a pixel in the files, 1 grey, 3 colours, 4 with alpha, and how many images have so many. */
  readonly channels: readonly { readonly channels: number; readonly count: number }[];
  /**
   * Pairs of images whose decoded bytes are equal and that the data put on different sides, or any such pairs where the
   * data name no sides: how many, and the ids of the first three.
   */
  readonly equal: {
    readonly onBothSides: boolean;
    readonly pairs: number;
    readonly first: readonly (readonly [string, string])[];
  };
  /** Images that cannot be read: how many, and what is wrong with the first three. */
  readonly unreadable: { readonly count: number; readonly first: readonly string[] };
}

const SHOWN = 3;

/** Decodes every image once and tells what was met. Keeps a checksum of each in memory, no image. */
export async function imagesMet(
  dataset: Dataset<Example & { readonly side?: Side | null }>,
  onProgress?: (done: number) => void,
): Promise<ImagesMet> {
  const sizes = new Map<string, SizeMet>();
  const channels = new Map<number, number>();
  const byBytes = new Map<string, number[]>();
  const unreadable: string[] = [];
  let index = 0;
  for await (const image of eachImage(dataset)) {
    if (image instanceof UserError) unreadable.push(image.message);
    else {
      const { width, height, data } = image;
      const size = `${width}x${height}`;
      sizes.set(size, { width, height, count: (sizes.get(size)?.count ?? 0) + 1 });
      if (image.channels !== undefined) channels.set(image.channels, (channels.get(image.channels) ?? 0) + 1);
      const sum = createHash('sha256').update(`${size} `).update(data).digest('base64');
      const same = byBytes.get(sum);
      if (same) same.push(index);
      else byBytes.set(sum, [index]);
    }
    index++;
    onProgress?.(index);
  }
  return {
    sizes: extremes([...sizes.values()]),
    channels: [...channels].map(([n, count]) => ({ channels: n, count })).sort((a, b) => a.channels - b.channels),
    equal: equalPairs(dataset, [...byBytes.values()]),
    unreadable: { count: unreadable.length, first: unreadable.slice(0, SHOWN) },
  };
}

function extremes(sizes: readonly SizeMet[]): ImagesMet['sizes'] {
  if (sizes.length === 0) return null;
  const pixels = ({ width, height }: SizeMet) => width * height;
  const byPixels = sizes.toSorted((a, b) => pixels(a) - pixels(b) || a.width - b.width);
  const frequent = byPixels.reduce((most, size) => (size.count > most.count ? size : most));
  return { different: sizes.length, frequent, least: byPixels[0], largest: byPixels[byPixels.length - 1] };
}

/** @param groups indices of images with equal bytes */
function equalPairs(
  { examples }: Dataset<Example & { readonly side?: Side | null }>,
  groups: readonly (readonly number[])[],
): ImagesMet['equal'] {
  const onBothSides = examples.some(({ side }) => side);
  const sideOf = (index: number) => examples[index].side ?? null;
  let pairs = 0;
  const first: [string, string][] = [];
  for (const group of groups.filter(({ length }) => length > 1)) {
    const together = (n: number) => (n * (n - 1)) / 2;
    pairs += together(group.length);
    if (onBothSides)
      for (const side of new Set(group.map(sideOf)))
        pairs -= together(group.filter((index) => sideOf(index) === side).length);
    // Of a group of thousands the first three pairs are enough to show.
    let left = SHOWN;
    for (let i = 0; i < group.length && left > 0; i++)
      for (let j = i + 1; j < group.length && left > 0; j++) {
        if (onBothSides && sideOf(group[i]) === sideOf(group[j])) continue;
        first.push([examples[group[i]].id, examples[group[j]].id]);
        left--;
      }
  }
  const order = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
  return { onBothSides, pairs, first: first.sort((a, b) => order(a[0], b[0]) || order(a[1], b[1])).slice(0, SHOWN) };
}
