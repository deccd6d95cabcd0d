import type { Shares } from '../../vision/report/data.ts';
import { colours } from '../../vision/report/svg.ts';
import type { VoteShares } from './data.ts';

/** The colour of an answer to the first question: spirals are blue, ellipticals orange, as in the sky. */
export function answerColour(name: string, index: number): string {
  const named: Record<string, string> = { smooth: colours.orange, featured: colours.blue, artifact: colours.grey };
  return named[name] ?? [colours.orange, colours.blue, colours.purple, colours.teal][index % 4];
}

/** The votes on a galaxy as the shares of a bar. */
export const voteShares = (votes: VoteShares): Shares => ({
  title: 'Votes',
  parts: (['smooth', 'featured', 'artifact'] as const).map((name, i) => ({
    name,
    share: votes[name],
    colour: answerColour(name, i),
  })),
});
