import { judgedClasses } from '../../vision/classes/judge.node.ts';
import type { Judge } from '../../vision/judge/judged.ts';
import type { Galaxy } from '../galaxy.ts';
import { examine } from './evaluate.ts';
import { writeReport } from './report.node.ts';
import type { SmoothOrFeaturedOptions } from './task.ts';

export const judgeSmoothOrFeatured: Judge<SmoothOrFeaturedOptions, Galaxy> = async (
  device,
  examination,
  { threshold, learn },
  progress,
) => {
  const judgement = await examine(device, examination, threshold, progress);
  return judgedClasses(judgement, (folder, context) =>
    writeReport(device, examination, { judgement, threshold, learn }, folder, context),
  );
};
