import { join } from 'node:path';
import type { Device } from '../../engine/device/device.ts';
import { writeFileAtomic } from '../../models/formats/atomic.node.ts';
import { renderReport } from '../report/report.ts';
import type { ReportContext } from '../train/report_context.ts';
import { RUN_FILES } from '../train/train.node.ts';
import type { ChallengeJudgement } from './evaluate.ts';

/** Writes metrics.json and report.html into a folder. */
export async function writeChallengeReport(device: Device, judgement: ChallengeJudgement, folder: string, { run, training, figures }: ReportContext): Promise<void> {
  const metrics = { ...judgement, adapter: device.adapter.description, ...figures };
  await writeFileAtomic(join(folder, RUN_FILES.metrics), `${JSON.stringify(metrics, null, 2)}\n`);
  await writeFileAtomic(join(folder, RUN_FILES.report), await renderReport({ run, training, fractions: judgement }));
}
