import type { Device } from '../engine/device/device.ts';
import { examineChallenge } from '../galaxies/challenge/evaluate.ts';
import { writeChallengeReport } from '../galaxies/challenge/report.node.ts';
import { examine } from '../galaxies/classify/evaluate.ts';
import { writeReport } from '../galaxies/classify/report.node.ts';
import type { Galaxy } from '../galaxies/galaxy.ts';
import type { TaskChoice } from '../galaxies/tasks.ts';
import type { Examination } from '../vision/answer/predictor.ts';
import type { Progress } from '../vision/progress.ts';
import type { ReportContext } from '../vision/report/report_context.ts';
import { showChallenge, showChallengeHeadline, showHeadline, showJudgement } from './show_judgement.ts';

/** What is known of a model's answers, whatever its task. */
export interface Judged {
  /** The figures that matter most, in a line; with the tables. */
  readonly headline: string;
  readonly text: string;
  readonly measuredOn: string;
  /** The headline and all figures, for scripts. */
  readonly summary: object;
  readonly figures: object;
  /** Writes metrics.json and report.html into a folder. */
  write(folder: string, context: ReportContext): Promise<void>;
}

/** Predicts the galaxies of an examination and judges the answers as the task has it. */
export async function judgeModel(
  device: Device,
  examination: Examination<Galaxy>,
  task: TaskChoice,
  progress: Progress,
): Promise<Judged> {
  if (task.name === 'challenge') {
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
  }
  const judgement = await examine(device, examination, task.threshold, progress);
  const { evaluation, logLoss } = judgement;
  return {
    headline: showHeadline(judgement),
    text: showJudgement(judgement),
    measuredOn: evaluation.measuredOn,
    summary: { accuracy: evaluation.accuracy, auc: evaluation.auc, ece: evaluation.ece, logLoss },
    figures: { ...evaluation, logLoss },
    write: (folder, context) =>
      writeReport(device, examination, { judgement, threshold: task.threshold }, folder, context),
  };
}
