import { grad } from '../../engine/autodiff.ts';
import type { Device } from '../../engine/device/device.ts';
import { input, reshape } from '../../engine/ops/leaves.ts';
import { matmul } from '../../engine/ops/matmul.ts';
import { add, mul, relu } from '../../engine/ops/pointwise.ts';
import { maxPool2d } from '../../engine/ops/pool.ts';
import { mean, sum } from '../../engine/ops/reduce.ts';
import { compile } from '../../engine/program/program.ts';
import type { View } from '../learn/view.ts';

/** What Grad-CAM is made from, and each of its steps; arrays of places are row by row. */
export interface Cam {
  /** Rows and columns of the maps. */
  readonly side: number;
  readonly channels: number;
  /** A[i, j, k], and the gradient of the class's logit with respect to it. */
  readonly activation: Float32Array;
  readonly gradient: Float32Array;
  /** α_k: the gradient's mean over all places (eq. 1). */
  readonly alpha: Float32Array;
  /** Σ_k α_k·A[i, j, k], and what ReLU lets pass (eq. 2). */
  readonly sum: Float32Array;
  readonly map: Float32Array;
  /** The network's answer. */
  readonly logits: Float32Array;
}

/**
 * Grad-CAM (Selvaraju et al. 2017, eq. 1 and 2) step by step, of an image in the laboratory's network: at its last
 * activation, behind which are max pooling by 2 and the dense layer.
 * @param view of the network as it is, with its weights
 * @param explained index of the class
 */
export async function camOf(device: Device, view: View, explained: number): Promise<Cam> {
  const last = view.layers.findLast(({ kind }) => kind === 'activation')!.y;
  const dense = view.layers.find(({ kind }) => kind === 'dense')!;
  const [w, b] = ['w', 'b'].map((role) => dense.parameters.find((each) => each.role === role)!.value);
  const A = input('A', last.shape);
  const pooled = maxPool2d(A, { size: 2 });
  const logits = add(matmul(reshape(pooled, [1, pooled.size]), input('w', w.shape)), input('b', b.shape));
  const score = reshape(sum(mul(logits, input('picked', logits.shape))), []);
  const [gradient] = grad(score, [A]);
  const alpha = mean(gradient, [1, 2]);
  const total = sum(mul(A, alpha), [3]);
  const map = relu(total);
  using program = await compile(device, { outputs: [gradient, alpha, total, map, logits] });
  const picked = Float32Array.from({ length: logits.size }, (_, k) => (k === explained ? 1 : 0));
  program.run({ A: last.data, w: w.data, b: b.data, picked });
  return {
    side: last.shape[1],
    channels: last.shape[3],
    activation: last.data,
    gradient: await program.read(gradient),
    alpha: await program.read(alpha),
    sum: await program.read(total),
    map: await program.read(map),
    logits: await program.read(logits),
  };
}
