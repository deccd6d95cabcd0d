/** A layer that slides a filter of so many weights over a row of numbers, without padding. */
export interface SlidingLayer {
  readonly filter: number;
  readonly stride: number;
  readonly dilation: number;
}

/** What each layer adds to the field, first layer first: d·(k − 1), times the strides of the layers below it. */
export function additions(layers: readonly SlidingLayer[]): (readonly [wider: number, strides: number])[] {
  let strides = 1;
  return layers.map(({ filter, stride, dilation }) => {
    const added = [dilation * (filter - 1), strides] as const;
    strides *= stride;
    return added;
  });
}

/**
 * How many pixels in a row lie between the first and the last that an output sees, both counted: 1 + Σ d·(k − 1)·Π s
 * (Araujo, Norris & Sim 2019, with the width d·(k − 1) + 1 of a dilated filter in place of k).
 */
export const receptiveField = (layers: readonly SlidingLayer[]): number =>
  additions(layers).reduce((sum, [wider, strides]) => sum + wider * strides, 1);

/** How many outputs each layer has over so many pixels; 0 or less where the filter does not fit. */
export function outputsOf(layers: readonly SlidingLayer[], pixels: number): number[] {
  let length = pixels;
  return layers.map(
    ({ filter, stride, dilation }) => (length = Math.floor((length - dilation * (filter - 1) - 1) / stride) + 1),
  );
}

/**
 * What output `at` of the last layer sees, level by level: the pixels first, then the outputs of each layer, at the end
 * `at` itself.
 */
export function seenBy(layers: readonly SlidingLayer[], at: number): number[][] {
  const levels = [[at]];
  for (const { filter, stride, dilation } of [...layers].reverse()) {
    const below = levels[0].flatMap((i) => Array.from({ length: filter }, (_, r) => i * stride + r * dilation));
    levels.unshift([...new Set(below)].sort((a, b) => a - b));
  }
  return levels;
}
