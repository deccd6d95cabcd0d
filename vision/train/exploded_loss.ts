import type { Epoch } from '../report/data.ts';

/**
 * So many times the best mean loss, and never less than this: a loss of ln K means a guess among K classes, and one of
 * 100 that the right class was given e^-100.
 */
const EXPLODED = 100;

/** A warning where the training loss of the last epoch is far beyond what can be learnt from; null otherwise. */
export function explodedLoss(history: readonly Epoch[]): string | null {
  const losses = history.map(({ train }) => train.loss);
  const loss = losses[losses.length - 1];
  const best = Math.min(...losses.slice(0, -1));
  const limit = EXPLODED * (losses.length > 1 ? Math.max(1, best) : 1);
  if (!(loss > limit)) return null;
  const before = losses.length > 1 ? ` after ${show(best)} at best` : '';
  return `warning: the training loss is ${show(loss)} in epoch ${history.length}${before}: the training diverges, and what comes of it is of no use; try a lower learning rate or --clip 1`;
}

const show = (loss: number): string => String(Number(loss.toPrecision(3)));
