import { RandomStream, hashText } from '../engine/random.ts';
import { sizeOf } from '../engine/tensor.ts';
import type { ParameterSpec } from './parameter_spec.ts';

/**
 * Values before training, drawn per parameter from (seed, name): filters from a normal distribution of variance
 * 2/fan-in (He et al. 2015, eq. 10; a depthwise filter's fan-in is its r·s taps), dense weights uniformly in
 * ±1/√fan-in, scales 1, shifts 0; a
 * residual branch's scale 1e-6 (Liu et al. 2022, table 5).
 */
export function initialValues({ name, shape, kind }: ParameterSpec, seed: number): Float32Array {
  const values = new Float32Array(sizeOf(shape));
  const random = new RandomStream(seed, hashText(name));
  switch (kind) {
    case 'filter':
    case 'depthwise': {
      const fanIn = kind === 'filter' ? shape[0] * shape[1] * shape[2] : shape[0] * shape[1];
      const deviation = Math.sqrt(2 / fanIn);
      return values.map(() => deviation * random.normal());
    }
    case 'dense': {
      const bound = 1 / Math.sqrt(shape[0]);
      return values.map(() => bound * (2 * random.uniform() - 1));
    }
    case 'scale':
      return values.fill(1e-6);
    case 'gamma':
    case 'var':
      return values.fill(1);
    case 'bias':
    case 'beta':
    case 'mean':
      return values;
  }
}
