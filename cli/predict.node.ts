import { csvField } from '../vision/data/csv.ts';
import { jsonText } from '../vision/json_text.ts';
import { taskOf } from '../galaxies/tasks.ts';
import { SILENT } from '../vision/progress.ts';
import { predictionRecord } from '../vision/answer/prediction_record.ts';
import { eightDigits } from '../vision/report/predictions.ts';
import { viewsFor } from '../vision/answer/stored_model.ts';
import { DeviceLostError } from '../engine/device/device_lost.ts';
import { UserError } from '../engine/user_error.ts';
import { loadEnsemble } from './ensemble.node.ts';
import { requireTask, type OnnxFlags } from './load_model.node.ts';
import { lookedAtBy, openData, requireData, tellData, type DataFlags } from './open_data.node.ts';
import type { GlobalOptions } from './options.ts';
import { openRows } from './shards.node.ts';
import { shardRange, type Shard } from './shards.ts';
import { terminalProgress } from './progress.node.ts';
import { openSession } from './session.node.ts';

export interface PredictFlags extends GlobalOptions, DataFlags, OnnxFlags {
  readonly out?: string;
  /** `kaggle`: as the Galaxy Challenge takes it. */
  readonly format: 'csv' | 'kaggle';
  readonly tta: number;
  readonly skipBad?: boolean;
  /** Only this part of the images, into a file of the folder `out`. */
  readonly shard?: Shard;
}

/** Images predicted and written at a time: what bounds the memory, and what an interruption costs. */
const CHUNK = 128;

/**
 * Class probabilities, vote fractions or numbers of every image of a folder, as csv (or a JSON line each), written as
 * they are made.
 */
export async function predict(path: string, flags: PredictFlags): Promise<void> {
  using device = await openSession(flags);
  using ensemble = await loadEnsemble(device, path, flags);
  const { model } = ensemble;
  const task = taskOf(requireTask(model, path), model.classes);
  const format = flags.format === 'csv' ? undefined : task.formats?.[flags.format];
  if (flags.format !== 'csv' && !format)
    throw new UserError(
      `${path} ${task.answers === 'probabilities' ? `tells ${model.classes.join(' from ')}` : `predicts ${model.classes.join(', ')}`}, and --format kaggle is for the challenge's vote fractions; train with --task challenge`,
    );
  if (format && flags.json) throw new UserError('--format kaggle and --json are two formats; give one of them');
  const progress = terminalProgress();
  const spec = { ...requireData(flags), stretch: model.stretch };
  const opened = await openData(spec, progress, { skipBad: flags.skipBad, ...lookedAtBy(model) });
  tellData(opened, spec, progress);
  const { dataset } = opened;
  try {
    const { classes } = model;
    const columns = `id,${classes.map(csvField).join(',')}${task.answers === 'probabilities' ? ',predicted' : ''}\n`;
    const header = format ? format.header : flags.json ? '' : columns;
    const show = task.answers === 'values' ? eightDigits : (share: number) => share.toFixed(6);
    const [first, end] = shardRange(dataset.examples.length, flags.shard);
    await using out = await openRows({ path, stretch: model.stretch, dataset, header }, flags);
    if (!out) process.stdout.write(header);
    else if (out.rows > 0) progress.line(`${out.rows} of ${end - first} were predicted before`);
    const begin = first + (out?.rows ?? 0);
    const predictChunk = ensemble.predictWith(task, viewsFor(model, dataset));
    progress.start('predicting', end - first, begin - first);
    for (let start = begin; start < end; start += CHUNK) {
      const examples = Array.from({ length: Math.min(CHUNK, end - start) }, (_, i) => start + i);
      const predictions = await predictChunk(examples, flags.tta, {
        ...SILENT,
        tick: (done) => progress.tick(start - first + done),
      });
      const rows = examples.map((example, i) => {
        const row = predictions.subarray(i * classes.length, (i + 1) * classes.length);
        const { id } = dataset.examples[example];
        if (format) return format.row(id, row);
        const record = predictionRecord(id, task, row);
        if (flags.json) return `${jsonText(record, 0)}\n`;
        return `${[csvField(id), ...Array.from(task.told?.(row) ?? row, show), ...('predicted' in record ? [csvField(record.predicted)] : [])].join(',')}\n`;
      });
      if (out) await out.append(rows.join(''), rows.length);
      else process.stdout.write(rows.join(''));
    }
    progress.end();
    await out?.finish(flags.shard !== undefined);
  } catch (error) {
    // A command whose GPU is lost is run again, and printed rows would come twice.
    if (!(error instanceof DeviceLostError) || flags.out !== undefined) throw error;
    throw new UserError(`${error.message}; with --out FILE the same command goes on behind the rows that are there`);
  } finally {
    progress.end();
    await dataset.close();
  }
}
