import { describe, expect, it } from 'vitest';
import { grad } from '../../engine/autodiff.ts';
import { openDevice, type Device } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { input, reshape } from '../../engine/ops/leaves.ts';
import { matmul } from '../../engine/ops/matmul.ts';
import { globalAvgPool } from '../../engine/ops/pool.ts';
import { mean } from '../../engine/ops/reduce.ts';
import { softmaxCrossEntropy } from '../../engine/ops/softmax_cross_entropy.ts';
import { compile } from '../../engine/program/program.ts';
import { topologicalOrder, type Tensor } from '../../engine/tensor.ts';
import { efficientNet } from '../../models/efficientnet.ts';
import { convNext } from '../../models/convnext.ts';
import { initialValues } from '../../models/initialise.ts';
import { applySegments, belongsTo, segmentsBetween, type Network } from '../../models/network.ts';
import { ParameterSet } from '../../models/parameter_set.ts';
import { MOBILENET_V3_VARIANTS, mobileNetV3 } from '../../models/mobilenet_v3.ts';
import { RESNET_VARIANTS, resnet } from '../../models/resnet.ts';
import { VGG_VARIANTS, vgg } from '../../models/vgg.ts';
import { describeAdapters, evaluate } from '../gpu.ts';
import { roundToHalf } from '../half.ts';
import { randomArray } from '../random.ts';
import { evaluateGraph, type Values } from '../reference/interpreter.ts';
import { UNIT, dot } from '../tolerance.ts';

/*
 * Whole networks: the gradient graph that autodiff makes, on the GPU against a float64 interpreter of the same graph,
 * and the interpreter's gradients against finite differences of its own loss, which prove autodiff without trusting any
 * gradient op.
 */

interface Case {
  readonly title: string;
  readonly network: Network;
  readonly side: number;
  readonly batchNorm: 'running' | 'batch';
  /** The last segment taken, read out by a dense layer of the test's: the network's own classifier when undefined. */
  readonly upTo?: string;
}

// B0 at a quarter of its width: both kinds of block, strides, residuals, squeeze and excite.
const reduced = (padding: 'same' | 'symmetric', depth: number) =>
  efficientNet(
    { variant: 'b0', classes: 3, width: 0.25, depth, imageSize: 24, dropout: 0 },
    { padding, bnEpsilon: 1e-3 },
  );
// The VGG family and ResNet-50 at a sixteenth of their width and less: every layer is there.
const narrow = (name: string, by: number, tail: readonly number[]) => {
  const config = VGG_VARIANTS[name];
  return vgg(name, 3, {
    ...config,
    blocks: config.blocks.map((widths) => widths.map((width) => width / by)),
    pool: Math.min(config.pool, 2),
    tail,
  });
};
const CASES: readonly Case[] = [
  { title: 'EfficientNet, running statistics', network: reduced('same', 0.25), side: 24, batchNorm: 'running' },
  // Not to the end, where a channel has two elements: normalising them by their own statistics is all curvature and no
  // gradient.
  {
    title: 'EfficientNet, batch statistics',
    network: reduced('symmetric', 0.5),
    side: 24,
    batchNorm: 'batch',
    upTo: 'stage5',
  },
  { title: 'VGG, batch statistics', network: vgg('vgg_small', 3), side: 16, batchNorm: 'batch' },
  { title: 'VGG, running statistics', network: vgg('vgg_small', 3), side: 16, batchNorm: 'running' },
  { title: 'VGG-11', network: narrow('vgg11', 16, [12, 8]), side: 32, batchNorm: 'running' },
  { title: 'VGG-16 with batch norm', network: narrow('vgg16_bn', 32, [8, 8]), side: 32, batchNorm: 'running' },
  { title: 'galaxy_vgg', network: narrow('galaxy_vgg', 16, [12]), side: 35, batchNorm: 'running' },
  {
    title: 'ResNet-50',
    network: resnet('resnet50', 3, { ...RESNET_VARIANTS['resnet50'], width: 4 }),
    side: 35,
    batchNorm: 'running',
  },
  {
    title: 'a ResNet, batch statistics',
    network: resnet('resnet50', 3, { block: 'bottleneck', depths: [1, 2], width: 4 }),
    side: 33,
    batchNorm: 'batch',
  },
  {
    title: 'MobileNetV3, batch statistics',
    network: mobileNetV3('mobilenet_v3_small', 3, {
      tail: 12,
      blocks: [0, 3, 4].map((i) => ({ ...MOBILENET_V3_VARIANTS['mobilenet_v3_small'].blocks[i], out: 16 })),
    }),
    side: 33,
    batchNorm: 'batch',
  },
  {
    title: 'ConvNeXt',
    network: convNext('convnext_nano', 3, { depths: [1, 2], widths: [8, 12] }),
    side: 32,
    batchNorm: 'running',
  },
];
const BATCH = 2;

