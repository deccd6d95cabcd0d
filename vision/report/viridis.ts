/**
 * The colour map viridis at 0, 1/16, ... 1. Perceptually even, readable in grey and by the colour-blind.
 * By Stéfan van der Walt and Nathaniel Smith for matplotlib (2015), released under CC0; between these seventeen
 * anchors a straight line stays within 6/255 of their 256 entries.
 */
const anchors: readonly (readonly [number, number, number])[] = [
  [68, 1, 84],
  [72, 25, 107],
  [71, 45, 123],
  [66, 64, 134],
  [59, 82, 139],
  [52, 99, 141],
  [44, 114, 142],
  [39, 130, 142],
  [33, 145, 141],
  [31, 159, 136],
  [40, 174, 128],
  [62, 188, 116],
  [93, 201, 99],
  [130, 211, 76],
  [171, 220, 50],
  [213, 226, 27],
  [253, 231, 37],
];

/** The colour (R, G, B in 0..255, not rounded) of `value`; values outside 0..1 take the colour of the nearer end. */
export function viridis(value: number): [number, number, number] {
  const position = Math.min(1, Math.max(0, value)) * (anchors.length - 1);
  const left = Math.min(anchors.length - 2, Math.floor(position));
  const share = position - left;
  const [from, to] = [anchors[left], anchors[left + 1]];
  return [0, 1, 2].map((c) => from[c] + (to[c] - from[c]) * share) as [number, number, number];
}

/** The map as a CSS gradient from left to right, for a legend. */
export function viridisGradient(): string {
  return `linear-gradient(to right, ${anchors.map((colour) => `rgb(${colour.join(' ')})`).join(', ')})`;
}
