import { jsonText } from '../vision/json_text.ts';
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Device } from '../engine/device/device.ts';
import type { Precision } from '../engine/program/precision.ts';
import type { MemoryLevel } from '../engine/program/recompute.ts';
import { UserError } from '../engine/user_error.ts';
import { MODEL_NAMES } from '../models/build_network.ts';
import { isOnnxFile, readOnnxFile } from '../models/onnx/onnx_file.node.ts';
import { declaredSide } from '../models/onnx/onnx_model.ts';
import { sideName } from '../vision/data/folds.ts';
import { DEFAULT_TASK, taskKind, taskOf, TASKS, type TaskChoice, type TaskName } from '../galaxies/tasks.ts';
import type { JsonObject } from '../models/formats/model_file.ts';
import { readOptions, type StoredOptions } from '../vision/train/options_file.node.ts';
import type { TrainOptions } from '../vision/train/options.ts';
import type { Progress } from '../vision/progress.ts';
import { trainingContext } from '../vision/report/report_context.ts';
import type { Dataset } from '../vision/data/dataset.ts';
import type { Labelled } from '../vision/data/labelled.ts';
import { partsOfValidation } from '../vision/train/parts_of_validation.ts';
import type { Task } from '../vision/train/task.ts';
import { withoutUp } from '../vision/train/presets.ts';
import { refuseOtherFlags, type Preset, type TaskFlags, type TaskKind } from '../vision/train/task_kind.ts';
import { RUN_FILES, requireOptions, trainNetwork, type Run } from '../vision/train/train.node.ts';
import { StopRequest } from '../vision/train/stop.ts';
import { begunFolds, isBegun } from './crossval_folder.node.ts';
import { onInterrupt } from './interrupt.ts';
import type { Judged } from '../vision/judge/judged.ts';
import { judgeModel } from './judge.node.ts';
import { preprocessingOf, type PreprocessingFlags } from './commands/preprocessing_options.ts';
import type { GlobalOptions } from './options.ts';
import { dataSpecOrDrawn, openData, tellData, type DataFlags, type OpenData } from './open_data.node.ts';
import { provenance } from './provenance.node.ts';
import { terminalProgress } from './progress.node.ts';
import { openSession } from './session.node.ts';
import { requireTrainOnly } from './train_only.ts';

/** The flags of `tuningfork train` as commander gives them. */
export interface TrainFlags extends GlobalOptions, DataFlags, TaskFlags, PreprocessingFlags {
  task?: TaskName;
  out: string;
  model?: string;
  width?: number;
  weights?: string;
  memory?: MemoryLevel;
  precision?: Precision;
  valFraction: number;
  testFraction?: number;
  trainOnly?: string;
  skipBad?: boolean;
  limit?: number;
  seed: number;
  size?: number;
  crop?: number;
  batch: number;
  views?: number;
  tta?: number;
  epochsHead: number;
  lrHead: number;
  epochs?: number;
  lr?: number;
  unfreeze?: number | string;
  layout?: 'nchw' | 'nhwc';
  batchNorm?: 'running' | 'batch';
  schedule: 'constant' | 'cosine';
  warmup: number;
  weightDecay: number;
  clip?: number;
  dropout: number;
  dropPath: number;
  patience?: number;
  keep: 'best' | 'last';
  rotation?: number;
  flip: boolean;
  up: boolean;
  zoom?: number;
  shift?: number;
  jitter?: number;
  hue?: number;
  checkpointSteps: number;
  acceptChanges?: boolean;
  /** Of a cross-validation, which divides images whatever the data name. */
  folds?: number;
  pack: number;
}

/** The task that flags name, and where they name none the one for such data. Throws where it is for other data. */
function taskFor({ task, targetColumns, schema }: TrainFlags, data: OpenData['kind']): TaskKind<TaskChoice> {
  if (task === undefined)
    return taskKind(
      data === 'galaxies' ? 'smooth-or-featured' : schema ? 'votes' : targetColumns ? 'targets' : 'classes',
    );
  const kind = taskKind(task);
  if (kind.data === data) return kind;
  throw new UserError(
    data === 'galaxies'
      ? `--task ${task} learns from images in folders by class, or in a table (--table), and these have neither`
      : `--task ${task} learns from the votes on galaxies, and these images have none; leave it out`,
  );
}

