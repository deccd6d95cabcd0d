import type { Device } from '../../engine/device/device.ts';
import type { Parameter } from '../../engine/device/parameter.ts';
import { updateRunningStats } from '../../engine/ops/assign.ts';
import { mean } from '../../engine/ops/reduce.ts';
import { sizeOf, type Tensor } from '../../engine/tensor.ts';
import { DEFAULT_ADAM, DEFAULT_SGD, STEPS_TAKEN, TrainStep } from '../../engine/train/train_step.ts';
import { forward, imagesInput, targetsInput, type Forward } from './forward.ts';
import { parameterName, parametersOf, type LayerPlan } from './network.ts';
import type { Snapshot } from './run_history.ts';
import type { OptimizerName, Settings } from './settings.ts';

/** How far running statistics go towards those of a batch. */
export const STATISTICS_MOMENTUM = 0.1;
export const ADAM = DEFAULT_ADAM;

/** Images [N, SIDE, SIDE, COLOURS] and one-hot targets [N, K]. */
export interface Batch {
  readonly x: Float32Array;
  readonly targets: Float32Array;
}

/** What a step says of itself, and the state after it. */
export interface Made {
  readonly loss: number;
  /** [N, K]. */
  readonly logits: Float32Array;
  /** Layers of activations whose outputs are 0 everywhere, on the whole batch. */
  readonly silent: readonly number[];
  /** Whether the step changed anything: not where its loss or a gradient was not finite. */
  readonly changed: boolean;
  readonly after: Snapshot;
}

/** The settings that are compiled into a step; others are fed to it. */
const compiled = ({ optimizer, momentum, weightDecay, dropout, batchSize }: Settings): string =>
  JSON.stringify({ optimizer, momentum, weightDecay, dropout, batchSize });

/** The constants of the optimizer that a step is made with. */
const constantsOf = ({ optimizer, momentum, weightDecay }: Settings) =>
  optimizer === 'adam'
    ? { adam: { ...ADAM, weightDecay } }
    : { sgd: { ...DEFAULT_SGD, momentum: optimizer === 'momentum' ? momentum : 0, weightDecay } };

/**
 * The arrays that a step of an optimizer begins from: its moments and its count of steps are 0 where another one, or
 * none, was at work before.
 */
export function beginningOf(
  { optimizer, arrays }: Snapshot,
  wanted: OptimizerName,
  plans: readonly LayerPlan[],
): ReadonlyMap<string, Float32Array> {
  if (optimizer === wanted) return arrays;
  const own = parametersOf(plans);
  const made = new Map(own.map(({ name }) => [name, arrays.get(name)!]));
  made.set(STEPS_TAKEN, new Float32Array(1));
  for (const { name, role, shape } of own)
    if (role !== 'running')
      for (const moment of wanted === 'adam' ? ['m', 'v'] : ['m'])
        made.set(`${name}/${moment}`, new Float32Array(sizeOf(shape)));
  return made;
}

/** A step of training as a program, for the settings that are compiled into it. */
export class Training implements Disposable {
  /** The snapshot that the moments on the GPU equal; undefined while a step is under way. */
  private holds: Snapshot | undefined;

  private constructor(
    private readonly settings: Settings,
    private readonly plans: readonly LayerPlan[],
    private readonly program: TrainStep,
    private readonly network: Forward,
    private readonly loudness: ReadonlyMap<number, Tensor>,
  ) {}

  static async create(
    device: Device,
    settings: Settings,
    plans: readonly LayerPlan[],
    parameters: ReadonlyMap<string, Parameter>,
  ): Promise<Training> {
    const tensorOf = (name: string) => parameters.get(name)!.tensor;
    const n = settings.batchSize;
    const given = new Map([[0, imagesInput(n)]]);
    const passage = { given, targets: targetsInput(n, plans), norm: 'batch', dropout: settings.dropout } as const;
    const network = forward(plans, tensorOf, passage);
    const updates = [...network.statistics].map(([name, stats]) =>
      updateRunningStats(tensorOf(name), stats, n * placesOf(name, plans), STATISTICS_MOMENTUM),
    );
    const loudness = new Map(
      plans.flatMap(({ kind }, i) => (kind === 'activation' ? [[i, mean(network.outputs[i]!)] as const] : [])),
    );
    const trainable = parametersOf(plans)
      .filter(({ role }) => role !== 'running')
      .map(({ name }) => parameters.get(name)!);
    const program = await TrainStep.create(device, {
      loss: network.loss,
      trainable,
      outputs: [network.logits, ...loudness.values()],
      updates,
      ...constantsOf(settings),
    });
    return new Training(settings, plans, program, network, loudness);
  }

  /** Whether steps with these settings are made by this program. */
  makes(settings: Settings): boolean {
    return compiled(settings) === compiled(this.settings);
  }

  /**
   * One step from a state whose parameters are on the GPU.
   * @param read reads the parameters
   */
  async step(
    from: Snapshot,
    { learningRate, optimizer, dropout, seed, batchSize }: Settings,
    batch: Batch,
    read: () => Promise<ReadonlyMap<string, Float32Array>>,
  ): Promise<Made> {
    if (this.holds !== from) this.program.restore(from.step, beginningOf(from, optimizer, this.plans));
    this.holds = undefined;
    this.program.run({ ...batch, ...(dropout > 0 && { seed: Uint32Array.of(seed, from.step) }) }, learningRate);
    const [loss, changed, logits, moments, values, ...loud] = await Promise.all([
      this.program.read(this.network.loss),
      this.program.changed(),
      this.program.read(this.network.logits),
      this.program.state(),
      read(),
      ...[...this.loudness.values()].map((tensor) => this.program.read(tensor)),
    ] as const);
    const arrays = new Map([...moments].map(([name, { data }]) => [name, data] as const));
    for (const [name, value] of values) arrays.set(name, value);
    const after = { step: from.step + 1, drawn: from.drawn + batchSize, optimizer, arrays };
    this.holds = after;
    const silent = [...this.loudness.keys()].filter((_, k) => loud[k][0] === 0);
    return { loss: loss[0], logits, silent, changed, after };
  }

  [Symbol.dispose](): void {
    this.program[Symbol.dispose]();
  }
}

/** How many places of one image have a channel of a batch norm, by the name of its running statistics. */
export function placesOf(running: string, plans: readonly LayerPlan[]): number {
  const layer = plans.find(({ name }) => parameterName(name, 'running') === running)!;
  return sizeOf(layer.shape.slice(0, -1));
}
