import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Device } from '../../engine/device/device.ts';
import { mebibytes } from '../../engine/device/mebibytes.ts';
import type { MemoryNeed } from '../../engine/program/program.ts';
import { requirePrecision } from '../../engine/program/precision.ts';
import { UserError } from '../../engine/user_error.ts';
import type { BuiltModel } from '../../models/build_network.ts';
import { writeFileAtomic } from '../../models/formats/atomic.node.ts';
import { packModel } from '../../models/formats/model_file.ts';
import { ParameterSet } from '../../models/parameter_set.ts';
import type { Dataset, Example } from '../data/dataset.ts';
import type { Figures } from '../report/data.ts';
import { ViewMaker, type ViewGeometry } from '../view/views.ts';
import { Ahead } from './ahead.ts';
import { cutNote, cutOf, trainsWhole } from './cut.ts';
import { explodedLoss } from './exploded_loss.ts';
import { NEW_STATE, loadCheckpoint, saveCheckpoint } from './checkpoint.node.ts';
import type { TrainState } from './state_file.ts';
import { runFront, type Front } from './front.node.ts';
import { answeringNetwork } from './answering_network.ts';
import { learntFor, type Learner } from './learner.ts';
import { networkFile, networkOf } from './network_file.node.ts';
import type { TrainOptions } from './options.ts';
import { originOf } from './origin_file.node.ts';
import { frontKey, hasPack, openPack } from './pack_file.node.ts';
import { Phase, type PhaseSpec, type StepResult } from './phase.ts';
import type { Progress } from '../progress.ts';
import { RUN_FILES } from './run_files.ts';
import { RunFolder, requireOptions } from './run_folder.node.ts';
import { ImageSource, type Feeds } from './sample_source.ts';
import type { SquareFile } from './square_file.node.ts';
import { Stopped } from './stop.ts';
import type { Prepared, Task } from './task.ts';
import { trainedModel } from './trained_model.ts';

/** A finished training, still on the device, and its run directory, which no other process writes meanwhile. */
export interface Trained extends Disposable {
  readonly task: Task;
  readonly model: BuiltModel;
  readonly parameters: ParameterSet;
  readonly prepared: Prepared;
  readonly views: ViewMaker;
  readonly state: TrainState;
  /** What the run depends on had changed, and it was gone on with all the same: a sentence each time. */
  readonly changes: readonly string[];
}

/** Where a training is kept, and where it says how far it is. */
export interface Run {
  readonly folder: string;
  readonly progress: Progress;
  /** Bytes that decoded images may take in the folder while it is trained; 0, as when absent, keeps none. */
  readonly packBytes?: number;
  /** Go on with a run though images, labels, weights or the adapter have changed since it was begun. */
  readonly acceptChanges?: boolean;
}

export { RUN_FILES, requireOptions };

/**
 * Trains a network for a task in a run directory, or goes on with one that was interrupted: frozen front, head,
 * fine-tuning where there are weights, and the whole network from scratch where there are none. A new run directory is
 * made when there is something to keep in it, so that a training that is refused leaves nothing.
 */