/**
 * The options of a training as its flags say, with defaults by the task, for fine-tuning where there are weights and
 * for training from scratch where not.
 */
export function trainOptions(flags: TrainFlags, data: OpenData['kind']): TrainOptions<TaskChoice> {
  const kind = taskFor(flags, data);
  refuseOtherFlags(kind, flags, TASKS);
  return optionsOf(flags, kind.choices(flags), flags.up ? kind.preset : withoutUp(kind.preset));
}

function optionsOf(flags: TrainFlags, task: TaskChoice, general: Preset): TrainOptions<TaskChoice> {
  const onnx = onnxOf(flags);
  const pretrained = flags.weights !== undefined || onnx !== undefined;
  const preset = pretrained ? { ...general, epochs: 5, learningRate: 1e-4, ...general.fineTuning } : general;
  const { data, table, stretch } = dataSpecOrDrawn(flags);
  const of = ([withWeights, without]: readonly [number, number]) => (pretrained ? withWeights : without);
  const { valFraction, seed, batch, schedule, warmup, weightDecay, dropout, dropPath, keep, checkpointSteps } = flags;
  const model = flags.model ?? (pretrained ? 'efficientnet_b0' : preset.model);
  // The preset's width is that of its own network, whether it was named or not.
  const width = flags.width ?? (model === preset.model && !pretrained ? preset.width : undefined);
  const jitter = flags.jitter ?? preset.jitter;
  const size = flags.size ?? onnx?.side ?? of(preset.size);
  // Where images are scaled, a smaller network sees them as whole as a larger one.
  const crop = flags.crop ?? (preset.shortSide === undefined ? of(preset.crop) : size);
  return {
    task,
    data,
    ...(table && { table }),
    ...(stretch && { stretch }),
    model,
    ...(width !== undefined && width !== 1 && { width }),
    weights: flags.weights ?? null,
    ...onnx?.options,
    valFraction,
    ...(flags.testFraction && { testFraction: flags.testFraction }),
    trainOnly: flags.trainOnly ?? null,
    skipBad: flags.skipBad ?? false,
    ...(flags.limit !== undefined && { limit: flags.limit }),
    seed,
    size,
    crop,
    ...(preset.shortSide !== undefined && { shortSide: Math.round(preset.shortSide * crop) }),
    batch,
    views: flags.views ?? preset.views ?? 4,
    tta: flags.tta ?? preset.tta,
    augmentation: {
      rotation: flags.rotation ?? preset.rotation,
      flip: flags.flip,
      scale: flags.zoom ?? preset.zoom,
      shift: flags.shift ?? of(preset.shift),
      brightness: jitter,
      contrast: jitter,
      saturation: jitter,
      hue: flags.hue ?? preset.hue,
    },
    head: { epochs: flags.epochsHead, learningRate: flags.lrHead },
    tune: {
      epochs: flags.epochs ?? preset.epochs,
      learningRate: flags.lr ?? preset.learningRate ?? 1e-3,
    },
    unfreeze: flags.unfreeze ?? preset.unfreeze ?? (onnx ? 0.75 : 3),
    batchNorm: flags.batchNorm ?? (pretrained ? 'running' : 'batch'),
    schedule,
    warmup,
    weightDecay,
    clip: flags.clip ?? null,
    dropout,
    dropPath,
    patience: flags.patience ?? null,
    keep,
    checkpointSteps,
    ...(flags.memory !== undefined && flags.memory !== 'full' && { memory: flags.memory }),
    ...(flags.precision === 'f16' && { precision: flags.precision }),
  };
}

/**
 * What an ONNX file as the model says, and flags of it; undefined where the model has a name. A run that was begun has
 * a copy of the file.
 * @throws UserError where the file cannot be read, or flags are given that say nothing
 */
