import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../engine/user_error.ts';
import type { Epoch } from '../vision/report/data.ts';
import { loadCheckpoint } from '../vision/train/checkpoint.node.ts';
import { RUN_FILES } from '../vision/train/train.node.ts';
import { fileError } from '../models/formats/file_error.node.ts';
import type { Json, JsonObject } from '../models/formats/model_file.ts';
import { begunFolds, foldFolder } from './crossval_folder.node.ts';

/** What a finished run was judged to be; a figure that its task does not have is absent. */
export interface RunFigures {
  readonly accuracy?: number;
  /** null where a class was missing from the judged galaxies. */
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
  /** `hashIds` of the galaxies that it was judged on; null of unfinished runs and of earlier versions. */
  readonly judgedOn: number | null;
  readonly figures: RunFigures;
}

function readJson(path: string, remedy: string): JsonObject {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw fileError('read', path, error);
  }
  try {
    const json = JSON.parse(text) as Json;
    if (isObject(json)) return json;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new UserError(`${path} is damaged: it holds no JSON object; ${remedy}`);
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
  const options = Object.fromEntries(flatten(withTask(readJson(files.config, 'give another run'))));
  const task = String(options['task.name']);
  const epochsOf = (phase: string): number => Number(options[`${phase}.epochs`] ?? 0);
  const common = {
    path,
    task,
    options,
    head: String(options['task.head'] ?? 'softmax'),
    planned: (options.weights === null ? 0 : epochsOf('head')) + epochsOf('tune'),
  };
  if (existsSync(files.metrics)) return { ...common, finished: true, ...readMetrics(files.metrics, task) };
  const state = (await loadCheckpoint(files.checkpoint))?.state;
  const epochs = state?.history ?? [];
  return {
    ...common,
    finished: false,
    epochs,
    bestEpoch: state?.best?.epoch ?? null,
    seconds: secondsOf(epochs),
    parameters: null,
    counts: null,
    judgedOn: null,
    figures: {},
  };
}

const secondsOf = (epochs: readonly Epoch[]): number => epochs.reduce((sum, { seconds }) => sum + seconds, 0);

function readMetrics(
  path: string,
  task: string,
): Pick<RunRecord, 'epochs' | 'bestEpoch' | 'seconds' | 'parameters' | 'counts' | 'judgedOn' | 'figures'> {
  const remedy = 'run the training command again, which writes it anew';
  const metrics = readJson(path, remedy);
  const at = (...keys: readonly string[]): Json | undefined =>
    keys.reduce<Json | undefined>((json, key) => (isObject(json) ? json[key] : undefined), metrics);
  const number = (...keys: readonly string[]): number => {
    const value = at(...keys);
    if (typeof value !== 'number')
      throw new UserError(
        `${path} is damaged or of another version: ${keys.join('.')} is ${value === undefined ? 'missing' : JSON.stringify(value)} where a number is needed; ${remedy}`,
      );
    return value;
  };
  const epochs = at('history');
  if (!Array.isArray(epochs) || !epochs.every((epoch) => isObject(epoch) && isObject(epoch.train)))
    throw new UserError(`${path} is damaged or of another version: history is no list of epochs; ${remedy}`);
  return {
    epochs: epochs as unknown as readonly Epoch[],
    bestEpoch: at('bestEpoch') === null ? null : number('bestEpoch'),
    seconds: number('seconds'),
    parameters: number('parameters'),
    counts: { train: number('counts', 'train'), validation: number('counts', 'validation') },
    judgedOn: at('judgedOn') === undefined ? null : number('judgedOn'),
    figures:
      task === 'challenge' || task === 'targets' || task === 'votes'
        ? { rmse: number('rmse'), ...(typeof at('r2') === 'number' && { r2: number('r2') }) }
        : { accuracy: number('accuracy', 'value'), auc: at('auc') === null ? null : number('auc'), ece: number('ece') },
  };
}
