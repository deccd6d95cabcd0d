import { openDevice, type Device } from '../../engine/device/device.ts';
import { offsetOf } from '../../engine/explain/terms.ts';
import { DeviceKeeper, type DeviceNews } from '../common/device_keeper.ts';
import { Apparatus } from './apparatus.ts';
import { batchOf, turned, type Drawn } from './batches.ts';
import { centralDifference, stepsFor } from './differences.ts';
import { followed, type Followed, type Track, type Weight } from './follow.ts';
import { firstValues, parameterName, parametersOf, planLayers, type LayerPlan } from './network.ts';
import { RunHistory, type Change } from './run_history.ts';
import { checkSettings, runningOf, type RunningSettings, type Settings } from './settings.ts';
import { PIXELS, type Sky } from './sky.ts';
import type { Batch } from './training.ts';
import type { CheckResult, StepResult, Target, View } from './view.ts';

/** Steps that one can go back. */
export const HISTORY = 200;
export const HELD_OUT_EVERY = 10;

/**
 * A small network that trains step by step on synthetic galaxies and lets itself be looked into. All that a step
 * depends on is kept in plain arrays after each one, so that one can go back to any of the last HISTORY steps, or lose
 * the GPU, and go on to the same bits on the same adapter.
 */
export class Laboratory {
  private readonly keeper: DeviceKeeper<Bench>;
  private plans: readonly LayerPlan[];
  private history: RunHistory;
  private now = 0;

  /** @param tell told of the device: which it is, that it was lost, that the next one is there */
  constructor(
    private sky: Sky,
    /** Those that the run began with. */
    private first: Settings,
    tell: (news: DeviceNews) => void = () => {},
    open: () => Promise<Device> = openDevice,
  ) {
    this.keeper = new DeviceKeeper(
      async (device) => new Bench(await Apparatus.create(device, this.first, this.plans, this.heldOut.length)),
      tell,
      open,
    );
    checkSettings(first);
    this.plans = planLayers(first, sky.classes.length);
    this.history = begin(first, this.plans, []);
  }

  /**
   * Begins anew with other settings, or the same.
   * @param changes of running settings at later steps
   * @param sky other images
   * @throws UserError where one of them is wrong; then all stays as it was
   */
  restart(settings: Settings, changes: readonly Change[] = [], sky = this.sky): void {
    for (const running of [{}, ...changes.map((change) => change.running)]) checkSettings({ ...settings, ...running });
    const plans = planLayers(settings, sky.classes.length);
    this.history = begin(settings, plans, changes);
    [this.first, this.plans, this.sky, this.now] = [settings, plans, sky, 0];
  }

  /**
   * Goes on with other running settings. Steps that were made after the present one are forgotten: they were of
   * another run. @throws UserError where one of them is wrong; then all stays as it was
   */
  change(running: RunningSettings): void {
    checkSettings({ ...this.first, ...runningOf(running) });
    this.history.change(this.step, runningOf(running));
  }

  /** Opens the device and compiles the network, before anything is asked of it. */
  prepare(): Promise<void> {
    return this.use(() => Promise.resolve());
  }

  /** Puts these images in the place of as many that were blank. */
  setSky(sky: Sky): void {
    this.sky = sky;
  }

  /** The layers of the network that runs. */
  get layers(): readonly LayerPlan[] {
    return this.plans;
  }

  /** Steps made. */
  get step(): number {
    return this.now;
  }

  /** The settings as they are now: the next step is made with them. */
  get settings(): Settings {
    return this.settingsAfter(this.step);
  }

  private settingsAfter(step: number): Settings {
    return { ...this.first, ...this.history.runningAfter(step) };
  }

  /** At which steps running settings changed, and to what; the first is of step 0. */
  get changes(): readonly Change[] {
    return this.history.changes;
  }

  /** The steps that one can go to. */
  get range(): { first: number; last: number } {
    return this.history.range;
  }

  /** Goes to the state after `step` steps. @throws UserError where it is not kept */
  seek(step: number): void {
    this.now = this.history.at(step).step;
  }

  /** Trains on the next batch. */
  train(): Promise<StepResult> {
    return this.use(async (apparatus) => {
      const [from, settings] = [this.history.at(this.step), this.settings];
      const drawn = this.drawn(settings, from.drawn);
      const { loss, logits, silent, changed, after } = await apparatus.step(from, settings, this.batchOf(drawn));
      const score = after.step % HELD_OUT_EVERY === 0 && (await apparatus.score(this.batchOf(this.heldOut).x));
      this.history.add(after);
      this.now = after.step;
      return {
        step: after.step,
        loss,
        accuracy: this.shareRight(logits, drawn),
        changed,
        silent,
        ...(score && {
          heldOut: this.shareRight(score, this.heldOut),
          heldOutLoss: this.meanLoss(score, this.heldOut),
        }),
      };
    });
  }

  /**
   * An image in the network as it is now, forwards and backwards: alone, as in prediction, or together with the others
   * of the next step's batch, as in training.
   */
  look(image: number, together = false): Promise<View> {
    return this.use(async (apparatus) => {
      const { layers, batch } = await this.seen(apparatus, image, together);
      return {
        settings: this.settings,
        step: this.step,
        image,
        label: this.sky.labels[image],
        classes: this.sky.classes,
        isOwn: this.sky.isOwn,
        layers,
        batch,
      };
    });
  }

