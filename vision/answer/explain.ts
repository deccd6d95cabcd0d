import type { Device } from '../../engine/device/device.ts';
import { compile, type Program } from '../../engine/program/program.ts';
import type { Tensor } from '../../engine/tensor.ts';
import {
  classInput,
  findTensor,
  gradCam,
  gradCamPlusPlus,
  guidedBackprop,
  layerCam,
  oneHot,
} from '../../models/grad_cam.ts';
import { applySegments } from '../../models/network.ts';
import { imageInput, type ViewMaker } from '../view/views.ts';
import { MaskedScores } from './asked/masked_scores.ts';
import { integratedGradients, occlusion, scoreCam, type AskedMap } from './asked/methods.ts';
import { isQuick, type AskingMethod, type Method, type QuickMethod } from './methods.ts';
import { Predictor, predictWith, type Answering } from './predictor.ts';
import { SILENT } from '../progress.ts';
import { requireFinite } from './require_finite.ts';
import { addUpright, symmetryOf } from './upright.ts';

/** A method's answer: a map [height, width], or [height, width, 3] at the input's pixels; methods.ts says which. */
export interface ExplainedMap extends AskedMap {
  readonly method: Method;
}

/** What a network looked at in one image when it gave one output its score. */
export interface Explanation {
  readonly example: number;
  readonly prediction: ArrayLike<number>;
  /** The output that is explained. */
  readonly explained: number;
  readonly maps: readonly ExplainedMap[];
}

/** An image to explain by its index, and the output; the one with the largest score when absent. */
export type ExplainRequest = { readonly example: number; readonly explained?: number };

/** What a view of an image gives in one pass. */
interface Pass {
  readonly program: Program;
  readonly quick: readonly { readonly method: QuickMethod; readonly tensor: Tensor }[];
  readonly x: Tensor;
  readonly activation: Tensor;
}

/** A network made ready to explain any of its outputs by some methods at one layer, an image at a time. */
export class Explainer implements Disposable {
  private constructor(
    private readonly methods: readonly Method[],
    private readonly pass: Pass,
    private readonly views: ViewMaker,
    private readonly outputs: number,
    /** The network asked about images of which parts are replaced; absent where no method needs it. */
    readonly asked?: MaskedScores,
  ) {}

  /**
   * @param layer a segment or block of the network by name; its last conv's activation when undefined
   * @param measured the maps are to be measured, so the network is to be asked in any case
   */
  static async create(
    device: Device,
    { network, parameters, task, views }: Answering,
    methods: readonly Method[],
    { layer, measured = false }: { readonly layer?: string; readonly measured?: boolean } = {},
  ): Promise<Explainer> {
    const scoresOf = (x: Tensor) =>
      task.scores(applySegments(network.segments, x, { parameters, batchNorm: 'running' }));
    const x = imageInput(1, views.side, views.geometry);
    const scores = scoresOf(x);
    const classes = classInput(scores);
    const activation = findTensor(scores, layer ?? network.lastConv);
    const make: Record<QuickMethod, () => Tensor> = {
      'Grad-CAM': () => gradCam(scores, classes, activation),
      'Grad-CAM++': () => gradCamPlusPlus(scores, classes, activation),
      'Layer-CAM': () => layerCam(scores, classes, activation),
      'Guided backprop': () => guidedBackprop(scores, classes, x),
    };
    const quick = methods.filter(isQuick).map((method) => ({ method, tensor: make[method]() }));
    const asks = measured || methods.some((method) => !isQuick(method));
    const outputs = [
      ...quick.map(({ tensor }) => tensor),
      ...(asks ? [x] : []),
      ...(methods.includes('Score-CAM') ? [activation] : []),
    ];
    const program = await compile(device, { outputs: [...new Set(outputs)] });
    const asked = asks ? await MaskedScores.create(device, scoresOf, views.geometry.size) : undefined;
    return new Explainer(methods, { program, quick, x, activation }, views, scores.shape[1], asked);
  }

  /** Bytes of its programs on the device. */
  get bytes(): number {
    return this.pass.program.bytes + (this.asked?.bytes ?? 0);
  }