export async function trainNetwork<E extends Example>(
  device: Device,
  dataset: Dataset<E>,
  task: Task<E>,
  options: TrainOptions,
  { folder, progress, acceptChanges = false, packBytes = 0 }: Run,
): Promise<Trained> {
  requirePrecision(device, options.precision ?? 'f32');
  const run = RunFolder.open(device, folder, options, progress);
  let parameters: ParameterSet | undefined;
  const close = () => {
    parameters?.[Symbol.dispose]();
    run[Symbol.dispose]();
  };
  let front: Front | undefined;
  let pack: SquareFile | undefined;
  try {
    const prepared = task.prepare(dataset, options);
    const network = networkFile(options, folder);
    const known = { network: network?.given, outputs: task.outputs, earlier: run.earlier };
    const origin = await originOf(device, prepared, options, known);
    const changes = await run.dependOn(origin, network?.bytes, acceptChanges, progress);
    const learnt = learntFor(task);
    const model = await networkOf(options, learnt.outputs.length, network);
    for (const note of model.notes) progress.line(note);
    const views = new ViewMaker(dataset, geometryOf(options, model), options.augmentation, options.seed);
    parameters = new ParameterSet(device, model.network.specs, model.weights, options.seed);
    const cut = model.pretrained ? cutOf(model.network, parameters, options) : undefined;
    if (cut && model.graph) progress.line(cutNote(cut));
    const learner: Learner = { device, task: learnt, model, parameters, prepared, options };
    const checkpoint = await loadCheckpoint(join(folder, RUN_FILES.checkpoint));
    const state: TrainState = checkpoint?.state ?? structuredClone(NEW_STATE);
    if (!state.finished) {
      // Once something is to be kept, because a training that is refused leaves nothing.
      const keepSquares = async () => {
        if (pack || !trainsWhole(model, options.unfreeze) || packBytes === 0) return;
        await run.begin();
        pack = views.store = await openPack({ prepared, origin, options, side: views.side }, { folder, packBytes });
      };
      if (checkpoint || hasPack(folder)) await keepSquares();
      if (cut) {
        const key = frontKey(prepared, origin, options, network?.used);
        const begin = () => run.begin().then(keepSquares);
        const spec = { cut: cut.after, folder: join(folder, RUN_FILES.cache), key, begin };
        front = await runFront(learner, views, spec, progress);
        state.frontSeconds = front.seconds;
      }
      if (checkpoint)
        progress.line(`resuming at phase ${state.phase + 1}, epoch ${state.epoch + 1}, step ${state.step}`);
      if (checkpoint) restore(parameters, checkpoint.arrays, folder);
      const specs = phases(model, options, prepared, views, front && { ...front, after: cut!.after });
      const kept = { folder, progress, begin: () => run.begin(), keepSquares };
      for (; state.phase < specs.length; ) await runPhase(learner, specs[state.phase], state, checkpoint?.arrays, kept);
      state.finished = true;
      await run.begin();
      await saveCheckpoint(join(folder, RUN_FILES.checkpoint), state, await parametersOf(parameters));
    }
    await restoreKept(parameters, state, options, folder);
    const made = () => networkOf(options, task.outputs.length, network);
    const answering = await answeringNetwork(task, { device, prepared, model, parameters }, views, made);
    parameters = answering.parameters;
    const trained = trainedModel(task, answering.model, await parameters.read(), options);
    await writeFileAtomic(join(folder, RUN_FILES.model), packModel(trained));
    rmSync(join(folder, RUN_FILES.cache), { recursive: true, force: true });
    return { task, ...answering, prepared, views, state, changes, [Symbol.dispose]: close };
  } catch (error) {
    close();
    throw error;
  } finally {
    front?.close();
    pack?.close();
  }
}

/** What is kept at the end: the weights of the best epoch, or those that training ended with. */
async function restoreKept(parameters: ParameterSet, state: TrainState, { keep }: TrainOptions, folder: string) {
  const isBest = keep === 'best' && state.best;
  const kept = await loadCheckpoint(join(folder, isBest ? RUN_FILES.best : RUN_FILES.checkpoint));
  restore(parameters, kept!.arrays, folder);
}

function restore(parameters: ParameterSet, arrays: ReadonlyMap<string, Float32Array>, folder: string): void {
  for (const p of parameters.all) {
    const values = arrays.get(p.name);
    if (!values) throw new UserError(`${folder}: the checkpoint lacks ${p.name}: it is of another model`);
    p.write(values);
  }
}

export const geometryOf = ({ size, crop, shortSide }: TrainOptions, { preprocessing }: BuiltModel): ViewGeometry => ({
  size,
  crop,
  normalisation: preprocessing,
  ...(shortSide !== undefined && { shortSide }),
});

function phases(
  model: BuiltModel,
  options: TrainOptions,
  prepared: Prepared,
  views: ViewMaker,
  front: (Pick<Front, 'cut' | 'features'> & { readonly after: string | undefined }) | undefined,
): PhaseSpec[] {
  const images = new ImageSource(prepared, views);
  if (!front) return [{ number: 1, title: 'training', after: undefined, source: images, ...options.tune }];
  return [
    { number: 1, title: 'head', after: model.network.features, source: front.features, ...options.head },
    { number: 2, title: 'fine-tuning', after: front.after, source: front.cut ?? images, ...options.tune },
  ].filter((spec) => spec.epochs > 0);
}