  /** The layers as they see an image, or the batch that it is put into in place of the first. */
  private async seen(apparatus: Apparatus, image: number, together: boolean) {
    if (!together) {
      const feeds = this.batchOf([upright(image)]);
      return { feeds, layers: await apparatus.look(feeds) };
    }
    const drawn = this.drawn(this.settings, this.history.at(this.step).drawn).map(({ image }) => image);
    const others = drawn.filter((other) => other !== image).slice(0, drawn.length - 1);
    const images = [image, ...others];
    const feeds = this.batchOf(images.map(upright));
    const layers = await apparatus.lookTogether(feeds, this.settings, images.length);
    return { feeds, layers, batch: images.map((each) => this.sky.labels[each]) };
  }

  /**
   * How the step that led here changed a weight, or undefined where none is kept; and the weight over all steps that
   * are kept.
   */
  follow(weight: Weight): Promise<{ readonly followed?: Followed; readonly track: Track }> {
    const { name, parameters } = this.plans[weight.layer];
    const [full, offset] = [parameterName(name, weight.role), offsetOf(parameters[weight.role]!, weight.at)];
    const { first, last } = this.range;
    const track = Array.from({ length: last - first + 1 }, (_, i) => {
      const { step, arrays } = this.history.at(first + i);
      return [step, arrays.get(full)![offset]] as const;
    });
    if (this.step <= first) return Promise.resolve({ track });
    return this.use(async (apparatus) => {
      const [before, after] = [this.history.at(this.step - 1), this.history.at(this.step)];
      const settings = this.settingsAfter(before.step);
      const batch = this.drawn(settings, before.drawn);
      const seen = await apparatus.follow(before, settings, this.batchOf(batch), weight.layer);
      const made = {
        settings,
        plans: this.plans,
        batch,
        labels: this.sky.labels,
        classes: this.sky.classes,
        isOwn: this.sky.isOwn,
        before,
        after,
        seen,
      };
      return { followed: followed(made, weight), track };
    });
  }

  /** Central differences of the loss of an image, or of its batch, beside the gradient that the engine computes. */
  check(image: number, target: Target, together = false): Promise<CheckResult> {
    return this.use(async (apparatus) => {
      const { feeds, layers } = await this.seen(apparatus, image, together);
      const { y, dy, parameters } = layers[target.layer];
      const { value, gradient } = target.role
        ? parameters.find(({ role }) => role === target.role)!
        : { value: y, gradient: dy };
      const loss = await apparatus.lossFrom(target, feeds.targets, layers, together ? 'batch' : 'running');
      const differences = [];
      for (const h of stepsFor(value.data))
        differences.push(await centralDifference(loss, value.data, target.offset, h));
      return { analytic: gradient!.data[target.offset], differences };
    });
  }

  /** Loses the GPU on purpose. */
  lose(): Promise<void> {
    return this.keeper.lose();
  }

  close(): Promise<void> {
    return this.keeper.close();
  }

  private use<R>(work: (apparatus: Apparatus) => Promise<R>): Promise<R> {
    return this.keeper.use(async (bench, device) => {
      if (bench.apparatus.plans !== this.plans) {
        const next = await Apparatus.create(device, this.first, this.plans, this.heldOut.length);
        bench.apparatus[Symbol.dispose]();
        bench.apparatus = next;
      }
      bench.apparatus.restore(this.history.at(this.step));
      return work(bench.apparatus);
    });
  }

  private get heldOut(): readonly Drawn[] {
    const { labels, training } = this.sky;
    return Array.from({ length: labels.length - training }, (_, i) => upright(training + i));
  }

  /** The images of a step; there are no more to train on than there are. */
  private drawn(settings: Settings, before: number): Drawn[] {
    const trainingSize = Math.min(settings.trainingSize, this.sky.training);
    return batchOf({ ...settings, trainingSize }, before);
  }

  private batchOf(images: readonly Drawn[]): Batch {
    const classes = this.sky.classes.length;
    const x = new Float32Array(images.length * PIXELS);
    const targets = new Float32Array(images.length * classes);
    images.forEach(({ image, symmetry }, i) => {
      x.set(turned(this.sky.x.subarray(image * PIXELS, (image + 1) * PIXELS), symmetry), i * PIXELS);
      targets[i * classes + this.sky.labels[image]] = 1;
    });
    return { x, targets };
  }

  private rowOf(logits: Float32Array, i: number): Float32Array {
    const classes = this.sky.classes.length;
    return logits.subarray(i * classes, (i + 1) * classes);
  }

  private shareRight(logits: Float32Array, images: readonly Drawn[]): number {
    const right = images.filter(({ image }, i) => {
      const row = this.rowOf(logits, i);
      return row.indexOf(Math.max(...row)) === this.sky.labels[image];
    });
    return right.length / images.length;
  }

  /** Mean cross entropy in nats, in float64 from logits [N, K]. */
  private meanLoss(logits: Float32Array, images: readonly Drawn[]): number {
    const losses = images.map(({ image }, i) => {
      const row = [...this.rowOf(logits, i)];
      const most = Math.max(...row);
      const sum = row.reduce((all, logit) => all + Math.exp(logit - most), 0);
      return Math.log(sum) + most - row[this.sky.labels[image]];
    });
    return losses.reduce((a, b) => a + b, 0) / losses.length;
  }
}

/** What the device has built on it: another apparatus for another network. */
class Bench implements Disposable {
  constructor(public apparatus: Apparatus) {}
  [Symbol.dispose](): void {
    this.apparatus[Symbol.dispose]();
  }
}

/** The history of a run that is still to be made. */
function begin(settings: Settings, plans: readonly LayerPlan[], changes: readonly Change[]): RunHistory {
  const first = parametersOf(plans).map(({ name, role, shape }) => {
    return [name, firstValues(name, role, shape, settings.seed)] as const;
  });
  return new RunHistory({ step: 0, drawn: 0, arrays: new Map(first) }, runningOf(settings), HISTORY, changes);
}

const upright = (image: number): Drawn => ({ image, symmetry: 0 });
