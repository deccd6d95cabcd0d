import { checkNumber, checkOneOf, show } from '../check.ts';
import { checkTensors, shapeError, type Tensor } from '../tensor.ts';
import { UserError } from '../user_error.ts';
import { resample } from './resample.ts';
import { placeAmong, slice } from './slice.ts';
import type { SparseRow } from './sparse_rows.ts';

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

/** The remainder of a division that rounds down: from 0 to below `length`. */
const modulo = (i: number, length: number): number => ((i % length) + length) % length;

/** Which element of a dimension stands at an index that may lie outside. */
const ELEMENT_AT = {
  edge: (i: number, length: number) => Math.min(Math.max(i, 0), length - 1),
  wrap: modulo,
  // There and back again without the elements at the ends twice: a period of 2·length − 2.
  reflect: (i: number, length: number) =>
    length === 1 ? 0 : length - 1 - Math.abs(length - 1 - modulo(i, 2 * length - 2)),
};

/** What `pad` puts beyond the edge: a number, the nearest element, the mirror image, or the other end. */
export type PadMode = 'constant' | keyof typeof ELEMENT_AT;

/** A dimension of more elements is not extended by tables. */
const MOST_ELEMENTS = 2 ** 20;

/**
 * x with margins around it. They hold `value`, or what is inside: the elements at the edge (edge), the others in their
 * order as if x were repeated (wrap), or mirrored at the edge, which is not repeated (reflect).
 * @param margins [before, after] of each dimension; negative ones cut off, before anything is added
 */
export function pad(x: Tensor, margins: readonly Margin[], mode: PadMode = 'constant', value = 0): Tensor {
  checkTensors('pad', { x });
  checkMargins(x, margins);
  checkOneOf('pad', 'the mode', mode, ['constant', ...Object.keys(ELEMENT_AT)]);
  checkNumber('pad', 'the value', value);
  const within = slice(
    x,
    margins.map(([before]) => Math.max(0, -before)),
    x.shape.map((d, i) => d + Math.min(0, margins[i][0]) + Math.min(0, margins[i][1])),
  );
  const lengths = x.shape.map((d, i) => d + margins[i][0] + margins[i][1]);
  const added = margins.map(([before]) => Math.max(0, before));
  if (mode === 'constant') return placeAmong(within, lengths, added, value);
  const longest = Math.max(...lengths);
  if (longest > MOST_ELEMENTS) shapeError('pad', `mode ${mode} makes at most ${MOST_ELEMENTS} along a dimension`, x);
  const rowsOf = (d: number): SparseRow[] =>
    Array.from({ length: lengths[d] }, (_, i) => [[ELEMENT_AT[mode](i - added[d], within.shape[d]), 1]]);
  const grown = lengths.flatMap((length, d) => (length > within.shape[d] ? [d] : []));
  return resample(within, new Map(grown.map((d) => [d, rowsOf(d)])));
}