/** Scales, shifts and statistics away from 1 and 0, so that a gradient that forgets one shows. */
function weightsOf({ specs }: Network): Map<string, Float32Array> {
  return new Map(
    specs.map((spec, i) => {
      const size = spec.shape.reduce((a, b) => a * b, 1);
      if (spec.kind === 'gamma' || spec.kind === 'var' || spec.kind === 'scale')
        return [spec.name, randomArray(size, i, 0.6, 1.4)];
      if (spec.kind === 'beta' || spec.kind === 'bias' || spec.kind === 'mean')
        return [spec.name, randomArray(size, i, -0.3, 0.3)];
      return [spec.name, initialValues(spec, 3)];
    }),
  );
}

interface Problem extends Disposable {
  readonly loss: Tensor;
  readonly logits: Tensor;
  readonly wrt: readonly { name: string; tensor: Tensor; gradient: Tensor }[];
  readonly feeds: Record<string, Float32Array | Uint32Array>;
  /** Inputs and parameters by name. */
  readonly leaves: Map<string, ArrayLike<number>>;
}

function pose(device: Device, { network, side, batchNorm, upTo }: Case): Problem {
  const weights = weightsOf(network);
  const parameters = new ParameterSet(device, network.specs, weights, 0);
  const x = input('x', [BATCH, side, side, 3]);
  const noise = { seed: input('seed', [2], 'u32'), dropout: 0.2, dropPath: 0.4 };
  const segments = segmentsBetween(network, undefined, upTo);
  const end = applySegments(segments, x, { parameters, batchNorm, noise });
  const logits = upTo === undefined ? end : matmul(globalAvgPool(end), input('readout', [end.shape[3], 3]));
  const targets = input('targets', logits.shape);
  const loss = reshape(mean(softmaxCrossEntropy(logits, targets)), []);
  const feeds: Record<string, Float32Array | Uint32Array> = {
    x: randomArray(x.size, 100),
    targets: Float32Array.of(0.9, 0.1, 0, 0, 0.3, 0.7),
    seed: Uint32Array.of(7, 3),
  };
  if (upTo !== undefined) Object.assign(feeds, { readout: randomArray(end.shape[3] * 3, 101) });
  const trainable = parameters.trainable(belongsTo(segments));
  const tensors = [x, ...trainable.map((p) => p.tensor)];
  const gradients = grad(loss, tensors);
  const leaves = new Map<string, ArrayLike<number>>([...Object.entries(feeds), ...weights]);
  // The statistics of a batch norm lie in one parameter: means, then variances.
  for (const [name, values] of weights) {
    if (name.endsWith('.mean'))
      leaves.set(name.replace(/mean$/, 'stats'), [...values, ...weights.get(name.replace(/mean$/, 'var'))!]);
  }
  return {
    loss,
    logits,
    feeds,
    leaves,
    wrt: tensors.map((tensor, i) => ({ name: tensor.name!, tensor, gradient: gradients[i] })),
    [Symbol.dispose]: () => parameters[Symbol.dispose](),
  };
}

describe('gradients of networks agree with finite differences of the loss in float64', () => {
  it.each(CASES)('$title', async (c) => {
    using device = await openDevice({ gpu: openGpu({ backend: 'null' }) });
    using problem = pose(device, c);
    const { loss, wrt, leaves } = problem;
    const values = evaluateGraph([loss, ...wrt.map(({ gradient }) => gradient)], leaves);
    const forward = topologicalOrder([loss]);
    for (const [k, { name, tensor, gradient }] of wrt.entries()) {
      const g = values.get(gradient)!;
      // What does not depend on this leaf need not be computed again.
      const depends = new Set<Tensor>([tensor]);
      for (const t of forward) if (t.inputs.some((i) => depends.has(i))) depends.add(t);
      const rest: Values = new Map(forward.filter((t) => !depends.has(t)).map((t) => [t, values.get(t)!]));
      const lossAt = (point: Float64Array) =>
        evaluateGraph([loss], leaves, new Map([...rest, [tensor, point]])).get(loss)![0];
      const norm = Math.sqrt(dot(g, g));
      // Where the loss is steep it is curved as well.
      const step = 1e-6 / Math.max(1, norm);
      const derivative = (direction: Float64Array) => {
        const moved = (by: number) => values.get(tensor)!.map((v, i) => v + by * direction[i]);
        return (lossAt(moved(step)) - lossAt(moved(-step))) / (2 * step);
      };
      expect(norm, `${name} has a gradient`).toBeGreaterThan(0);
      // A random direction takes every element at once; for some, the largest element alone as well.
      const directions = [Float64Array.from(randomArray(tensor.size, 500 + k))];
      if (k % 8 === 0) {
        const largest = g.reduce((best, v, i) => (Math.abs(v) > Math.abs(g[best]) ? i : best), 0);
        directions.push(new Float64Array(tensor.size).fill(1, largest, largest + 1));
      }
      for (const direction of directions) {
        // The loss is near 1 and its last bits come from some hundred roundings; truncation is third order in the step.
        // (A shift ahead of a batch norm has no effect: its gradient is rounding alone.)
        expect(Math.abs(derivative(direction) - dot(g, direction)), name).toBeLessThan(1e-5 * norm + 1e-14 / step);
      }
    }
  });
});

