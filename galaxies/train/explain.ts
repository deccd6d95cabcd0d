import type { Device } from '../../engine/device/device.ts';
import { compile } from '../../engine/program/program.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { classInput, findTensor, gradCam, gradCamPlusPlus, guidedBackprop, oneHot } from '../../models/grad_cam.ts';
import { applySegments } from '../../models/network.ts';
import { imageInput } from '../views.ts';
import type { Answering } from './predictor.ts';

export const METHODS = ['Grad-CAM', 'Grad-CAM++', 'Guided backprop'] as const;
export type Method = (typeof METHODS)[number];

/** What a network looked at in one galaxy when it gave one output its score. */
export interface GalaxyExplanation {
  readonly galaxy: number;
  readonly prediction: ArrayLike<number>;
  /** The output that is explained. */
  readonly explained: number;
  /** Activation maps [height, width]; for guided backprop the gradient [height, width, 3] at the input. */
  readonly maps: readonly { readonly method: Method; readonly values: Float32Array; readonly height: number; readonly width: number }[];
}

/** What a picture of an explanation needs beside it: the galaxy as the network saw it, R, G, B bytes. */
export type ExplainRequest = { readonly galaxy: number; readonly explained?: number };

/**
 * Explains galaxies one at a time: the output asked for, or the one with the largest score.
 * @param layer a segment or block of the network by name; its last conv's activation when undefined
 */
export async function explainGalaxies(
  device: Device, { network, parameters, task, views }: Answering, requests: readonly ExplainRequest[], methods: readonly Method[], layer?: string,
): Promise<GalaxyExplanation[]> {
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
  using answers = await compile(device, { outputs: [scores] });
  using program = await compile(device, { outputs: maps.map(({ tensor }) => tensor) });
  const found: GalaxyExplanation[] = [];
  for (const { galaxy, explained } of requests) {
    const feeds = await views.feeds([views.plain(galaxy)]);
    answers.run(feeds);
    const prediction = task.prediction(await answers.read(scores));
    const wanted = explained ?? Array.from(prediction).indexOf(Math.max(...Array.from(prediction)));
    program.run({ ...feeds, explained_class: oneHot([wanted], scores.shape[1]) });
    const values = await Promise.all(maps.map(({ tensor }) => program.read(tensor)));
    found.push({
      galaxy,
      prediction,
      explained: wanted,
      maps: maps.map(({ method, tensor }, i) => ({ method, values: values[i], height: tensor.shape[1], width: tensor.shape[2] })),
    });
  }
  return found;
}
