import { checkNumber, checkOneOf, show } from '../check.ts';
import { checkTensors, shapeError, type Tensor } from '../tensor.ts';
import { UserError } from '../user_error.ts';
import { placeAmong, slice } from './slice.ts';

/** How many elements are added before and behind a dimension; negative ones are cut off. */
export type Margin = readonly [before: number, after: number];

function checkMargins(x: Tensor, margins: readonly Margin[]): void {
  const isMargin = (m: unknown) => Array.isArray(m) && m.length === 2 && m.every(Number.isSafeInteger);
  if (!Array.isArray(margins) || !margins.every(isMargin))
    throw new UserError(`pad: the margins must be a list of pairs of whole numbers, not ${show(margins)}`);
  if (margins.length !== x.shape.length)
    shapeError('pad', `there must be a margin for each dimension, not ${margins.length}`, x);
  margins.forEach(([before, after], d) => {
    const cut = Math.max(0, -before) + Math.max(0, -after);
    if (cut >= x.shape[d]) shapeError('pad', `margin [${before}, ${after}] leaves nothing of dimension ${d}`, x);
  });
}

/**
 * x with margins around it.
 * @param margins [before, after] of each dimension; negative ones cut off
 * @param value what the margins hold
 */
export function pad(x: Tensor, margins: readonly Margin[], mode: 'constant' = 'constant', value = 0): Tensor {
  checkTensors('pad', { x });
  checkMargins(x, margins);
  checkOneOf('pad', 'the mode', mode, ['constant']);
  checkNumber('pad', 'the value', value);
  const within = slice(
    x,
    margins.map(([before]) => Math.max(0, -before)),
    x.shape.map((d, i) => d + Math.min(0, margins[i][0]) + Math.min(0, margins[i][1])),
  );
  return placeAmong(
    within,
    x.shape.map((d, i) => d + margins[i][0] + margins[i][1]),
    margins.map(([before]) => Math.max(0, before)),
    value,
  );
}
