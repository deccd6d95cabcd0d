import type { Tensor } from '../../../../engine/tensor.ts';
import { physical } from '../../layout.ts';
import type { Known, Placed, Ref, Written } from '../draft.ts';
import { stemOf } from '../names.ts';
import type { GraphWriter } from '../writer.ts';
import { channelsFirst } from './windows.ts';

/** Batch norm by given statistics, and the activation that is part of it. */
export function writeBatchNorm(w: GraphWriter, t: Tensor): Written {
  const { epsilon, activation } = t.attrs as { epsilon: number; activation: 'none' | 'relu' | 'silu' };
  const [x, stats, gamma, beta] = t.inputs.map((each) => w.of(each));
  const order = channelsFirst(t.shape.length);
  const dims = physical(t.shape, order);
  const inputs = [w.arranged(x, order), w.arranged(gamma), w.arranged(beta), ...statistics(w, t, stats)];
  const name = gamma.kind === 'known' ? stemOf(gamma.name) : undefined;
  const y = w.node('BatchNormalization', inputs, dims, { epsilon: { float: epsilon } }, name);
  const place = (ref: Ref): Placed => ({ kind: 'placed', shape: t.shape, order, ref });
  if (activation === 'none') return place(y);
  if (activation === 'relu') return place(w.node('Relu', [y], dims));
  return place(w.node('Mul', [y, w.node('Sigmoid', [y], dims)], dims));
}

/** Mean and variance, which are two tensors in a file. */
function statistics(w: GraphWriter, t: Tensor, stats: Written): [Ref, Ref] {
  if (stats.kind !== 'known' || typeof stats.data === 'number') return w.refuse(t, 'batch norm by computed statistics');
  const channels = stats.shape[1];
  const part = (kind: string, k: number): Known => ({
    kind: 'known',
    shape: [channels],
    data: stats.data instanceof Float32Array ? stats.data.subarray(k * channels, (k + 1) * channels) : 0,
    name: stats.name?.replace(/stats$/, kind),
  });
  return [w.arranged(part('mean', 0)), w.arranged(part('var', 1))];
}
