import type { Votes } from './galaxy.ts';

/**
 * The stratum of a galaxy: the answer to the first question that most volunteers gave, and whether fewer than half, up
 * to four fifths or more of them gave it. Of equal answers the first counts.
 */
export function voteStratum({ smooth, featured, artifact }: Votes): string {
  const share = Math.max(smooth, featured, artifact);
  const answer = share === smooth ? 'smooth' : share === featured ? 'featured' : 'artifact';
  return `${answer} ${share < 0.5 ? 'low' : share < 0.8 ? 'middle' : 'high'}`;
}
