import { jsonText } from '../vision/json_text.ts';
import { scoreTable, Truth } from '../galaxies/challenge/score.ts';
import { readCsv } from '../vision/data/csv_file.node.ts';
import { UserError } from '../engine/user_error.ts';
import type { GlobalOptions } from './options.ts';
import { showChallenge } from '../galaxies/challenge/show.ts';

/** Scores a csv of predictions against a csv of votes, both as the challenge lays them out. */
export async function score(truthFile: string, predictionFile: string, { json }: GlobalOptions): Promise<void> {
  const truth = new Truth(truthFile);
  await readCsv(truthFile, truth.sink);
  if (truth.size === 0) throw new UserError(`${truthFile} has no galaxies`);
  const scoring = scoreTable(predictionFile, truth);
  await readCsv(predictionFile, scoring.sink);
  const { firstOutside, ...figures } = scoring.result();
  const { outside } = figures;
  if (json) console.log(jsonText({ truth: truthFile, prediction: predictionFile, ...figures }));
  else console.log(showChallenge(figures));
  if (outside > 0)
    console.error(
      `Note: ${outside} predicted ${outside === 1 ? 'number lies' : 'numbers lie'} outside 0..1, which no vote fraction can be, and count as they are; the first: ${firstOutside}`,
    );
}
