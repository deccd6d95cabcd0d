import { trainingSeconds } from '../vision/report/report_context.ts';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { MODEL_NAMES } from '../models/build_network.ts';
import { UserError } from '../engine/user_error.ts';
import type { Epoch } from '../vision/report/data.ts';
import { loadCheckpoint } from '../vision/train/checkpoint.node.ts';
import { readOptions } from '../vision/train/options_file.node.ts';
import { RUN_FILES } from '../vision/train/train.node.ts';
import type { Json, JsonObject } from '../models/formats/model_file.ts';
import { begunFolds, foldFolder } from './crossval_folder.node.ts';
import { readMetrics } from './metrics_file.node.ts';

/** What a finished run was judged to be; a figure that its task does not have is absent. */
export interface RunFigures {
  readonly accuracy?: number;
  /** null where a class was missing from the judged images. */
  readonly auc?: number | null;
  readonly ece?: number;
  readonly rmse?: number;
  readonly r2?: number;
}

/** What a run directory says of itself. */
export interface RunRecord {
  /** As it was asked for. */
  readonly path: string;
  readonly task: string;
  readonly head: string;
  /** Every option by its path, `tune.epochs` say. */
  readonly options: Readonly<Record<string, Json>>;
  /** Trained and judged. */
  readonly finished: boolean;
  readonly epochs: readonly Epoch[];
  /** Epochs that the options ask for. */
  readonly planned: number;
  /** The epoch with the smallest validation loss, counted from 1; null before the first. */
  readonly bestEpoch: number | null;
  readonly seconds: number;
  /** Known of finished runs only. */
  readonly parameters: number | null;
  readonly counts: { readonly train: number; readonly validation: number } | null;
  /** `hashIds` of the images that it was judged on; null of unfinished runs and of earlier versions. */
  readonly judgedOn: number | null;
  readonly figures: RunFigures;
}

const isObject = (json: Json | undefined): json is JsonObject =>
  typeof json === 'object' && json !== null && !Array.isArray(json);

/** The values of nested objects by their paths. */
const flatten = (json: JsonObject, before = ''): [string, Json][] =>
  Object.entries(json).flatMap(([key, value]) =>
    isObject(value) ? flatten(value, `${before}${key}.`) : [[`${before}${key}`, value]],
  );

/** Options of a version that knew only one task had its choices beside the others. */
function withTask(config: JsonObject): JsonObject {
  if (isObject(config.task)) return config;
  const { threshold, softLabels, labelSmoothing, ...rest } = config;
  return { task: { name: 'smooth-or-featured', threshold, softLabels, labelSmoothing }, ...rest };
}

/**
 * Reads a run directory: config.json and metrics.json, or the checkpoint of a run that is not finished. Throws a
 * UserError where it is none or damaged.
 */
export async function readRun(path: string): Promise<RunRecord> {
  const files = {
    config: join(path, RUN_FILES.config),
    metrics: join(path, RUN_FILES.metrics),
    checkpoint: join(path, RUN_FILES.checkpoint),
  };
  if (begunFolds(path).size > 0)
    throw new UserError(`${path} is a cross-validation; give the runs of its folds, such as ${foldFolder(path, 1)}`);
  if (!existsSync(files.config))
    throw new UserError(
      `${path} is no run directory: it has no ${RUN_FILES.config}; give folders that tuningfork train --out made`,
    );
  const options = Object.fromEntries(flatten(withTask(readOptions(files.config) as JsonObject)));
  const task = String(options['task.name']);
  const epochsOf = (phase: string): number => Number(options[`${phase}.epochs`] ?? 0);
  // What is no name is an ONNX file, which has weights.
  const isFromScratch = options.weights === null && MODEL_NAMES.includes(String(options.model));
  const common = {
    path,
    task,
    options,
    head: String(options['task.head'] ?? 'softmax'),
    planned: (isFromScratch ? 0 : epochsOf('head')) + epochsOf('tune'),
  };
  if (existsSync(files.metrics)) return { ...common, finished: true, ...figuresOf(files.metrics, task) };
  const state = (await loadCheckpoint(files.checkpoint))?.state;
  const epochs = state?.history ?? [];
  return {
    ...common,
    finished: false,
    epochs,
    bestEpoch: state?.best?.epoch ?? null,
    seconds: state ? trainingSeconds(state) : 0,
    parameters: null,
    counts: null,
    judgedOn: null,
    figures: {},
  };
}

function figuresOf(
  path: string,
  task: string,
): Pick<RunRecord, 'epochs' | 'bestEpoch' | 'seconds' | 'parameters' | 'counts' | 'judgedOn' | 'figures'> {
  const metrics = readMetrics(path, task);
  const { history, bestEpoch, seconds, parameters, counts, judgedOn } = metrics;
  return {
    epochs: history,
    bestEpoch,
    seconds,
    parameters,
    counts,
    judgedOn: judgedOn ?? null,
    figures:
      'rmse' in metrics
        ? { rmse: metrics.rmse, ...(typeof metrics.r2 === 'number' && { r2: metrics.r2 }) }
        : { accuracy: metrics.accuracy.value, auc: metrics.auc, ece: metrics.ece },
  };
}