const parametersOf = async (parameters: ParameterSet) =>
  new Map(
    await Promise.all(parameters.all.map(async (p) => [p.name, { shape: p.shape, data: await p.read() }] as const)),
  );

/** Steps that run while the result of the one before them is read, so that the adapter is never without work. */
const STEPS_AHEAD = 2;

/** A step that was submitted. */
interface Running {
  readonly step: number;
  /** Steps of the phase before it. */
  readonly total: number;
  readonly ready: Feeds;
  readonly result: Promise<StepResult>;
}

async function runPhase(
  learner: Learner,
  spec: PhaseSpec,
  state: TrainState,
  resumed: ReadonlyMap<string, Float32Array> | undefined,
  { folder, progress, begin, keepSquares }: Run & Readonly<Record<'begin' | 'keepSquares', () => Promise<void>>>,
): Promise<void> {
  const { task, parameters, options } = learner;
  const tell = ({ total, temporaries, parameters: held }: MemoryNeed) =>
    progress.line(
      `${spec.title}: a step of ${options.batch} takes ${mebibytes(total)} on the adapter, ${mebibytes(temporaries)} of it for intermediates and ${mebibytes(held)} for weights and moments`,
    );
  using phase = await Phase.create(learner, spec, tell);
  if (state.adamStep > 0 && resumed) phase.trainStep.restore(state.adamStep, resumed);
  const save = async () => {
    state.adamStep = phase.trainStep.step;
    await begin();
    await saveCheckpoint(
      join(folder, RUN_FILES.checkpoint),
      state,
      new Map([...(await parametersOf(parameters)), ...(await phase.trainStep.state())]),
    );
  };

  for (; state.epoch < spec.epochs; ) {
    const { steps, settled } = await runEpoch(learner, phase, state, { progress, keepSquares, save });
    const validation = await phase.validate();
    progress.end();
    await requireFinite(phase, validation.loss, state, options);
    const number = state.history.length + 1;
    state.history.push({
      epoch: number,
      phase: spec.number,
      learningRate: phase.learningRate(state.epoch * steps),
      seconds: state.sums.seconds + (performance.now() - settled) / 1000,
      train: meanFigures(task, state.sums),
      validation: figuresOf(task, validation.loss, validation.mark),
    });
    progress.line(epochLine(state));
    const exploded = explodedLoss(state.history);
    if (exploded !== null) progress.line(exploded);
    if (state.best === null || validation.loss < state.best.loss) {
      state.best = { epoch: number, loss: validation.loss };
      await saveCheckpoint(join(folder, RUN_FILES.best), state, await parametersOf(parameters));
    }
    const better = state.stale.loss === null || validation.loss < state.stale.loss;
    state.stale = better
      ? { epochs: 0, loss: validation.loss }
      : { epochs: state.stale.epochs + 1, loss: state.stale.loss };
    state.epoch++;
    state.step = 0;
    state.sums = { loss: 0, marks: 0, seen: 0, seconds: 0 };
    if (options.patience !== null && state.stale.epochs >= options.patience) {
      progress.line(`${spec.title}: no better validation loss for ${options.patience} epochs, stopping early`);
      state.epoch = spec.epochs;
    }
    if (state.epoch < spec.epochs) await save();
  }
  Object.assign(state, { phase: state.phase + 1, epoch: 0, step: 0, adamStep: 0, stale: { epochs: 0, loss: null } });
  await saveCheckpoint(join(folder, RUN_FILES.checkpoint), state, await parametersOf(parameters));
}

const figuresOf = ({ figure }: Pick<Task, 'figure'>, loss: number, mark: number): Figures => ({
  loss,
  [figure.name]: figure.of(mark),
});

const meanFigures = (task: Pick<Task, 'figure'>, { loss, marks, seen }: TrainState['sums']): Figures =>
  figuresOf(task, loss / seen, marks / seen);

