import type { Device } from '../../engine/device/device.ts';
import { Parameter } from '../../engine/device/parameter.ts';
import { input } from '../../engine/ops/leaves.ts';
import { compile, type Program } from '../../engine/program/program.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { Looking, type Sight } from './looking.ts';
import { forward, imagesInput, targetsInput } from './forward.ts';
import { parameterName, parametersOf, type LayerPlan } from './network.ts';
import type { Snapshot } from './run_history.ts';
import type { Settings } from './settings.ts';
import { Training, type Batch, type Made } from './training.ts';
import type { LayerView, Target } from './view.ts';

/** A batch as the step after a snapshot saw it: each layer's output and cotangent, of all images. */
export interface SeenBatch {
  readonly layers: readonly LayerView[];
  /** Of the layer that was asked for: a dense layer's input after dropout, a batch norm's statistics. */
  readonly denseInput?: Float32Array;
  readonly statistics?: Float32Array;
}

/**
 * What a run of the laboratory has on the GPU: the parameters, and the programs that train, look, score, and measure
 * the loss. The program that trains is made anew where settings that are compiled into it change.
 */
export class Apparatus implements Disposable {
  /** The snapshot that the parameters on the GPU equal; undefined while a step is under way. */
  private holds: Snapshot | undefined;
  private training: Training | undefined;
  /** Looks at batches of a step; made when first asked for. */
  private following: { readonly batchSize: number; readonly dropout: number; readonly looking: Looking } | undefined;
  /** Looks at images together; made when first asked for. */
  private together: { readonly images: number; readonly looking: Looking } | undefined;
  private readonly lossPrograms = new Map<string, Promise<LossProgram>>();

  private constructor(
    private readonly device: Device,
    readonly plans: readonly LayerPlan[],
    private readonly parameters: ReadonlyMap<string, Parameter>,
    private readonly looking: Looking,
    private readonly scoring: { readonly program: Program; readonly logits: Tensor },
  ) {}

  /**
   * @param settings of which only those count that need a new run
   * @param heldOut how many images are scored together
   */
  static async create(
    device: Device,
    settings: Settings,
    plans: readonly LayerPlan[],
    heldOut: number,
  ): Promise<Apparatus> {
    const parameters = new Map(
      parametersOf(plans).map(({ name, shape }) => [name, new Parameter(device, name, shape)]),
    );
    const tensorOf = (name: string) => parameters.get(name)!.tensor;
    const made: Disposable[] = [...parameters.values()];
    try {
      const looking = await Looking.create(device, settings, plans, tensorOf, { images: 1, norm: 'running' });
      made.push(looking);
      const given = new Map([[0, imagesInput(heldOut)]]);
      const { logits } = forward(plans, tensorOf, { given, targets: targetsInput(heldOut, plans), norm: 'running' });
      const program = await compile(device, { outputs: [logits] });
      return new Apparatus(device, plans, parameters, looking, { program, logits });
    } catch (error) {
      for (const resource of made) resource[Symbol.dispose]();
      throw error;
    }
  }

  /** Writes a snapshot's parameters to the GPU, unless they are there already. */
  restore(snapshot: Snapshot): void {
    if (this.holds === snapshot) return;
    for (const [name, parameter] of this.parameters) parameter.write(snapshot.arrays.get(name)!);
    this.holds = snapshot;
  }

  /** One step on a batch, from a snapshot. */
  async step(from: Snapshot, settings: Settings, batch: Batch): Promise<Made> {
    const training = await this.trainingOf(settings);
    this.restore(from);
    this.holds = undefined;
    const made = await training.step(from, settings, batch, () => this.read());
    this.holds = made.after;
    return made;
  }

  private async trainingOf(settings: Settings): Promise<Training> {
    if (this.training?.makes(settings)) return this.training;
    this.training?.[Symbol.dispose]();
    this.training = undefined;
    this.training = await Training.create(this.device, settings, this.plans, this.parameters);
    return this.training;
  }

  private async read(): Promise<ReadonlyMap<string, Float32Array>> {
    const values = await Promise.all([...this.parameters.values()].map((p) => p.read()));
    return new Map([...this.parameters.keys()].map((name, i) => [name, values[i]]));
  }

  /** Images in the network as it stands. */
  look(batch: Batch): Promise<LayerView[]> {
    return this.looking.look({ ...batch }, (name) => this.parameters.get(name)!.read());
  }

