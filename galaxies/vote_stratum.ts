import { stratumOf } from '../vision/votes/stratum.ts';
import type { Votes } from './galaxy.ts';

const ANSWERS = ['smooth', 'featured', 'artifact'];

/** The stratum of a galaxy, by what most volunteers answered to the first question. */
export const voteStratum = ({ smooth, featured, artifact }: Votes): string =>
  stratumOf(ANSWERS, [smooth, featured, artifact]);
