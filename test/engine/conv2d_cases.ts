import type { ConvAttributes, Padding } from '../../engine/ops/conv_geometry.ts';

export interface ConvCase {
  readonly title: string;
  readonly x: readonly [number, number, number, number];
  readonly w: readonly [number, number, number, number];
  readonly attrs: ConvAttributes;
}

const FILTERS = [
  [1, 1],
  [3, 3],
  [5, 5],
  [7, 7],
  [3, 1],
  [1, 5],
] as const;
const STRIDES = [1, 2, [2, 1]] as const;
const PADDINGS: readonly Padding[] = [
  'same',
  'valid',
  [
    [1, 0],
    [2, 3],
  ],
  1,
];
const CHANNELS = [1, 3, 4, 5, 8, 33] as const;
const SIZES = [
  [5, 7],
  [8, 8],
  [9, 10],
] as const;

const describeCase = (x: ConvCase['x'], w: ConvCase['w'], attrs: ConvAttributes): ConvCase => ({
  title: `${w[0]}x${w[1]} ${x[3]}->${w[3]} of [${x[0]},${x[1]},${x[2]}] ${JSON.stringify(attrs)}`,
  x,
  w,
  attrs,
});

/**
 * The grid that the tests walk: every filter with every stride and padding, and the rest of the dimensions in turn; and
 * images large enough for the filter gradient to be made in parts.
 */
export function convCases(): ConvCase[] {
  const cases = [
    describeCase([3, 20, 18, 5], [3, 3, 5, 8], { padding: 'same' }),
    describeCase([3, 41, 39, 4], [5, 3, 4, 20], { padding: 'same', stride: 2 }),
    describeCase([2, 25, 23, 8], [1, 1, 8, 12], {}),
    describeCase([1, 3, 2, 4], [5, 5, 4, 4], { padding: 4, stride: 3, dilation: 2 }),
    describeCase([1, 12, 11, 4], [3, 3, 4, 4], { padding: 3, stride: [3, 4], dilation: [3, 2] }),
  ];
  // Groups of one channel to a tile's width and beyond, as many channels in as out and not, filter gradients in parts.
  for (const [C, K, groups, attrs] of [
    [32, 32, 8, { padding: 'same' }],
    [32, 16, 4, { padding: 'same', stride: 2 }],
    [40, 20, 2, { padding: 'same', dilation: 2 }],
    [15, 10, 5, { padding: 1, stride: 2, dilation: 2 }],
    [9, 6, 3, { padding: 'valid' }],
    [12, 24, 4, { padding: 'same', stride: [1, 2] }],
    [8, 12, 4, { padding: 'same' }],
    [6, 6, 6, { padding: 'same', stride: 2 }],
  ] as const)
    cases.push(describeCase([2, 23, 21, C], [3, 3, C / groups, K], { ...attrs, groups }));
  cases.push(describeCase([2, 7, 9, 16], [1, 1, 4, 24], { groups: 4 }));
  let turn = 0;
  for (const [r, s] of FILTERS) {
    for (const stride of STRIDES) {
      for (const padding of PADDINGS) {
        turn++;
        const [H, W] = r === 7 && padding !== 'same' ? [8, 9] : SIZES[turn % 3];
        const dilation = turn % 5 === 0 && r <= 3 && s <= 3 ? 2 : 1;
        const groups = turn % 7 === 0 ? 2 : 1;
        const C = groups === 2 ? [2, 4, 8, 6][turn % 4] : CHANNELS[turn % 6];
        const K = groups === 2 ? [4, 2, 6, 8][turn % 4] : CHANNELS[(turn * 5 + Math.floor(turn / 6)) % 6];
        const batch = turn % 4 === 1 ? 3 : 1;
        cases.push(describeCase([batch, H, W, C], [r, s, C / groups, K], { stride, padding, dilation, groups }));
      }
    }
  }
  return cases;
}