  /**
   * Images together in the network as it stands, as in training, but without dropout; batch norm's statistics stand in
   * place of its running ones.
   */
  async lookTogether(batch: Batch, settings: Settings, images: number): Promise<LayerView[]> {
    if (this.together?.images !== images) {
      this.together?.looking[Symbol.dispose]();
      this.together = undefined;
      const tensorOf = (name: string) => this.parameters.get(name)!.tensor;
      const sight = { images, norm: 'batch' } as const;
      const looking = await Looking.create(this.device, { ...settings, dropout: 0 }, this.plans, tensorOf, sight);
      this.together = { images, looking };
    }
    const { looking } = this.together;
    const layers = await looking.look({ ...batch }, (name) => this.parameters.get(name)!.read());
    return Promise.all(
      layers.map(async (layer, i) => {
        const { statistics } = await looking.behind(i);
        const geometry = layer.geometry && { ...layer.geometry, batch: images };
        const parameters = layer.parameters.map((p) =>
          p.role === 'running' && statistics ? { ...p, value: { ...p.value, data: statistics } } : p,
        );
        return { ...layer, geometry, parameters };
      }),
    );
  }

  /** The batch of the step after `from` on its way through the network, as that step saw it. */
  async follow(from: Snapshot, settings: Settings, batch: Batch, layer: number): Promise<SeenBatch> {
    const { batchSize, dropout, seed } = settings;
    if (this.following?.batchSize !== batchSize || this.following.dropout !== dropout) {
      this.following?.looking[Symbol.dispose]();
      this.following = undefined;
      const tensorOf = (name: string) => this.parameters.get(name)!.tensor;
      const sight = { images: batchSize, norm: 'batch' } as const;
      const looking = await Looking.create(this.device, settings, this.plans, tensorOf, sight);
      this.following = { batchSize, dropout, looking };
    }
    const { looking } = this.following;
    this.restore(from);
    const feeds = { ...batch, ...(dropout > 0 && { seed: Uint32Array.of(seed, from.step) }) };
    const layers = await looking.look(feeds, async (name) => from.arrays.get(name)!);
    return { layers, ...(await looking.behind(layer)) };
  }

  /** The logits [N, K] of the held-out images. */
  score(x: Float32Array): Promise<Float32Array> {
    this.scoring.program.run({ x });
    return this.scoring.program.read(this.scoring.logits);
  }

  /**
   * The loss of the images that `layers` show, as a function of a layer's output, or of one of its parameters: the
   * forward program from there on.
   */
  async lossFrom(
    { layer, role }: Omit<Target, 'offset'>,
    targets: Float32Array,
    layers: readonly LayerView[],
    norm: Sight['norm'],
  ): Promise<(values: Float32Array) => Promise<number>> {
    const images = layers[0].y.shape[0];
    const key = `${layer} ${role} ${images} ${norm}`;
    const made = this.lossPrograms.get(key) ?? this.compileLoss({ layer, role }, { images, norm });
    this.lossPrograms.set(key, made);
    const { program, loss, given } = await made;
    const outputs = Object.fromEntries(given.map((k) => [`x${k}`, layers[k].y.data]));
    return async (values) => {
      program.run({ ...outputs, targets, [role ? 'moved' : `x${layer}`]: values });
      return (await program.read(loss))[0];
    };
  }

  private async compileLoss({ layer, role }: Omit<Target, 'offset'>, { images, norm }: Sight): Promise<LossProgram> {
    const moved = role && parameterName(this.plans[layer].name, role);
    const tensorOf = (name: string) =>
      name === moved ? input('moved', this.plans[layer].parameters[role!]!) : this.parameters.get(name)!.tensor;
    // The layers from `first` on are made; of those before, the outputs that they take are given.
    const first = role ? layer : layer + 1;
    const given = [...new Set(this.plans.slice(first).flatMap(({ inputs }) => inputs.filter((k) => k < first)))];
    const outputs = new Map(given.map((k) => [k, input(`x${k}`, [images, ...this.plans[k].shape.slice(1)])]));
    const { loss } = forward(this.plans, tensorOf, { given: outputs, targets: targetsInput(images, this.plans), norm });
    return { program: await compile(this.device, { outputs: [loss] }), loss, given };
  }

  [Symbol.dispose](): void {
    this.training?.[Symbol.dispose]();
    this.following?.looking[Symbol.dispose]();
    this.together?.looking[Symbol.dispose]();
    for (const resource of [this.looking, this.scoring.program, ...this.parameters.values()])
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
