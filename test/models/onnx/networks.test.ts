import { describe, expect, it } from 'vitest';
import { input } from '../../../engine/ops/leaves.ts';
import { compile } from '../../../engine/program/program.ts';
import { topologicalOrder } from '../../../engine/tensor.ts';
import { findTensor } from '../../../models/grad_cam.ts';
import { applySegments, segmentsBetween } from '../../../models/network.ts';
import { loadOnnx } from '../../../models/onnx/load_onnx.ts';
import { ParameterSet } from '../../../models/parameter_set.ts';
import { describeAdapters } from '../../gpu.ts';
import { randomArray } from '../../random.ts';
import { withOutputs } from './build.ts';
import { nchw, worst } from './compare.ts';
import { ocrModel } from './models.ts';
import { onnxruntime } from './onnxruntime.ts';

describe('cls of the OCR models, as a network', () => {
  const { network, weights } = loadOnnx(ocrModel('cls'), { size: [48, 192] });

  it('has its layers found', () => {
    expect(network.features).toBe('p2o.Reshape.36');
    expect(network.lastConv).toBe('p2o.MaxPool.0');
    expect(network.config).toEqual({ classes: 2 });
    expect(segmentsBetween(network, network.features).flatMap(({ prefixes }) => prefixes)).toEqual([
      'fc_0.w_0',
      'fc_0.b_0',
    ]);
    expect(weights.get('conv2d_0.w_0')!.length).toBe(3 * 3 * 3 * 8);
    expect(network.specs.find(({ name }) => name === 'conv2d_0.w_0')!.shape).toEqual([3, 3, 3, 8]);
  });

  it('is given another classifier', () => {
    const other = loadOnnx(ocrModel('cls'), { size: [48, 192], classes: 5 }).network;
    const x = input('x', [1, 48, 192, 3]);
    const parameters = { tensor: (name: string) => input(name, shapeOf(other.specs, name)) };
    expect(applySegments(other.segments, x, { parameters, batchNorm: 'running' }).shape).toEqual([1, 5]);
    expect(other.specs.some(({ name }) => name === 'fc_0.w_0')).toBe(false);
  });

  it('transposes nothing', () => {
    const x = input('x', [2, 48, 192, 3]);
    const parameters = { tensor: (name: string) => input(name, shapeOf(network.specs, name)) };
    const y = applySegments(network.segments, x, { parameters, batchNorm: 'running' });
    expect(topologicalOrder([y]).filter(({ op }) => op.name === 'transpose')).toEqual([]);
  });
});

function shapeOf(specs: readonly { name: string; shape: readonly number[] }[], name: string): readonly number[] {
  const spec = specs.find((each) => each.name === name);
  if (spec) return spec.shape;
  return [2, ...specs.find((each) => each.name === name.replace(/stats$/, 'mean'))!.shape];
}

describeAdapters('cls of the OCR models', (device) => {
  it.each([
    [1, 48, 192],
    [2, 48, 192],
    [1, 64, 64],
    [2, 80, 100],
  ])('gives what onnxruntime does for %i of %i x %i', async (batch, height, width) => {
    // Read for one size, used for others.
    const { network, weights } = loadOnnx(ocrModel('cls'), { size: [48, 192] });
    using parameters = new ParameterSet(device(), network.specs, weights, 1);
    const x = input('x', [batch, height, width, 3]);
    const y = applySegments(network.segments, x, { parameters, batchNorm: 'running' });
    const middle = findTensor(y, 'p2o.Add.24');
    using program = await compile(device(), { outputs: [y, middle] });
    const data = randomArray(x.size, 5);
    program.run({ x: data });
    const given = { x: { shape: [batch, 3, height, width], data: nchw(data, x.shape) } };
    const theirs = await onnxruntime(withOutputs(ocrModel('cls'), 'p2o.Add.87', 'p2o.Add.25'), given);
    expect(worst(await program.read(y), theirs['p2o.Add.87'].data)).toBeLessThan(1e-4);
    expect(worst(nchw(await program.read(middle), middle.shape), theirs['p2o.Add.25'].data)).toBeLessThan(1e-4);
  });
});
