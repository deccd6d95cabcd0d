import { grad } from '../../engine/autodiff.ts';
import type { Device } from '../../engine/device/device.ts';
import { compile, type Program } from '../../engine/program/program.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { forward, imagesInput, targetsInput, type Forward, type Parameters } from './forward.ts';
import { parameterName, parametersOf, type LayerPlan, type Role } from './network.ts';
import type { Settings } from './settings.ts';
import type { LayerView, ParameterView, Values } from './view.ts';

/** Which images a program looks at, and how batch norm and dropout act on them: as in training, or in prediction. */
export interface Sight {
  readonly images: number;
  readonly norm: 'batch' | 'running';
}

/** The program that shows images: every layer's output and cotangent, every parameter's gradient. */
export class Looking implements Disposable {
  private constructor(
    private readonly plans: readonly LayerPlan[],
    private readonly program: Program,
    private readonly network: Forward,
    private readonly cotangents: readonly Tensor[],
    private readonly gradients: ReadonlyMap<string, Tensor>,
  ) {}

  static async create(
    device: Device,
    settings: Settings,
    plans: readonly LayerPlan[],
    tensorOf: Parameters,
    { images, norm }: Sight,
  ): Promise<Looking> {
    const given = new Map([[0, imagesInput(images)]]);
    const passage = { given, targets: targetsInput(images, plans), norm, dropout: settings.dropout };
    const network = forward(plans, tensorOf, passage);
    const outputs = network.outputs as readonly Tensor[];
    const weights = parametersOf(plans).filter(({ role }) => role !== 'running');
    const made = grad(network.loss, [...outputs, ...weights.map(({ name }) => tensorOf(name))]);
    const gradients = new Map(weights.map(({ name }, i) => [name, made[outputs.length + i]]));
    const read = [...outputs, ...made, ...network.denseInputs.values(), ...network.statistics.values()];
    const program = await compile(device, { outputs: [...new Set(read)] });
    return new Looking(plans, program, network, made.slice(0, outputs.length), gradients);
  }

  /** @param parameters their values, as they are on the GPU */
  async look(
    feeds: Readonly<Record<string, Float32Array | Uint32Array>>,
    parameters: (name: string) => Promise<Float32Array>,
  ): Promise<LayerView[]> {
    this.program.run(feeds);
    const valuesOf = async (tensor: Tensor): Promise<Values> => ({
      shape: tensor.shape,
      data: await this.program.read(tensor),
    });
    return Promise.all(
      this.plans.map(async ({ shape: _, parameters: own, ...plan }, i): Promise<LayerView> => {
        const roles = (Object.entries(own) as [Role, readonly number[]][]).map(
          async ([role, shape]): Promise<ParameterView> => {
            const full = parameterName(plan.name, role);
            const gradient = this.gradients.get(full);
            const [data, derivative] = await Promise.all([parameters(full), gradient && valuesOf(gradient)]);
            return { role, value: { shape, data }, gradient: derivative };
          },
        );
        const [y, dy, ...views] = await Promise.all([
          valuesOf(this.network.outputs[i]!),
          valuesOf(this.cotangents[i]),
          ...roles,
        ]);
        return { ...plan, y, dy, parameters: views };
      }),
    );
  }

  /** What a layer had besides its output when it was looked at: a dense layer's input, a batch norm's statistics. */
  async behind(layer: number): Promise<{ readonly denseInput?: Float32Array; readonly statistics?: Float32Array }> {
    const { denseInputs, statistics } = this.network;
    const [input, stats] = [denseInputs.get(layer), statistics.get(parameterName(this.plans[layer].name, 'running'))];
    return {
      denseInput: input && (await this.program.read(input)),
      statistics: stats && (await this.program.read(stats)),
    };
  }

  [Symbol.dispose](): void {
    this.program[Symbol.dispose]();
  }
}
