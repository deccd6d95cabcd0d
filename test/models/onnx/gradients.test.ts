import { describe, expect, it } from 'vitest';
import { grad } from '../../../engine/autodiff.ts';
import { input } from '../../../engine/ops/leaves.ts';
import { mul } from '../../../engine/ops/pointwise.ts';
import { sum } from '../../../engine/ops/reduce.ts';
import type { Tensor } from '../../../engine/tensor.ts';
import { applySegments, type ForwardContext } from '../../../models/network.ts';
import { loadOnnx } from '../../../models/onnx/load_onnx.ts';
import { randomArray } from '../../random.ts';
import { evaluateGraph } from '../../reference/interpreter.ts';
import { ocrModel } from './models.ts';
import { parametersOf } from './operator_case.ts';

const SHAPE = [2, 33, 8, 3];

describe('gradients of the parameters of cls', () => {
  const loaded = loadOnnx(ocrModel('cls'), { size: [33, 8] });
  const { network } = loaded;
  const { context, leaves } = parametersOf({ specs: network.specs, weights: loaded.weights });
  const size = SHAPE.reduce((a, b) => a * b, 1);

  /** The score of a random direction in the logits, its gradients by autodiff, and what it is computed from. */
  function scored(batchNorm: ForwardContext['batchNorm']) {
    const met = new Map<string, Tensor>();
    const tensor = (name: string): Tensor => {
      const made = met.get(name) ?? context.parameters.tensor(name);
      met.set(name, made);
      return made;
    };
    const own: ForwardContext = { parameters: { tensor }, batchNorm };
    const logits = applySegments(network.segments, input('images', SHAPE), own);
    const score = sum(mul(logits, input('direction', logits.shape)));
    const moved = [...met.keys()].filter((name) => network.specs.some((s) => s.name === name && s.trainable));
    expect(moved.length).toBe(network.specs.filter(({ trainable }) => trainable).length);
    const gradients = grad(
      score,
      moved.map((name) => met.get(name)!),
    );
    const values = new Map<string, ArrayLike<number>>(leaves)
      .set('images', randomArray(size, 3))
      .set('direction', randomArray(logits.size, 4));
    const found = evaluateGraph(gradients, values);
    /** The score's slope when these parameters move along directions: by a central difference, and by the gradients. */
    const slopes = (directions: ReadonlyMap<string, ArrayLike<number>>, step: number) => {
      const at = (by: number) => {
        const shifted = new Map(values);
        for (const [name, d] of directions)
          shifted.set(
            name,
            Array.from(values.get(name)!, (v, k) => v + by * d[k]),
          );
        return evaluateGraph([score], shifted).get(score)![0];
      };
      const slope = [...directions].reduce((total, [name, d]) => {
        const g = found.get(gradients[moved.indexOf(name)])!;
        return total + g.reduce((part, v, k) => part + v * d[k], 0);
      }, 0);
      return { slope, difference: (at(step) - at(-step)) / (2 * step) };
    };
    /** Random numbers as large as the parameter's own. */
    const direction = (name: string, seed: number) => {
      const w = values.get(name)!;
      const scale = Math.max(...Array.from(w, Math.abs)) || 1;
      return randomArray(w.length, seed).map((v) => v * scale);
    };
    return { moved, slopes, direction };
  }

  it.each(['running', 'batch'] as const)('are those of finite differences, by %s statistics', (batchNorm) => {
    const { moved, slopes, direction } = scored(batchNorm);
    // Along random directions: of filters, of scales, of shifts and biases, each relative to the parameter's own size.
    for (const kinds of [['filter'], ['depthwise'], ['gamma'], ['beta', 'bias'], ['dense']]) {
      const names = moved.filter((name) => kinds.includes(network.specs.find((s) => s.name === name)!.kind));
      expect(names.length).toBeGreaterThan(0);
      const { slope, difference } = slopes(new Map(names.map((name, i) => [name, direction(name, 10 + i)])), 1e-6);
      expect(Math.abs(difference - slope), `${kinds}: ${slope} for ${difference}`).toBeLessThan(
        1e-4 * Math.max(Math.abs(difference), 1e-2),
      );
    }
  });

  it('are those of finite differences of each parameter by itself', () => {
    const { moved, slopes, direction } = scored('running');
    // Sums of thousands of numbers below 100 are rounded by 2^-53 each: by 1e-12 at most, and 1e-6 over twice the step.
    const [step, rounding] = [1e-6, 1e-6];
    let told = 0;
    moved.forEach((name, i) => {
      const { slope, difference } = slopes(new Map([[name, direction(name, 100 + i)]]), step);
      // The slope changes along the step by its own share of the step, and by more where a relu bends.
      const bound = rounding + 1e-5 * Math.abs(difference);
      expect(Math.abs(difference - slope), `${name}: ${slope} for ${difference}`).toBeLessThan(bound);
      if (Math.abs(slope) > 100 * bound) told++;
    });
    // Nearly all of them have a slope that says something.
    expect(told).toBeGreaterThan(0.9 * moved.length);
  });
});
