import type { Device } from '../../engine/device/device.ts';
import { compile, type Program } from '../../engine/program/program.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { classInput, findTensor, gradCam, gradCamPlusPlus, guidedBackprop, oneHot } from '../../models/grad_cam.ts';
import { applySegments } from '../../models/network.ts';
import { imageInput, type ViewMaker } from '../view/views.ts';
import { Predictor, predictWith, type Answering } from './predictor.ts';
import { SILENT } from '../progress.ts';
import { requireFinite } from './require_finite.ts';

export const METHODS = ['Grad-CAM', 'Grad-CAM++', 'Guided backprop'] as const;
export type Method = (typeof METHODS)[number];

/**
 * A method's answer: an activation map [height, width]; for guided backprop the gradient [height, width, 3] at the
 * input.
 */
export interface ExplainedMap {
  readonly method: Method;
  readonly values: Float32Array;
  readonly height: number;
  readonly width: number;
}

/** What a network looked at in one image when it gave one output its score. */
export interface Explanation {
  readonly example: number;
  readonly prediction: ArrayLike<number>;
  /** The output that is explained. */
  readonly explained: number;
  readonly maps: readonly ExplainedMap[];
}

/** What a picture of an explanation needs beside it: the image as the network saw it, R, G, B bytes. */
export type ExplainRequest = { readonly example: number; readonly explained?: number };

/** A network made ready to explain any of its outputs by some methods at one layer, an image at a time. */
export class Explainer implements Disposable {
  private constructor(
    readonly program: Program,
    private readonly maps: readonly { readonly method: Method; readonly tensor: Tensor }[],
    private readonly views: ViewMaker,
    private readonly outputs: number,
  ) {}

  /** @param layer a segment or block of the network by name; its last conv's activation when undefined */
  static async create(
    device: Device,
    { network, parameters, task, views }: Answering,
    methods: readonly Method[],
    layer?: string,
  ): Promise<Explainer> {
    const x = imageInput(1, views.side, views.geometry);
    const scores = task.scores(applySegments(network.segments, x, { parameters, batchNorm: 'running' }));
    const classes = classInput(scores);
    const activation = findTensor(scores, layer ?? network.lastConv);
    const make: Record<Method, () => Tensor> = {
      'Grad-CAM': () => gradCam(scores, classes, activation),
      'Grad-CAM++': () => gradCamPlusPlus(scores, classes, activation),
      'Guided backprop': () => guidedBackprop(scores, classes, x),
    };
    const maps = methods.map((method) => ({ method, tensor: make[method]() }));
    return new Explainer(
      await compile(device, { outputs: maps.map(({ tensor }) => tensor) }),
      maps,
      views,
      scores.shape[1],
    );
  }

  /** The map of each method for one output. Throws a UserError where one is not finite. */
  async explain(example: number, explained: number): Promise<ExplainedMap[]> {
    const { program, maps, views, outputs } = this;
    program.run({ ...(await views.feeds([views.plain(example)])), explained_class: oneHot([explained], outputs) });
    const values = await Promise.all(maps.map(({ tensor }) => program.read(tensor)));
    for (const [i, map] of values.entries())
      requireFinite(map, map.length, () => `${views.nameOf(example)}, ${maps[i].method}`);
    return maps.map(({ method, tensor }, i) => ({
      method,
      values: values[i],
      height: tensor.shape[1],
      width: tensor.shape[2],
    }));
  }

  [Symbol.dispose](): void {
    this.program[Symbol.dispose]();
  }
}

/**
 * Explains images one at a time: the output asked for, or the one with the largest score.
 * @param layer a segment or block of the network by name; its last conv's activation when undefined
 */
export async function explainExamples(
  device: Device,
  answering: Answering,
  requests: readonly ExplainRequest[],
  methods: readonly Method[],
  layer?: string,
): Promise<Explanation[]> {
  const { views } = answering;
  using explainer = await Explainer.create(device, answering, methods, layer);
  using predictor = await Predictor.create(device, answering, imageInput(1, views.side, views.geometry));
  const found: Explanation[] = [];
  for (const { example, explained } of requests) {
    const prediction = await predictWith(predictor, views, [example], 1, SILENT);
    const wanted = explained ?? prediction.indexOf(Math.max(...prediction));
    found.push({ example, prediction, explained: wanted, maps: await explainer.explain(example, wanted) });
  }
  return found;
}
