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

  it.each(['running', 'batch'] as const)('are those of finite differences, by %s statistics', (batchNorm) => {
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
    // Along random directions: of filters, of scales, of shifts and biases, each relative to the parameter's own size.
    for (const kinds of [['filter'], ['depthwise'], ['gamma'], ['beta', 'bias'], ['dense']]) {
      const names = moved.filter((name) => kinds.includes(network.specs.find((s) => s.name === name)!.kind));
      expect(names.length).toBeGreaterThan(0);
      const directions = names.map((name, i) => {
        const w = values.get(name)!;
        const scale = Math.max(...Array.from(w, Math.abs)) || 1;
        return randomArray(w.length, 10 + i).map((v) => v * scale);
      });
      const slope = names.reduce((total, name, i) => {
        const g = found.get(gradients[moved.indexOf(name)])!;
        return total + g.reduce((part, v, k) => part + v * directions[i][k], 0);
      }, 0);
      const at = (step: number) => {
        const shifted = new Map(values);
        names.forEach((name, i) =>
          shifted.set(
            name,
            Array.from(values.get(name)!, (v, k) => v + step * directions[i][k]),
          ),
        );
        return evaluateGraph([score], shifted).get(score)![0];
      };
      const step = 1e-6;
      const difference = (at(step) - at(-step)) / (2 * step);
      expect(Math.abs(difference - slope), `${kinds}: ${slope} for ${difference}`).toBeLessThan(
        1e-4 * Math.max(Math.abs(difference), 1e-2),
      );
    }
  });
});
