import { grad } from '../../engine/autodiff.ts';
import type { Device } from '../../engine/device/device.ts';
import { Parameter } from '../../engine/device/parameter.ts';
import { updateRunningStats } from '../../engine/ops/assign.ts';
import { input } from '../../engine/ops/leaves.ts';
import { compile, type Program } from '../../engine/program/program.ts';
import { sizeOf, type Tensor } from '../../engine/tensor.ts';
import { DEFAULT_ADAM, TrainStep } from '../../engine/train/train_step.ts';
import {
  CLASS_COUNT,
  forward,
  parameterName,
  parametersOf,
  type Forward,
  type LayerPlan,
  type Role,
} from './network.ts';
import type { Settings } from './settings.ts';
import { COLOURS, HELD_OUT, SIDE } from './sky.ts';
import type { LayerView, ParameterView, Target, Values } from './view.ts';

/**
 * All that the next step depends on, by name: weights, running statistics and Adam's moments. Never changed once made.
 */
export interface Snapshot {
  readonly step: number;
  readonly arrays: ReadonlyMap<string, Float32Array>;
}

const MOMENTUM = 0.1;

/**
 * What a run of the laboratory has on the GPU: the parameters, and the programs that train, look, score, and measure
 * the loss.
 */
export class Apparatus implements Disposable {
  /** The snapshot that the GPU's state equals; undefined while a step is under way. */
  private holds: Snapshot | undefined;
  private readonly lossPrograms = new Map<string, Promise<LossProgram>>();

  private constructor(
    private readonly device: Device,
    readonly settings: Settings,
    private readonly plans: readonly LayerPlan[],
    private readonly parameters: ReadonlyMap<string, Parameter>,
    private readonly training: TrainStep,
    private readonly trained: Forward,
    private readonly looking: Looking,
    private readonly scoring: { readonly program: Program; readonly logits: Tensor },
  ) {}

  static async create(device: Device, settings: Settings, plans: readonly LayerPlan[]): Promise<Apparatus> {
    const parameters = new Map(
      parametersOf(plans).map(({ name, shape }) => [name, new Parameter(device, name, shape)]),
    );
    const tensorOf = (name: string) => parameters.get(name)!.tensor;
    const made: Disposable[] = [...parameters.values()];
    try {
      const n = settings.batchSize;
      const trained = forward(plans, tensorOf, new Map([[0, imagesInput(n)]]), targetsInput(n), 'batch');
      const updates = [...trained.statistics].map(([name, stats]) => {
        const layer = plans.find((plan) => parameterName(plan.name, 'running') === name)!;
        return updateRunningStats(tensorOf(name), stats, n * sizeOf(layer.shape.slice(0, -1)), MOMENTUM);
      });
      const trainable = parametersOf(plans)
        .filter(({ role }) => role !== 'running')
        .map(({ name }) => parameters.get(name)!);
      const training = await TrainStep.create(device, {
        loss: trained.loss,
        trainable,
        outputs: [trained.logits],
        updates,
        adam: DEFAULT_ADAM,
      });
      made.push(training);
      const looking = await Looking.create(device, plans, tensorOf);
      made.push(looking);
      const image = new Map([[0, imagesInput(HELD_OUT)]]);
      const { logits } = forward(plans, tensorOf, image, targetsInput(HELD_OUT), 'running');
      const program = await compile(device, { outputs: [logits] });
      return new Apparatus(device, settings, plans, parameters, training, trained, looking, { program, logits });
    } catch (error) {
      for (const resource of made) resource[Symbol.dispose]();
      throw error;
    }
  }

  /** Writes a snapshot's state to the GPU, unless it is there already. */
  restore(snapshot: Snapshot): void {
    if (this.holds === snapshot) return;
    for (const [name, parameter] of this.parameters) parameter.write(snapshot.arrays.get(name)!);
    this.training.restore(snapshot.step, snapshot.arrays);
    this.holds = snapshot;
  }

  /** One step of Adam on a batch, from the state that was restored. */
  async step(x: Float32Array, targets: Float32Array): Promise<{ loss: number; logits: Float32Array; after: Snapshot }> {
    this.holds = undefined;
    this.training.run({ x, targets }, this.settings.learningRate);
    const [loss, logits, moments, ...values] = await Promise.all([
      this.training.read(this.trained.loss),
      this.training.read(this.trained.logits),
      this.training.state(),
      ...[...this.parameters.values()].map((p) => p.read()),
    ] as const);
    const arrays = new Map([...moments].map(([name, { data }]) => [name, data] as const));
    [...this.parameters.keys()].forEach((name, i) => arrays.set(name, values[i]));
    const after = { step: this.training.step, arrays };
    this.holds = after;
    return { loss: loss[0], logits, after };
  }

  look(x: Float32Array, targets: Float32Array): Promise<LayerView[]> {
    return this.looking.look(x, targets, this.parameters);
  }

