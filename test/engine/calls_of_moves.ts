import { input } from '../../engine/ops/leaves.ts';
import type { Tensor } from '../../engine/tensor.ts';

/** Of arguments.test.ts: a right call of each op that moves numbers, with every option that it knows. */
export const callsOfMoves = (t: (...shape: number[]) => Tensor): Record<string, () => unknown[]> => ({
  transpose: () => [t(2, 3), [1, 0]],
  slice: () => [t(2, 3), [1, 2], [1, 2], [1, -1]],
  split: () => [t(2, 3), [1, 2], 1],
  pad: () => [
    t(2, 3),
    [
      [0, 1],
      [-1, 2],
    ],
    'constant',
    1,
  ],
  concat: () => [[t(2, 3), t(2, 1)], 1],
  gather: () => [t(2, 3), input('indices', [2], 'u32'), 1],
  resize: () => [
    t(1, 2, 3, 4),
    {
      size: [4, 6],
      method: 'linear',
      coordinates: 'half_pixel',
      scales: [2, 2],
      rounding: 'floor',
      antialias: false,
      excludeOutside: false,
    },
  ],
  depthToSpace: () => [t(1, 2, 2, 4), 2, 'DCR'],
  spaceToDepth: () => [t(1, 2, 2, 4), 2],
  cast: () => [t(2, 3), 'u32'],
});
