import { openDevice, type Device } from '../../engine/device/device.ts';
import { RandomStream, permutation } from '../../engine/random.ts';
import { sizeOf } from '../../engine/tensor.ts';
import { STEPS_TAKEN } from '../../engine/train/train_step.ts';
import { UserError } from '../../engine/user_error.ts';
import { DeviceKeeper, type DeviceNews } from '../common/device_keeper.ts';
import { Apparatus, type Snapshot } from './apparatus.ts';
import { centralDifference, stepsFor } from './differences.ts';
import { CLASS_COUNT, firstValues, parametersOf, planLayers, type LayerPlan } from './network.ts';
import { checkSettings, type Settings } from './settings.ts';
import { HELD_OUT, PIXELS, TRAINING, type Sky } from './sky.ts';
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
  private readonly history = new Map<number, Snapshot>();
  private plans: readonly LayerPlan[];
  private now: Snapshot;

  /** @param tell told of the device: which it is, that it was lost, that the next one is there */
  constructor(
    private readonly sky: Sky,
    private settings: Settings,
    tell: (news: DeviceNews) => void = () => {},
    open: () => Promise<Device> = openDevice,
  ) {
    this.keeper = new DeviceKeeper(
      async (device) => new Bench(await Apparatus.create(device, this.settings, this.plans)),
      tell,
      open,
    );
    checkSettings(settings);
    this.plans = planLayers(settings);
    this.now = this.begin();
  }

  /**
   * Begins anew with other settings, or the same. @throws UserError where one of them is wrong; then all stays as it
   * was
   */
  restart(settings: Settings): void {
    checkSettings(settings);
    this.plans = planLayers(settings);
    this.settings = settings;
    this.now = this.begin();
  }

  private begin(): Snapshot {
    const arrays = new Map<string, Float32Array>([[STEPS_TAKEN, new Float32Array(1)]]);
    for (const { name, role, shape } of parametersOf(this.plans)) {
      arrays.set(name, firstValues(name, role, shape, this.settings.seed));
      if (role !== 'running')
        for (const moment of ['m', 'v']) arrays.set(`${name}/${moment}`, new Float32Array(sizeOf(shape)));
    }
    const first = { step: 0, arrays };
    this.history.clear();
    this.history.set(0, first);
    return first;
  }

  /** Steps made. */
  get step(): number {
    return this.now.step;
  }

  /** The steps that one can go to. */
  get range(): { first: number; last: number } {
    const steps = [...this.history.keys()];
    return { first: Math.min(...steps), last: Math.max(...steps) };
  }

  /** Goes to the state after `step` steps. */
  seek(step: number): void {
    const snapshot = this.history.get(step);
    if (!snapshot)
      throw new UserError(`step ${step} is not kept; one can go to steps ${this.range.first} to ${this.range.last}`);
    this.now = snapshot;
  }

  /** Trains on the next batch. */
  train(): Promise<StepResult> {
    return this.use(async (apparatus) => {
      const batch = batchOf(this.settings, this.now.step);
      const { loss, logits, after } = await apparatus.step(this.imagesOf(batch), this.targetsOf(batch));
      const score =
        after.step % HELD_OUT_EVERY === 0 ? await apparatus.score(this.imagesOf(HELD_OUT_IMAGES)) : undefined;
      this.now = after;
      this.history.set(after.step, after);
      for (const step of this.history.keys()) if (step < this.range.last - HISTORY) this.history.delete(step);
      return {
        step: after.step,
        loss,
        accuracy: this.shareRight(logits, batch),
        heldOut: score && this.shareRight(score, HELD_OUT_IMAGES),
      };
    });
  }

  /** An image in the network as it is now, forwards and backwards. */
  look(image: number): Promise<View> {
    return this.use(async (apparatus) => {
      const layers = await apparatus.look(this.imagesOf([image]), this.targetsOf([image]));
      return { settings: this.settings, step: this.now.step, image, label: this.sky.labels[image], layers };
    });
  }

  /** Central differences of an image's loss, beside the gradient that the engine computes. */
  check(image: number, target: Target): Promise<CheckResult> {
    return this.use(async (apparatus) => {
      const targets = this.targetsOf([image]);
      const layers = await apparatus.look(this.imagesOf([image]), targets);
      const { y, dy, parameters } = layers[target.layer];
      const { value, gradient } = target.role
        ? parameters.find(({ role }) => role === target.role)!
        : { value: y, gradient: dy };
      const loss = await apparatus.lossFrom(target, targets, layers);
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
      if (bench.apparatus.settings !== this.settings) {
        const next = await Apparatus.create(device, this.settings, this.plans);
        bench.apparatus[Symbol.dispose]();
        bench.apparatus = next;
      }
      bench.apparatus.restore(this.now);
      return work(bench.apparatus);
    });
  }

  private imagesOf(images: readonly number[]): Float32Array {
    const x = new Float32Array(images.length * PIXELS);
    images.forEach((image, i) => x.set(this.sky.x.subarray(image * PIXELS, (image + 1) * PIXELS), i * PIXELS));
    return x;
  }

  private targetsOf(images: readonly number[]): Float32Array {
    const targets = new Float32Array(images.length * CLASS_COUNT);
    images.forEach((image, i) => (targets[i * CLASS_COUNT + this.sky.labels[image]] = 1));
    return targets;
  }

  private shareRight(logits: Float32Array, images: readonly number[]): number {
    const right = images.filter((image, i) => (logits[2 * i + 1] > logits[2 * i] ? 1 : 0) === this.sky.labels[image]);
    return right.length / images.length;
  }
}

/** What the device has built on it: another apparatus for other settings. */
class Bench implements Disposable {
  constructor(public apparatus: Apparatus) {}
  [Symbol.dispose](): void {
    this.apparatus[Symbol.dispose]();
  }
}

const HELD_OUT_IMAGES = Array.from({ length: HELD_OUT }, (_, i) => TRAINING + i);

/**
 * The images of a step's batch, from the seed and the step alone: each epoch goes through all images in an order of its
 * own.
 */
export function batchOf({ seed, batchSize }: Settings, step: number): number[] {
  const orders = new Map<number, Uint32Array>();
  return Array.from({ length: batchSize }, (_, i) => {
    const at = step * batchSize + i;
    const epoch = Math.floor(at / TRAINING);
    const order = orders.get(epoch) ?? permutation(TRAINING, new RandomStream(seed, epoch));
    orders.set(epoch, order);
    return order[at % TRAINING];
  });
}