function onnxOf(flags: TrainFlags) {
  const { model, out, weights, width, layout: order } = flags;
  if (model === undefined || MODEL_NAMES.includes(model) || !isOnnxFile(model)) {
    const useless = (['mean', 'std', 'scale', 'channels', 'layout'] as const).find((name) => flags[name] !== undefined);
    if (useless === undefined) return undefined;
    throw new UserError(
      `--${useless} says how an ONNX file takes images, and --model names none; weights say it themselves: leave it out`,
    );
  }
  if (weights !== undefined) throw new UserError(`${model} holds its own weights; leave --weights out`);
  if (width !== undefined) throw new UserError(`${model} says how wide it is itself; leave --width out`);
  const copy = join(out, RUN_FILES.network);
  const layout = order === undefined ? undefined : order === 'nchw' ? ('NCHW' as const) : ('NHWC' as const);
  const side = declaredSide(readOnnxFile(existsSync(model) || !existsSync(copy) ? model : copy), layout);
  const preprocessing = preprocessingOf(flags);
  return { side, options: { ...(layout && { layout }), ...(preprocessing && { preprocessing }) } };
}

/** Trains, evaluates and reports; prints where everything is. */
export async function train(flags: TrainFlags): Promise<void> {
  const judged = await runTraining(flags);
  if (flags.json) {
    console.log(
      jsonText({
        ...judged.summary,
        report: `${flags.out}/${RUN_FILES.report}`,
        model: `${flags.out}/${RUN_FILES.model}`,
        metrics: `${flags.out}/${RUN_FILES.metrics}`,
      }),
    );
    return;
  }
  console.log(judged.headline);
  console.log(`Report: ${flags.out}/${RUN_FILES.report}`);
  console.log(`Model:  ${flags.out}/${RUN_FILES.model}`);
  tellTest(flags);
}

/** Says how to judge on what was kept for the test, where some was. */
export function tellTest({ testFraction, out }: TrainFlags): void {
  if (testFraction) console.log(`Kept for the test, and judged on by: tuningfork evaluate ${out} --split test`);
}

/** The options of a run directory, or of the first fold of a cross-validation's; undefined where none was begun. */
function begunOptions(folder: string): StoredOptions | undefined {
  if (isBegun(folder)) return readOptions(join(folder, RUN_FILES.config));
  const [first] = begunFolds(folder).values();
  return first;
}

/** The choices of a task where a run with these options goes on. */
function resumed(choices: TaskChoice, { task }: StoredOptions, fitted?: TaskChoice): TaskChoice {
  const { resume } = taskKind(choices.name);
  return resume && task?.name === choices.name ? resume(choices, task as JsonObject, fitted) : (fitted ?? choices);
}

/**
 * Throws where a run was begun with other options than flags say, as far as that shows without its images.
 * @param earlier the options that it was begun with
 */
export function requireBegunWith(folder: string, earlier: StoredOptions, flags: TrainFlags): void {
  const kind = taskKind((earlier.task?.name ?? DEFAULT_TASK.name) as TaskName);
  const now = trainOptions(flags, kind.data as OpenData['kind']);
  requireOptions(folder, earlier, { ...now, task: resumed(now.task, earlier) });
}

/** Throws where flags do not go together, as far as that shows before the images are opened. */
export function checkTrainFlags(flags: TrainFlags): void {
  const { task, table, targetColumns, schema } = flags;
  const guess = (table ?? targetColumns ?? schema) === undefined ? 'galaxies' : 'images';
  trainOptions(flags, task === undefined ? guess : (taskKind(task).data as OpenData['kind']));
}

/** The whole job in a run directory: training, evaluation, report. */
export async function runTraining(flags: TrainFlags): Promise<Judged> {
  const progress = terminalProgress();
  const { dataset, options, task } = await openTraining(flags, progress);
  try {
    using device = await openSession(flags);
    tellSoftware(device, progress);
    return await trainAndJudge(device, { dataset, task }, options, {
      folder: flags.out,
      progress,
      acceptChanges: flags.acceptChanges,
      packBytes: flags.pack * 2 ** 30,
    });
  } finally {
    progress.end();
    await dataset.close();
  }
}

