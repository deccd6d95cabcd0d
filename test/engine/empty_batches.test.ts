import { expect, it } from 'vitest';
import { grad } from '../../engine/autodiff.ts';
import { batchNorm, batchNormInference } from '../../engine/ops/batch_norm.ts';
import { columns } from '../../engine/ops/columns.ts';
import { conv2d } from '../../engine/ops/conv2d.ts';
import { depthwiseConv2d } from '../../engine/ops/depthwise_conv2d.ts';
import { input, reshape } from '../../engine/ops/leaves.ts';
import { matmul } from '../../engine/ops/matmul.ts';
import { add, mul, relu } from '../../engine/ops/pointwise.ts';
import { adaptiveAvgPool2d, avgPool2d, globalAvgPool, maxPool2d } from '../../engine/ops/pool.ts';
import { dropPath, dropout } from '../../engine/ops/random.ts';
import { mean, sum } from '../../engine/ops/reduce.ts';
import { logSoftmax, softmax, softmaxCrossEntropy } from '../../engine/ops/softmax_cross_entropy.ts';
import { compile } from '../../engine/program/program.ts';
import { sizeOf, type Tensor } from '../../engine/tensor.ts';
import { describeAdapters } from '../gpu.ts';

const seed = input('seed', [2], 'u32');

/** A batch of no samples through an op, and what has a size all the same: the op's other operands. */
const OPS: Record<string, [(x: Tensor, w: Tensor) => Tensor, x: readonly number[], w: readonly number[]]> = {
  add: [(x, w) => add(x, w), [0, 4], [4]],
  'mul and relu': [(x, w) => relu(mul(x, w)), [0, 3, 4], [1, 4]],
  'matmul of no rows': [(x, w) => matmul(x, w), [0, 3], [3, 4]],
  'matmul of no inner dimension': [
    (x, w) => add(matmul(x, reshape(x, [0, 3]), { transposeA: true }), w),
    [0, 3],
    [3, 3],
  ],
  conv2d: [(x, w) => conv2d(x, w, { padding: 'same' }), [0, 8, 8, 4], [3, 3, 4, 8]],
  'conv2d of single pixels': [(x, w) => conv2d(x, w), [0, 8, 8, 4], [1, 1, 4, 8]],
  'conv2d of odd channels': [(x, w) => conv2d(x, w), [0, 8, 8, 3], [3, 3, 3, 5]],
  'naive conv2d': [(x, w) => conv2d(x, w, { version: 1 }), [0, 8, 8, 4], [3, 3, 4, 8]],
  'Winograd conv2d': [(x, w) => conv2d(x, w, { version: 3, padding: 'same' }), [0, 8, 8, 16], [3, 3, 16, 16]],
  depthwise_conv2d: [(x, w) => depthwiseConv2d(x, w), [0, 8, 8, 4], [3, 3, 4]],
  'batch norm with given statistics': [
    (x, w) => batchNormInference(x, input('stats', [2, 4]), w, input('beta', [4])),
    [0, 8, 8, 4],
    [4],
  ],
  max_pool2d: [(x, w) => mul(maxPool2d(x, { size: 2 }), w), [0, 8, 8, 4], [4]],
  avg_pool2d: [(x, w) => mul(avgPool2d(x, { size: 3, padding: 1 }), w), [0, 8, 8, 4], [4]],
  global_avg_pool: [(x, w) => mul(globalAvgPool(x), w), [0, 8, 8, 4], [4]],
  adaptive_avg_pool2d: [(x, w) => mul(adaptiveAvgPool2d(x, [3, 3]), w), [0, 8, 8, 4], [4]],
  softmax: [(x, w) => mul(softmax(x), w), [0, 4], [4]],
  log_softmax: [(x, w) => mul(logSoftmax(x), w), [0, 4], [4]],
  softmax_cross_entropy: [(x, w) => softmaxCrossEntropy(mul(x, w), x), [0, 4], [4]],
  dropout: [(x, w) => mul(dropout(x, seed, { rate: 0.5, stream: 0 }), w), [0, 4], [4]],
  drop_path: [(x, w) => mul(dropPath(x, seed, { rate: 0.5, stream: 0 }), w), [0, 4, 4], [4]],
  columns: [(x, w) => mul(columns(x, 1, 2), w), [0, 4], [2]],
  'sum over the batch': [(x, w) => mul(sum(x, [0]), w), [0, 4], [4]],
};

describeAdapters('a batch of no samples', (device) => {
  it.each(Object.entries(OPS))('goes through %s, and gives gradients of zeros', async (_, [f, xShape, wShape]) => {
    const [x, w] = [input('x', xShape), input('w', wShape)];
    const y = f(x, w);
    const outputs = [y, ...grad(sum(mul(y, y)), [x, w])];
    using program = await compile(device(), { outputs });
    // What no kernel writes would keep these.
    for (const t of outputs)
      device().gpu.queue.writeBuffer(program['bufferOf'](t), 0, new Float32Array(t.size).fill(NaN));
    const feeds = Object.fromEntries(program.inputTensors.map((t) => [t.name!, new Float32Array(t.size).fill(1)]));
    program.run(feeds);
    const [value, dx, dw] = await Promise.all(outputs.map((t) => program.read(t)));
    // Without a batch in its shape the value is what sums over nothing give: 0, to which `w` may be added.
    const rest = y.shape.includes(0) ? [] : Array(y.size).fill(_ === 'matmul of no inner dimension' ? 1 : 0);
    expect([...value]).toEqual(rest);
    expect([...dx]).toEqual([]);
    expect([...dw]).toEqual(Array(sizeOf(wShape)).fill(_ === 'matmul of no inner dimension' ? 2 : 0));
  });

  it('has no mean, and no statistics', async () => {
    const x = input('x', [0, 4]);
    const m = mean(x, [0]);
    using program = await compile(device(), { outputs: [m] });
    program.run({ x: [] });
    expect([...(await program.read(m))]).toEqual(Array(4).fill(NaN));
    expect(() => batchNorm(x, input('gamma', [4]), input('beta', [4]))).toThrow(/^batchNormStats: /);
  });
});
