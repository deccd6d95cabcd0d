import { csvField } from '../vision/data/csv.ts';
import type { Dataset } from '../vision/data/dataset.ts';
import { jsonText } from '../vision/json_text.ts';
import { taskOf } from '../galaxies/tasks.ts';
import { SILENT, type Progress } from '../vision/progress.ts';
import { predictionRecord } from '../vision/answer/prediction_record.ts';
import { eightDigits } from '../vision/report/predictions.ts';
import { viewsFor } from '../vision/answer/stored_model.ts';
import type { Task } from '../vision/train/task.ts';
import { DeviceLostError } from '../engine/device/device_lost.ts';
import { UserError } from '../engine/user_error.ts';
import { loadEnsemble, type Ensemble } from './ensemble.node.ts';
import { KEPT_CHUNKS, goodImages, skipped } from './good_images.ts';
import { requireTask, type OnnxFlags } from './load_model.node.ts';
import { lookedAtBy, openData, requireData, tellData, type DataFlags } from './open_data.node.ts';
import type { GlobalOptions } from './options.ts';
import { checkColumns, isParquetPath, parquetOf } from './parquet_rows.node.ts';
import { openRows, predictionColumns } from './prediction_rows.node.ts';
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

/** How predictions are written: what stands above them, and the line of one. */
interface Form {
  readonly header: string;
  row(id: string, prediction: Float64Array): string;
}

/** Predictions to be made and written. */
interface Asked {
  readonly ensemble: Ensemble;
  readonly task: Task;
  readonly form: Form;
  readonly dataset: Dataset;
}

/**
 * Class probabilities, vote fractions or numbers of every image of a folder, as csv or parquet (or a JSON line each),
 * written as they are made.
 */
export async function predict(path: string, flags: PredictFlags): Promise<void> {
  using device = await openSession(flags);
  using ensemble = await loadEnsemble(device, path, flags);
  const { model } = ensemble;
  const task = taskOf(requireTask(model, path), model.classes);
  const form = formOf(path, task, model.classes, flags);
  checkParquet(task, flags);
  const progress = terminalProgress();
  const spec = { ...requireData(flags), stretch: model.stretch };
  const opened = await openData(spec, progress, { skipBad: flags.skipBad, asMet: true, ...lookedAtBy(model) });
  tellData(opened, spec, progress);
  const { dataset } = opened;
  try {
    await predictAll(path, { ensemble, task, form, dataset }, flags, progress);
  } catch (error) {
    // A command whose GPU is lost is run again, and printed rows would come twice.
    if (!(error instanceof DeviceLostError) || flags.out !== undefined) throw error;
    throw new UserError(`${error.message}; with --out FILE the same command goes on behind the rows that are there`);
  } finally {
    progress.end();
    await dataset.close();
  }
}

async function predictAll(
  path: string,
  { ensemble, task, form, dataset }: Asked,
  flags: PredictFlags,
  progress: Progress,
): Promise<void> {
  const { model } = ensemble;
  const { shard, skipBad, tta } = flags;
  await using out = await openRows(
    { path, stretch: model.stretch, answers: task.answers, dataset, header: form.header },
    flags,
  );
  const range = shardRange(dataset.examples.length, shard);
  const done = out ? out.rows + out.bad : 0;
  if (!out) process.stdout.write(form.header);
  else if (done > 0) progress.line(`${done} of ${range[1] - range[0]} were predicted before`);
  const views = viewsFor(model, dataset, KEPT_CHUNKS);
  const predictChunk = ensemble.predictFor(task, views);
  const width = model.classes.length;
  let left = 0;
  for await (const { before, examples, bad } of goodImages(
    views,
    { title: 'predicting', range, done, skipBad },
    progress,
  )) {
    const tick = (count: number) => progress.tick(before + count);
    const predictions = await predictChunk(examples, tta, { ...SILENT, tick });
    const rows = examples.map((example, i) =>
      form.row(dataset.examples[example].id, predictions.subarray(i * width, (i + 1) * width)),
    );
    left += bad;
    if (out) await out.append(rows.join(''), rows.length, bad);
    else process.stdout.write(rows.join(''));
  }
  const convert = isParquet(flags) ? parquetOf(predictionColumns(task.answers)) : undefined;
  await out?.finish({ keepState: shard !== undefined, convert });
  const all = out?.bad ?? left;
  if (all > 0) progress.line(skipped(all));
}

/** Whether the rows become a parquet file; --out of a part is a folder. */
const isParquet = ({ out, shard }: PredictFlags): boolean => out !== undefined && !shard && isParquetPath(out);

/** @throws UserError where a parquet file cannot hold what is asked for */
function checkParquet({ answers, outputs }: Task, flags: PredictFlags): void {
  if (!isParquet(flags)) return;
  const other = flags.json ? '--json' : flags.format === 'csv' ? undefined : `--format ${flags.format}`;
  if (other)
    throw new UserError(`${other} says what text is written, and ${flags.out} is a parquet file; leave it out`);
  checkColumns({ numbers: outputs, type: 'DOUBLE', ...(answers === 'probabilities' && { last: 'predicted' }) });
}

/** @throws UserError where the task has no such format */
function formOf(path: string, task: Task, classes: readonly string[], { format, json }: PredictFlags): Form {
  if (format !== 'csv') {
    const form = task.formats?.[format];
    if (!form)
      throw new UserError(
        `${path} ${task.answers === 'probabilities' ? `tells ${classes.join(' from ')}` : `predicts ${classes.join(', ')}`}, and --format kaggle is for the challenge's vote fractions; train with --task challenge`,
      );
    if (json) throw new UserError('--format kaggle and --json are two formats; give one of them');
    return form;
  }
  if (json) return { header: '', row: (id, prediction) => `${jsonText(predictionRecord(id, task, prediction), 0)}\n` };
  const show = task.answers === 'values' ? eightDigits : (share: number) => share.toFixed(6);
  return {
    header: `id,${classes.map(csvField).join(',')}${task.answers === 'probabilities' ? ',predicted' : ''}\n`,
    row(id, prediction) {
      const record = predictionRecord(id, task, prediction);
      const numbers = Array.from(task.told?.(prediction) ?? prediction, show);
      return `${[csvField(id), ...numbers, ...('predicted' in record ? [csvField(record.predicted)] : [])].join(',')}\n`;
    },
  };
}
