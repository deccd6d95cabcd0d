import { expect, it } from 'vitest';
import { grad } from '../../engine/autodiff.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { openDevice, type Device } from '../../engine/device/device.ts';
import { updateRunningStats } from '../../engine/ops/assign.ts';
import { input, reshape } from '../../engine/ops/leaves.ts';
import { mean } from '../../engine/ops/reduce.ts';
import { softmaxCrossEntropy } from '../../engine/ops/softmax_cross_entropy.ts';
import { outline, type Outline } from '../../engine/program/outline.ts';
import { compile, type ProgramSpec } from '../../engine/program/program.ts';
import type { Precision } from '../../engine/program/precision.ts';
import type { Recompute } from '../../engine/program/recompute.ts';
import { efficientNet } from '../../models/efficientnet.ts';
import { applySegments, type Network } from '../../models/network.ts';
import { ParameterSet } from '../../models/parameter_set.ts';
import { RESNET_VARIANTS, resnet } from '../../models/resnet.ts';
import { VGG_VARIANTS, vgg } from '../../models/vgg.ts';
import { describeAdapters } from '../gpu.ts';
import { randomArray } from '../random.ts';

const LEVELS: readonly Recompute[] = ['none', 'cheap', 'blocks'];
const BATCH = 4;

/** Narrow, but with activations too large to be held for their smallness. */
const NETWORKS: readonly [string, number, Network][] = [
  [
    'EfficientNet',
    64,
    efficientNet(
      { variant: 'b0', classes: 3, width: 0.25, depth: 0.5, imageSize: 64, dropout: 0 },
      { padding: 'same', bnEpsilon: 1e-3 },
    ),
  ],
  [
    'VGG-11 with batch norm',
    48,
    vgg('vgg11_bn', 3, { ...VGG_VARIANTS['vgg11_bn'], blocks: [[16], [32], [32, 32]], pool: 1, tail: [8] }),
  ],
  [
    'a VGG without batch norm',
    48,
    vgg('vgg16', 3, { ...VGG_VARIANTS['vgg16'], blocks: [[16, 16, 16, 16], [32], [32, 32]], pool: 1, tail: [8] }),
  ],
  ['ResNet', 64, resnet('resnet50', 3, { ...RESNET_VARIANTS['resnet50'], depths: [2, 2], width: 16 })],
];

/** A training step's gradients, and the running statistics that it updates. */
function step(device: Device, network: Network, side: number): { spec: ProgramSpec; parameters: ParameterSet } {
  const parameters = new ParameterSet(device, network.specs, new Map(), 1);
  const updates: NonNullable<ProgramSpec['updates']>[number][] = [];
  const logits = applySegments(network.segments, input('x', [BATCH, side, side, 3]), {
    parameters,
    batchNorm: 'batch',
    noise: { seed: input('seed', [2], 'u32'), dropout: 0.2, dropPath: 0.3 },
    onStatistics: (name, stats, count) => updates.push(updateRunningStats(parameters.tensor(name), stats, count, 0.1)),
  });
  const loss = reshape(mean(softmaxCrossEntropy(logits, input('targets', logits.shape))), []);
  return {
    spec: {
      outputs: [
        loss,
        ...grad(
          loss,
          parameters.trainable().map((p) => p.tensor),
        ),
      ],
      updates,
    },
    parameters,
  };
}

const heavy = ({ lowered }: Outline) =>
  lowered.steps.filter(({ tensor }) => /conv2d|matmul/.test(tensor.op.name)).length;

it('holds less the more it computes again, and computes products again only by blocks', async () => {
  using device = await openDevice({ gpu: openGpu({ backend: 'null' }) });
  for (const [title, side, network] of NETWORKS) {
    const { spec, parameters } = step(device, network, side);
    using _ = parameters;
    const [none, cheap, blocks] = LEVELS.map((recompute) => outline(device, { ...spec, recompute }));
    // Without batch norm the convolutions apply the relu themselves: nothing cheap of size is held.
    if (title.includes('without batch norm'))
      expect(cheap.plan.lowerBound, title).toBeLessThanOrEqual(none.plan.lowerBound);
    // Of an EfficientNet's batch norms those that are gated are not held in any case.
    else
      expect(cheap.plan.lowerBound, title).toBeLessThan(
        (title === 'EfficientNet' ? 0.95 : 0.85) * none.plan.lowerBound,
      );
    expect(blocks.plan.lowerBound, title).toBeLessThan(cheap.plan.lowerBound);
    expect(cheap.lowered.steps.length, title).toBeGreaterThanOrEqual(none.lowered.steps.length);
    expect(heavy(cheap), title).toBe(heavy(none));
    expect(heavy(blocks), title).toBeGreaterThan(heavy(none));
    // No product runs more than twice: what is needed of a block is made again once.
    const forward = none.lowered.steps.filter(({ tensor }) =>
      /^(depthwise_)?conv2d$|^matmul$/.test(tensor.op.name),
    ).length;
    expect(heavy(blocks), title).toBeLessThanOrEqual(heavy(none) + forward);
  }
});

describeAdapters('computing again', (device) => {
  it.each(NETWORKS)('gives the same bits: %s', async (_, side, network) => {
    const results: Float32Array[][] = [];
    for (const recompute of LEVELS) results.push(await run(device(), network, side, recompute));
    for (const again of results.slice(1))
      again.forEach((values, i) => expect(bits(values), `result ${i}`).toEqual(bits(results[0][i])));
  });
});

it('gives the same bits with activations stored as f16', async () => {
  using device = await openDevice({ gpu: openGpu({ adapter: 'lavapipe' }) });
  // One with batch norm and depthwise convolutions, one without batch norm.
  for (const [title, side, network] of [NETWORKS[0], NETWORKS[2]]) {
    const results: Float32Array[][] = [];
    for (const recompute of LEVELS) results.push(await run(device, network, side, recompute, 'f16'));
    for (const again of results.slice(1))
      again.forEach((values, i) => expect(bits(values), `${title}, result ${i}`).toEqual(bits(results[0][i])));
  }
});

const bits = (values: Float32Array) => new Uint32Array(values.buffer, values.byteOffset, values.length);

/** Loss, gradients and running statistics after two steps. */
async function run(
  device: Device,
  network: Network,
  side: number,
  recompute: Recompute,
  precision: Precision = 'f32',
): Promise<Float32Array[]> {
  const { spec, parameters } = step(device, network, side);
  using held = parameters;
  using program = await compile(device, { ...spec, recompute, precision });
  const x = randomArray(BATCH * side * side * 3, 1);
  const targets = Float32Array.from({ length: BATCH * 3 }, (_, i) => (i % 4 === 0 ? 1 : 0));
  for (let i = 0; i < 2; i++)
    program.run({ x, targets, ...(program.hasInput('seed') && { seed: Uint32Array.of(5, i) }) });
  const values: Float32Array[] = [];
  for (const t of spec.outputs!) values.push(await program.read(t));
  for (const p of held.all) values.push(await p.read());
  return values;
}
