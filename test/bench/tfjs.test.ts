import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { images, weights } from '../../bench/job_data.ts';
import { applyNetwork, makeVariables } from '../../bench/tfjs/network.ts';

// On tfjs's own CPU backend: slow, and enough for one image of 32 x 32.
describe('EfficientNet-B0 in tfjs', () => {
  let variables: ReturnType<typeof makeVariables>;
  beforeAll(async () => {
    await tf.setBackend('cpu');
    variables = makeVariables(tf, weights());
  });
  afterAll(() => tf.disposeVariables());

  it('has the published number of parameters (Tan & Le 2019: 5.3 million)', () => {
    const sizes = [...variables.values()].filter(({ trainable }) => trainable).map(({ size }) => size);
    expect(sizes.reduce((a, b) => a + b)).toBe(5_288_548);
  });

  it('uses every parameter that it is given', () => {
    const x = tf.tensor4d(images({ work: 'forward', batch: 1, size: 32 }), [1, 32, 32, 3]);
    const read = new Set<string>();
    const watched = new Proxy(variables, {
      get(target, key) {
        if (key !== 'get') return Reflect.get(target, key);
        return (name: string) => {
          read.add(name);
          return target.get(name);
        };
      },
    });
    const logits = tf.tidy(() => applyNetwork(tf, watched, x, false));
    expect(logits.shape).toEqual([1, 1000]);
    const values = logits.dataSync();
    expect([...values].every(Number.isFinite)).toBe(true);
    expect(Math.max(...values) - Math.min(...values)).toBeGreaterThan(0.1);
    expect([...variables.keys()].filter((name) => !read.has(name))).toEqual([]);
  });
});
