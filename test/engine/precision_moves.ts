import { grad } from '../../engine/autodiff.ts';
import { cast } from '../../engine/ops/cast.ts';
import { concat } from '../../engine/ops/concat.ts';
import { gather } from '../../engine/ops/gather.ts';
import { input } from '../../engine/ops/leaves.ts';
import { pad } from '../../engine/ops/pad.ts';
import { resize } from '../../engine/ops/resize.ts';
import { slice } from '../../engine/ops/slice.ts';
import { transpose } from '../../engine/ops/transpose.ts';
import { sumBound } from '../tolerance.ts';
import { Operands, type Build } from './precision_operands.ts';

/** Cases of precision_cases.ts: ops that move numbers, and what mixes neighbours. */
export const MOVES: [string, Build][] = [];

for (const shape of [
  [2, 5, 6, 8],
  [1, 9, 10, 5],
  [1, 3, 33, 9],
]) {
  MOVES.push([
    `moves of ${shape.join('x')}`,
    () => {
      const at = new Operands();
      const [n, h, w, c] = shape;
      const x = at.stored('x', shape);
      return at
        .results(
          transpose(x, [0, 2, 1, 3]),
          transpose(x, [0, 3, 1, 2]),
          slice(x, [0, 0, w - 1, 0], [n, h, w - 2, c], [1, 1, -1, 1]),
          pad(x, [
            [0, 0],
            [1, 0],
            [0, 2],
            [0, 0],
          ]),
          concat([x, at.stored('other', [n, h, w, 4])], -1),
        )
        .case(() => 0);
    },
  ]);
  MOVES.push([
    `samples of ${shape.join('x')}`,
    () => {
      const at = new Operands();
      const [n, h, w, c] = shape;
      const x = at.stored('x', shape);
      at.feeds['places'] = Uint32Array.of(1, 0, 1);
      const resized = resize(x, { size: [2 * h, w + 1], method: 'linear', coordinates: 'half_pixel' });
      const gathered = gather(x, input('places', [3], 'u32'), 1);
      return at
        .results(
          resized,
          gathered,
          cast(cast(x, 'u32'), 'f32'),
          ...grad(resized, [x], at.stored('dy', resized.shape)),
          ...grad(gathered, [x], at.stored('dy2', [n, 3, w, c])),
        )
        .case((_, magnitude) => sumBound(12, magnitude));
    },
  ]);
}
