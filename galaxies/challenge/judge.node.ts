import type { Judge } from '../../vision/judge/judged.ts';
import type { Galaxy } from '../galaxy.ts';
import { examineChallenge } from './evaluate.ts';
import { writeChallengeReport } from './report.node.ts';
import { showChallenge, showChallengeHeadline } from './show.ts';
import type { ChallengeOptions } from './task.ts';

export const judgeChallenge: Judge<ChallengeOptions, Galaxy> = async (device, examination, _, progress) => {
  const judgement = await examineChallenge(device, examination, progress);
  const { figures } = judgement;
  return {
    headline: showChallengeHeadline(figures),
    text: showChallenge(figures),
    measuredOn: figures.measuredOn,
    summary: { rmse: figures.rmse, constant: figures.constant },
    figures,
    write: (folder, context) => writeChallengeReport(device, examination, judgement, folder, context),
  };
};