/** Runs the steps of an epoch that are left. Returns how many it has, and up to when `state.sums` counts seconds. */
async function runEpoch(
  { task, options }: Learner,
  phase: Phase,
  state: TrainState,
  {
    progress,
    keepSquares,
    save,
  }: Pick<Run, 'progress'> & Readonly<Record<'keepSquares' | 'save', () => Promise<void>>>,
): Promise<{ steps: number; settled: number }> {
  const { spec } = phase;
  let begun = performance.now();
  const batches = phase.batches(state.epoch);
  progress.start(
    `${spec.title} ${state.epoch + 1}/${spec.epochs}`,
    batches.length * options.batch,
    state.step * options.batch,
  );
  let samples = state.step < batches.length ? phase.samples(batches[state.step], state.epoch) : undefined;
  const settle = async ({ step, total, ready, result }: Running) => {
    const { loss, marks, seen, changed } = await result;
    // With f16 a gradient that overflows only brings the scale of the loss down.
    if (!Number.isFinite(loss) || (!changed && options.precision !== 'f16'))
      throw new UserError(
        `${Number.isFinite(loss) ? 'a gradient is not finite' : `the loss became ${loss}`} in phase ${spec.number} (${spec.title}), epoch ${state.epoch + 1}, step ${step + 1}; ${await phase.diagnose(batches[step], ready, total)}; try a lower learning rate or --clip 1${options.precision === 'f16' ? ', or --precision f32' : ''}`,
      );
    await keepSquares();
    state.step = step + 1;
    state.sums = {
      loss: state.sums.loss + loss * seen,
      marks: state.sums.marks + marks,
      seen: state.sums.seen + seen,
      seconds: state.sums.seconds + (performance.now() - begun) / 1000,
    };
    begun = performance.now();
    progress.tick(state.step * options.batch, shown(meanFigures(task, state.sums)));
  };
  const steps = async () => {
    const running = new Ahead(STEPS_AHEAD, settle);
    for (let step = state.step; step < batches.length; step++) {
      const ready = await samples!;
      if (step + 1 < batches.length) {
        samples = phase.samples(batches[step + 1], state.epoch);
        samples.catch(() => undefined);
      }
      const total = state.epoch * batches.length + step;
      const result = phase.train(batches[step], ready, total);
      result.catch(() => undefined); // Told when it is settled.
      await running.add({ step, total, ready, result });
      const asked = progress.stop?.asked;
      // At the end too: validation may take long, and who ends it by a signal or a power cut loses nothing but it.
      if (asked || (step + 1) % options.checkpointSteps === 0 || step + 1 === batches.length) {
        await running.drain();
        await save();
      }
      if (asked) throw new Stopped();
    }
  };
  await (progress.stop ? progress.stop.among(steps) : steps());
  return { steps: batches.length, settled: begun };
}

/** @throws UserError where a step left weights whose loss is not finite, or f16 cannot hold the gradients */
async function requireFinite(
  { spec, trainStep }: Phase,
  loss: number,
  state: TrainState,
  { precision }: TrainOptions,
): Promise<void> {
  // The step before may have done the harm: its own loss was still a number.
  if (!Number.isFinite(loss))
    throw new UserError(
      `the validation loss became ${loss} after phase ${spec.number} (${spec.title}), epoch ${state.epoch + 1}; try a lower learning rate or --clip 1${precision === 'f16' ? ', or --precision f32' : ''}`,
    );
  const scale = await trainStep.lossScale();
  if (scale !== undefined && scale < 1)
    throw new UserError(
      `activations or gradients pass the largest f16 number, 65504, however the loss is scaled (now by ${scale}), in phase ${spec.number} (${spec.title}); train with --precision f32`,
    );
}

const shown = (figures: Figures): Record<string, string> =>
  Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, value.toFixed(4)]));

function epochLine({ history }: TrainState): string {
  const { epoch, phase, train, validation, seconds } = history[history.length - 1];
  const show = (figures: Figures) => Object.entries(shown(figures)).flat().join(' ');
  return `epoch ${epoch} (phase ${phase}): train ${show(train)}; validation ${validation ? show(validation) : 'none'}; ${seconds.toFixed(1)} s`;
}
