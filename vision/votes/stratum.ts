/**
 * The stratum of an image for folds: the answer to the first question that got the largest share of its votes, and
 * whether that is less than half, up to four fifths or more. Of equal answers the first counts.
 * @param names of the answers
 */
export function stratumOf(names: readonly string[], shares: readonly number[]): string {
  const share = Math.max(...shares);
  return `${names[shares.indexOf(share)]} ${share < 0.5 ? 'low' : share < 0.8 ? 'middle' : 'high'}`;
}