describeAdapters('gradients of networks on the GPU', (device) => {
  it.each(CASES)('$title', async (c) => {
    using problem = pose(device(), c);
    const { loss, logits, wrt, leaves, feeds } = problem;
    const outputs = [loss, logits, ...wrt.map(({ gradient }) => gradient)];
    const names = ['loss', 'logits', ...wrt.map(({ name }) => `gradient of ${name}`)];
    const got = await evaluate(device(), outputs, feeds);
    const want = evaluateGraph(outputs, leaves);
    const rounded = evaluateGraph(outputs, leaves, new Map(), Math.fround);
    const length = (v: ArrayLike<number>) => Math.sqrt(dot(v, v));
    const distance = (a: ArrayLike<number>, b: ArrayLike<number>) => length(Float64Array.from(a, (v, i) => v - b[i]));
    const steepest = Math.max(...wrt.map(({ gradient }) => length(want.get(gradient)!)));
    outputs.forEach((t, i) => {
      const [exact, error] = [want.get(t)!, distance(got[i], want.get(t)!)];
      // What it costs to store every intermediate as f32 is the least error there can be; sums inside the ops, each of
      // up to some thousand terms, and approximate functions round more often than once.
      const least = Math.max(distance(rounded.get(t)!, exact), UNIT * length(exact));
      expect(error, names[i]).toBeLessThan(32 * least);
      // And never more than what the project promises of a network; next to nothing is measured by the largest
      // gradient.
      expect(error, names[i]).toBeLessThan(1e-4 * Math.max(length(exact), 1e-3 * steepest));
    });
  });
});

describe('gradients of networks stored as f16', () => {
  const SOME = ['EfficientNet, batch statistics', 'VGG, batch statistics', 'galaxy_vgg', 'a ResNet, batch statistics'];
  it.each(CASES.filter(({ title }) => SOME.includes(title)))('$title', async (c) => {
    using device = await openDevice({ gpu: openGpu({ adapter: 'lavapipe' }) });
    using problem = pose(device, c);
    const { loss, logits, wrt, leaves, feeds } = problem;
    const outputs = [loss, logits, ...wrt.map(({ gradient }) => gradient)];
    const names = ['loss', 'logits', ...wrt.map(({ name }) => `gradient of ${name}`)];
    using program = await compile(device, { outputs, precision: 'f16' });
    program.run(feeds);
    const exact = evaluateGraph(outputs, leaves);
    // What is stored as f16 rounded, and nothing else: what the storage costs, in float64.
    const half = new Set(topologicalOrder(outputs).filter((t) => !t.op.view && program.storageOf(t) === 'f16'));
    expect(half.size).toBeGreaterThan(10);
    // f32 arithmetic comes out on the other side of some ties, and batch norms of eight numbers magnify it: five draws.
    const noise = randomArray(4096, 17, -UNIT, UNIT);
    const draws = Array.from({ length: 5 }, (_, draw) => {
      let at = draw;
      const stored = (v: number) => roundToHalf(v * (1 + noise[(at += 5) % noise.length]));
      return evaluateGraph(outputs, leaves, new Map(), (v, t) => (half.has(t) ? stored(v) : v));
    });
    const length = (v: ArrayLike<number>) => Math.sqrt(dot(v, v));
    const distance = (a: ArrayLike<number>, b: ArrayLike<number>) => length(Float64Array.from(a, (v, i) => v - b[i]));
    const steepest = Math.max(...wrt.map(({ gradient }) => length(exact.get(gradient)!)));
    for (const [i, t] of outputs.entries()) {
      const error = distance(await program.read(t), exact.get(t)!);
      const usual = Math.max(...draws.map((draw) => distance(draw.get(t)!, exact.get(t)!)));
      // The errors are of one size, and next to nothing is measured by the largest gradient.
      expect(error, names[i]).toBeLessThan(2 * usual + 1e-4 * Math.max(length(exact.get(t)!), 1e-3 * steepest));
    }
  });
});
