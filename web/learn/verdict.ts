import { shortly } from './formula.ts';
import type { CheckResult, Difference } from './view.ts';

/** |slope − analytic| beside the larger of the two; 0 where both are 0. */
export function relativeDifference({ slope }: Difference, analytic: number): number {
  const size = Math.max(Math.abs(slope), Math.abs(analytic));
  return size === 0 ? 0 : Math.abs(slope - analytic) / size;
}

/** Two digits. */
export const percent = (share: number): string => `${shortly(100 * share, 2)} %`;

/**
 * What rounding alone can make of a difference quotient: the two losses, near `loss`, are each known to about half a
 * unit in the last place.
 */
const roundingOf = ({ up, down, h }: Difference): number =>
  (2 ** -24 * Math.max(Math.abs(up), Math.abs(down), 0.5)) / h;

/** Why the differences are what they are, in a sentence or two. */
export function verdict({ analytic, differences }: CheckResult): string {
  if (analytic === 0 && differences.every(({ up, down }) => up === down))
    return 'Both are 0: the loss does not depend on this number. Further on, a ReLU gives 0 or a maximum takes another number.';
  const errors = differences.map((difference) => Math.abs(difference.slope - analytic));
  const best = errors.indexOf(Math.min(...errors));
  const parts = [
    `They agree best at h = ${shortly(differences[best].h)}, to ${percent(relativeDifference(differences[best], analytic))}.`,
  ];
  const [first, last] = [0, differences.length - 1];
  if (best !== first && errors[first] > 2 * errors[best]) {
    parts.push(
      `With the larger h = ${shortly(differences[first].h)} the loss is not a straight line over that distance: it curves, or it has a kink where a ReLU or a maximum switches.`,
    );
  }
  if (best !== last && errors[last] > 2 * errors[best]) {
    parts.push(
      `With the smaller h = ${shortly(differences[last].h)} the two losses share most of their digits, and the rounding of f32 in the last ones, divided by 2h, weighs about ${shortly(roundingOf(differences[last]))}.`,
    );
  }
  return parts.join(' ');
}
