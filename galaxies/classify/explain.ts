import type { Device } from '../../engine/device/device.ts';
import { compile } from '../../engine/program/program.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { classInput, findTensor, gradCam, gradCamPlusPlus, guidedBackprop, oneHot } from '../../models/grad_cam.ts';
import { applySegments, type Network } from '../../models/network.ts';
import type { ParameterSet } from '../../models/parameter_set.ts';
import { imageInput, type ViewMaker } from '../views.ts';
import { softmaxRow } from './classifier.ts';

export const METHODS = ['Grad-CAM', 'Grad-CAM++', 'Guided backprop'] as const;
export type Method = (typeof METHODS)[number];

/** What a network looked at in one galaxy when it gave one class its score. */
export interface GalaxyExplanation {
  readonly galaxy: number;
  readonly probabilities: Float64Array;
  /** The class that is explained. */
  readonly explained: number;
  /** Activation maps [height, width]; for guided backprop the gradient [height, width, 3] at the input. */
  readonly maps: readonly { readonly method: Method; readonly values: Float32Array; readonly height: number; readonly width: number }[];
}

/** What a picture of an explanation needs beside it: the galaxy as the network saw it, R, G, B bytes. */
export type ExplainRequest = { readonly galaxy: number; readonly explained?: number };

/**
 * Explains galaxies one at a time: the class asked for, or the one predicted.
 * @param layer a segment or block of the network by name; its last conv's activation when undefined
 */
export async function explainGalaxies(
  device: Device, network: Network, parameters: ParameterSet, views: ViewMaker, requests: readonly ExplainRequest[], methods: readonly Method[], layer?: string,
): Promise<GalaxyExplanation[]> {
  const x = imageInput(1, views.side, views.geometry);
  const logits = applySegments(network.segments, x, { parameters, batchNorm: 'running' });
  const classes = classInput(logits);
  const activation = findTensor(logits, layer ?? network.lastConv);
  const make: Record<Method, () => Tensor> = {
    'Grad-CAM': () => gradCam(logits, classes, activation),
    'Grad-CAM++': () => gradCamPlusPlus(logits, classes, activation),
    'Guided backprop': () => guidedBackprop(logits, classes, x),
  };
  const maps = methods.map((method) => ({ method, tensor: make[method]() }));
  using scores = await compile(device, { outputs: [logits] });
  using program = await compile(device, { outputs: maps.map(({ tensor }) => tensor) });
  const found: GalaxyExplanation[] = [];
  for (const { galaxy, explained } of requests) {
    const feeds = await views.feeds([views.plain(galaxy)]);
    scores.run(feeds);
    const probabilities = softmaxRow(await scores.read(logits));
    const wanted = explained ?? probabilities.indexOf(Math.max(...probabilities));
    program.run({ ...feeds, explained_class: oneHot([wanted], logits.shape[1]) });
    const values = await Promise.all(maps.map(({ tensor }) => program.read(tensor)));
    found.push({
      galaxy,
      probabilities,
      explained: wanted,
      maps: maps.map(({ method, tensor }, i) => ({ method, values: values[i], height: tensor.shape[1], width: tensor.shape[2] })),
    });
  }
  return found;
}
