import { expect, it } from 'vitest';
import { input } from '../../../engine/ops/leaves.ts';
import { compile } from '../../../engine/program/program.ts';
import { importOnnx } from '../../../models/onnx/import_onnx.ts';
import { ParameterSet } from '../../../models/parameter_set.ts';
import { describeAdapters } from '../../gpu.ts';
import { randomArray } from '../../random.ts';
import { withOutputs } from './build.ts';
import { worst } from './compare.ts';
import { ocrModel } from './models.ts';
import { onnxruntime } from './onnxruntime.ts';

/**
 * Values inside graphs that are no classifiers, and the batches and sizes of images that they are tried on. `det` is
 * held before its last sigmoid: of -15 onnxruntime's own is a third off.
 */
const GRAPHS = {
  det: { values: ['p2o.Add.281', 'p2o.Concat.1'], shapes: ['1 32 32', '2 32 32', '1 64 32', '1 32 96'] },
  rec: { values: ['p2o.Add.277', 'flatten_14.tmp_0'], shapes: ['1 48 32', '2 48 32', '1 48 64', '1 48 100'] },
} as const;

const cases = (['det', 'rec'] as const).flatMap((name) => GRAPHS[name].shapes.map((shape) => [name, shape] as const));

// On the adapter that keeps what it compiled: the kernels are held on both elsewhere, and a graph has hundreds.
describeAdapters(
  'graphs of the OCR models',
  (device) => {
    it.each(cases)('%s gives what onnxruntime does for %s', async (name, size) => {
      const model = withOutputs(ocrModel(name), ...GRAPHS[name].values);
      const [batch, height, width] = size.split(' ').map(Number);
      const shape = [batch, 3, height, width];
      const data = randomArray(batch * 3 * height * width, 7);
      const theirs = await onnxruntime(model, { x: { shape, data } });
      const graph = importOnnx(model, { shapes: { x: shape } });
      using parameters = new ParameterSet(device(), graph.specs, graph.weights, 1);
      const outputs = graph.apply([input('x', shape)], { parameters, batchNorm: 'running' });
      using program = await compile(device(), { outputs });
      program.run({ x: data });
      for (const [k, output] of outputs.entries()) {
        const { name: value } = graph.outputs[k];
        if (!(GRAPHS[name].values as readonly string[]).includes(value)) continue;
        expect(output.shape).toEqual([...theirs[value].shape]);
        expect(worst(await program.read(output), theirs[value].data), value).toBeLessThan(1e-4);
      }
    });
  },
  ['lavapipe'],
);
