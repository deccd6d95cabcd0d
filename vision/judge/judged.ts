import type { Device } from '../../engine/device/device.ts';
import type { Examination } from '../answer/predictor.ts';
import type { Example } from '../data/dataset.ts';
import type { Progress } from '../progress.ts';
import type { ReportContext } from '../report/report_context.ts';
import type { TaskOptions } from '../train/task.ts';

/** What is known of a model's answers, whatever its task. */
export interface Judged {
  /** The figures that matter most, in a line; with the tables. */
  readonly headline: string;
  readonly text: string;
  readonly measuredOn: string;
  /** The headline and all figures, for scripts. */
  readonly summary: object;
  readonly figures: object;
  /** Writes metrics.json, predictions.csv and report.html into a folder. */
  write(folder: string, context: ReportContext): Promise<void>;
}

/** Predicts the images of an examination and judges the answers as a task has it. */
export type Judge<O extends TaskOptions = TaskOptions, E extends Example = Example> = (
  device: Device,
  examination: Examination<E>,
  task: O,
  progress: Progress,
) => Promise<Judged>;