  /**
   * The map of each method for one output, averaged over the image's first `tta` views, each map turned back.
   * @throws UserError where a map is not finite, or there are not so many views whose maps can be turned back
   */
  async explain(example: number, explained: number, tta = 1): Promise<ExplainedMap[]> {
    let maps: ExplainedMap[] | undefined;
    for (let k = 0; k < tta; k++) {
      const symmetry = symmetryOf(this.views.geometry, k, tta);
      const found = await this.explainView(example, explained, k);
      maps ??= found.map((map) => ({ ...map, values: new Float32Array(map.values.length) }));
      maps.forEach((sum, i) => addUpright(sum, found[i].values, symmetry, 1 / tta));
    }
    return maps!;
  }

  /** The image as the network takes it: [side, side, 3]. */
  async imageOf(example: number): Promise<Float32Array> {
    await this.runView(example, 0, 0);
    return this.pass.program.read(this.pass.x);
  }

  private async runView(example: number, explained: number, view: number): Promise<void> {
    const feeds = await this.views.feeds([this.views.plain(example, view)]);
    const { program } = this.pass;
    program.run({
      ...feeds,
      ...(program.hasInput('explained_class') && { explained_class: oneHot([explained], this.outputs) }),
    });
  }

  private async explainView(example: number, explained: number, view: number): Promise<ExplainedMap[]> {
    const { program, quick, x } = this.pass;
    await this.runView(example, explained, view);
    const quickMaps = new Map<Method, AskedMap>();
    for (const { method, tensor } of quick)
      quickMaps.set(method, { values: await program.read(tensor), height: tensor.shape[1], width: tensor.shape[2] });
    const asking = this.methods.some((method) => !isQuick(method));
    const question = { image: asking ? await program.read(x) : new Float32Array(), explained };
    const maps: ExplainedMap[] = [];
    for (const method of this.methods) {
      const map = isQuick(method) ? quickMaps.get(method)! : await this.ask(method, question);
      requireFinite(map.values, map.values.length, () => `${this.views.nameOf(example)}, ${method}`);
      maps.push({ method, ...map });
    }
    return maps;
  }

  private async ask(method: AskingMethod, question: { image: Float32Array; explained: number }): Promise<AskedMap> {
    const asked = this.asked!;
    if (method === 'Occlusion') return occlusion(asked, question);
    if (method === 'Integrated gradients') return integratedGradients(asked, question);
    const { program, activation } = this.pass;
    const [, height, width, channels] = activation.shape;
    return scoreCam(asked, question, { values: await program.read(activation), height, width, channels });
  }

  [Symbol.dispose](): void {
    this.pass.program[Symbol.dispose]();
    this.asked?.[Symbol.dispose]();
  }
}

/**
 * Explains images one at a time: the output asked for, or the one with the largest score.
 * @param layer a segment or block of the network by name; its last conv's activation when absent
 */
export async function explainExamples(
  device: Device,
  answering: Answering,
  requests: readonly ExplainRequest[],
  methods: readonly Method[],
  layer?: string,
): Promise<Explanation[]> {
  const { views } = answering;
  using explainer = await Explainer.create(device, answering, methods, { layer });
  using predictor = await Predictor.create(device, answering, imageInput(1, views.side, views.geometry));
  const found: Explanation[] = [];
  for (const request of requests) found.push(await explainOne({ explainer, predictor, views }, request));
  return found;
}

/** What explains, what predicts, and how both are shown the images. */
export interface Explaining {
  readonly explainer: Explainer;
  readonly predictor: Predictor;
  readonly views: ViewMaker;
}

/** Explains one image; each map is averaged over its first `tta` views. */
export async function explainOne(
  { explainer, predictor, views }: Explaining,
  { example, explained }: ExplainRequest,
  tta = 1,
): Promise<Explanation> {
  const prediction = await predictWith(predictor, views, [example], 1, SILENT);
  const wanted = explained ?? prediction.indexOf(Math.max(...prediction));
  return { example, prediction, explained: wanted, maps: await explainer.explain(example, wanted, tta) };
}