/** Throws where --train-only would be ignored: the data say themselves who is validated on, but for folds. */
function requireNoNamedSide({ name, examples }: Dataset, { trainOnly }: TrainOptions): void {
  if (trainOnly !== null && (examples as readonly Partial<Labelled>[]).some(({ side }) => side === 'validation'))
    throw new UserError(
      `--train-only says nothing here: ${name} names the images of the validation side itself; leave it out`,
    );
}

/** What a training learns, and from which images. */
export interface Lesson {
  readonly dataset: Dataset;
  readonly task: Task;
}

/** Opens the images that flags name, and says what is learnt from them and how. */
export async function openTraining(
  flags: TrainFlags,
  progress: Progress,
): Promise<Lesson & { readonly options: TrainOptions<TaskChoice> }> {
  const spec = dataSpecOrDrawn(flags);
  if (flags.table !== undefined && spec.table?.image !== undefined && !spec.table.label && !spec.table.targets)
    throw new UserError(
      `${spec.data}: say which column holds the classes, by --label-column, or which hold numbers, by --target-columns`,
    );
  const opened = await openData(spec, progress, flags);
  const { dataset } = opened;
  try {
    const begun = trainOptions(flags, opened.kind);
    if (begun.testFraction && opened.kind === 'images' && opened.dataset.examples.some(({ side }) => side !== null))
      throw new UserError(
        `--test-fraction says nothing here: ${dataset.name} names the sides of its images itself; leave it out`,
      );
    requireTrainOnly(dataset, begun.trainOnly);
    if (flags.folds === undefined) requireNoNamedSide(dataset, begun);
    const kind = taskKind(begun.task.name);
    const { options: fitted, outputs } = kind.fit(begun.task, dataset, begun);
    const earlier = begunOptions(flags.out);
    const choices = earlier ? resumed(begun.task, earlier, fitted) : fitted;
    const options = { ...begun, task: choices };
    tellData(opened, spec, progress);
    if (opened.kind === 'images' && flags.up && flags.rotation === undefined)
      progress.line(
        'in training images are mirrored, shifted and scaled, and not turned: they have an up (--no-up for those that have none)',
      );
    return { dataset, task: taskOf(choices, outputs), options };
  } catch (error) {
    await dataset.close();
    throw error;
  }
}

/** A line where a GPU would be much faster. */
export function tellSoftware({ adapter: { software, description } }: Device, progress: Progress): void {
  if (software) progress.line(`computing on ${description}, a software adapter: a GPU would be much faster`);
}

/** The same on a device and with images that are open. */
export async function trainAndJudge(
  device: Device,
  { dataset, task }: Lesson,
  options: TrainOptions<TaskChoice>,
  run: Run,
): Promise<Judged> {
  const stop = new StopRequest();
  const forget = onInterrupt(async () => {
    if (await stop.ask()) run.progress.line('stopped, and saved: the same command goes on');
  });
  const stoppable = { ...run, progress: { ...run.progress, stop } };
  using trained = await trainNetwork(device, dataset, task, options, stoppable).finally(forget);
  const {
    model: { network },
    parameters,
    views,
    prepared: { validation },
  } = trained;
  const parts = partsOfValidation(options, task, trained.state.history.length).map(({ doing }) => doing);
  const measuredOn = `${sideName('validation', options.fold)}, which took no part in training${parts.length > 0 ? ` but for ${parts.join(' and for ')}` : ''}`;
  const judged = await judgeModel(
    device,
    { network, parameters, task, views, dataset, examples: validation, tta: options.tta, measuredOn },
    options.task,
    run.progress,
  );
  const context = trainingContext(device, trained, options, basename(run.folder));
  await judged.write(run.folder, { ...context, run: { ...context.run, ...provenance() } });
  return judged;
}