  /** The logits [HELD_OUT, 2] of as many images. */
  score(x: Float32Array): Promise<Float32Array> {
    this.scoring.program.run({ x });
    return this.scoring.program.read(this.scoring.logits);
  }

  /**
   * The loss of one image as a function of a layer's output, or of one of its parameters: the forward program from
   * there on.
   */
  async lossFrom(
    { layer, role }: Omit<Target, 'offset'>,
    targets: Float32Array,
    layers: readonly LayerView[],
  ): Promise<(values: Float32Array) => Promise<number>> {
    const key = `${layer} ${role}`;
    const made = this.lossPrograms.get(key) ?? this.compileLoss(layer, role);
    this.lossPrograms.set(key, made);
    const { program, loss, given } = await made;
    const outputs = Object.fromEntries(given.map((k) => [`x${k}`, layers[k].y.data]));
    return async (values) => {
      program.run({ ...outputs, targets, [role ? 'moved' : `x${layer}`]: values });
      return (await program.read(loss))[0];
    };
  }

  private async compileLoss(layer: number, role?: Role): Promise<LossProgram> {
    const moved = role && parameterName(this.plans[layer].name, role);
    const tensorOf = (name: string) =>
      name === moved ? input('moved', this.plans[layer].parameters[role!]!) : this.parameters.get(name)!.tensor;
    // The layers from `first` on are made; of those before, the outputs that they take are given.
    const first = role ? layer : layer + 1;
    const given = [...new Set(this.plans.slice(first).flatMap(({ inputs }) => inputs.filter((k) => k < first)))];
    const outputs = new Map(given.map((k) => [k, input(`x${k}`, this.plans[k].shape)]));
    const { loss } = forward(this.plans, tensorOf, outputs, targetsInput(1), 'running');
    return { program: await compile(this.device, { outputs: [loss] }), loss, given };
  }

  [Symbol.dispose](): void {
    for (const resource of [this.training, this.looking, this.scoring.program, ...this.parameters.values()])
      resource[Symbol.dispose]();
    for (const made of this.lossPrograms.values())
      made.then(
        ({ program }) => program[Symbol.dispose](),
        () => {},
      );
  }
}

interface LossProgram {
  readonly program: Program;
  readonly loss: Tensor;
  /** The layers whose outputs it is fed. */
  readonly given: readonly number[];
}

const imagesInput = (n: number) => input('x', [n, SIDE, SIDE, COLOURS]);
const targetsInput = (n: number) => input('targets', [n, CLASS_COUNT]);

/**
 * The program that shows one image: every layer's output and cotangent, every parameter's gradient. Batch norm takes
 * its running statistics.
 */
class Looking implements Disposable {
  private constructor(
    private readonly plans: readonly LayerPlan[],
    private readonly program: Program,
    private readonly outputs: readonly Tensor[],
    private readonly cotangents: readonly Tensor[],
    private readonly gradients: ReadonlyMap<string, Tensor>,
  ) {}

  static async create(
    device: Device,
    plans: readonly LayerPlan[],
    tensorOf: (name: string) => Tensor,
  ): Promise<Looking> {
    const image = new Map([[0, imagesInput(1)]]);
    const { outputs, loss } = forward(plans, tensorOf, image, targetsInput(1), 'running');
    const weights = parametersOf(plans).filter(({ role }) => role !== 'running');
    const all = outputs as readonly Tensor[];
    const made = grad(loss, [...all, ...weights.map(({ name }) => tensorOf(name))]);
    const gradients = new Map(weights.map(({ name }, i) => [name, made[all.length + i]]));
    const cotangents = made.slice(0, all.length);
    return new Looking(plans, await compile(device, { outputs: [...all, ...made] }), all, cotangents, gradients);
  }

  async look(x: Float32Array, targets: Float32Array, parameters: ReadonlyMap<string, Parameter>): Promise<LayerView[]> {
    this.program.run({ x, targets });
    const valuesOf = async (tensor: Tensor, shape: readonly number[]): Promise<Values> => ({
      shape,
      data: await this.program.read(tensor),
    });
    return Promise.all(
      this.plans.map(async ({ shape, parameters: own, ...plan }, i): Promise<LayerView> => {
        const roles = (Object.entries(own) as [Role, readonly number[]][]).map(
          async ([role, shape]): Promise<ParameterView> => {
            const full = parameterName(plan.name, role);
            const gradient = this.gradients.get(full);
            const [value, derivative] = await Promise.all([
              parameters.get(full)!.read(),
              gradient && valuesOf(gradient, shape),
            ]);
            return { role, value: { shape, data: value }, gradient: derivative };
          },
        );
        const [y, dy, ...views] = await Promise.all([
          valuesOf(this.outputs[i], shape),
          valuesOf(this.cotangents[i], shape),
          ...roles,
        ]);
        return { ...plan, y, dy, parameters: views };
      }),
    );
  }

  [Symbol.dispose](): void {
    this.program[Symbol.dispose]();
  }
}
