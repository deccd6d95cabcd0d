import { csvField } from '../vision/data/csv.ts';
import { jsonText } from '../vision/json_text.ts';
import { SUBMISSION_HEADER, submissionRow } from '../galaxies/challenge/submission.ts';
import { taskOf } from '../galaxies/tasks.ts';
import { SILENT } from '../vision/progress.ts';
import { predictionRecord } from '../vision/answer/prediction_record.ts';
import { viewsFor } from '../vision/answer/stored_model.ts';
import { UserError } from '../engine/user_error.ts';
import { loadEnsemble } from './ensemble.node.ts';
import { requireTask } from './load_model.node.ts';
import { openData, requireData, tellData, type DataFlags } from './open_data.node.ts';
import type { GlobalOptions } from './options.ts';
import { PartFile } from './part_file.node.ts';
import { terminalProgress } from './progress.node.ts';
import { openSession } from './session.node.ts';

export interface PredictFlags extends GlobalOptions, DataFlags {
  readonly out?: string;
  /** `kaggle`: as the Galaxy Challenge takes it. */
  readonly format: 'csv' | 'kaggle';
  readonly tta: number;
  readonly skipBad?: boolean;
}

/** Images predicted and written at a time: what bounds the memory. */
const CHUNK = 512;

/**
 * Class probabilities or vote fractions of every image of a folder, as csv (or a JSON line each), written as they are
 * made.
 */
export async function predict(path: string, flags: PredictFlags): Promise<void> {
  using device = await openSession(flags);
  using ensemble = await loadEnsemble(device, path);
  const { model } = ensemble;
  const task = taskOf(requireTask(model, path), model.classes);
  const kaggle = flags.format === 'kaggle';
  if (kaggle && task.name !== 'challenge')
    throw new UserError(
      `${path} tells ${model.classes.join(' from ')}, and --format kaggle is for the challenge's vote fractions; train with --task challenge`,
    );
  if (kaggle && flags.json) throw new UserError('--format kaggle and --json are two formats; give one of them');
  const progress = terminalProgress();
  await using out = flags.out === undefined ? undefined : await PartFile.create(flags.out);
  const spec = requireData(flags);
  const opened = await openData(spec, progress, { skipBad: flags.skipBad });
  tellData(opened, spec, progress);
  const { dataset } = opened;
  const write = (text: string) => (out ? out.write(text) : void process.stdout.write(text));
  try {
    const predictChunk = ensemble.predictWith(task, viewsFor(model, dataset));
    const { classes } = model;
    if (kaggle) await write(SUBMISSION_HEADER);
    else if (!flags.json)
      await write(`id,${classes.map(csvField).join(',')}${task.answers === 'fractions' ? '' : ',predicted'}\n`);
    progress.start('predicting', dataset.examples.length);
    for (let start = 0; start < dataset.examples.length; start += CHUNK) {
      const examples = Array.from({ length: Math.min(CHUNK, dataset.examples.length - start) }, (_, i) => start + i);
      const predictions = await predictChunk(examples, flags.tta, {
        ...SILENT,
        tick: (done) => progress.tick(start + done),
      });
      const rows = examples.map((example, i) => {
        const row = predictions.subarray(i * classes.length, (i + 1) * classes.length);
        const { id } = dataset.examples[example];
        if (kaggle) return submissionRow(id, row);
        const record = predictionRecord(id, task, row);
        if (flags.json) return `${jsonText(record, 0)}\n`;
        return `${[csvField(id), ...[...row].map((p) => p.toFixed(6)), ...('predicted' in record ? [csvField(record.predicted)] : [])].join(',')}\n`;
      });
      await write(rows.join(''));
    }
    progress.end();
    await out?.finish();
  } finally {
    progress.end();
    await dataset.close();
  }
}
