import { grad } from '../engine/autodiff.ts';
import { openDevice } from '../engine/device/device.ts';
import { openGpu } from '../engine/device/gpu.node.ts';
import { batchNorm } from '../engine/ops/batch_norm.ts';
import { depthwiseConv2d } from '../engine/ops/depthwise_conv2d.ts';
import { input } from '../engine/ops/leaves.ts';
import { mul } from '../engine/ops/pointwise.ts';
import { compile } from '../engine/program/program.ts';
import type { Tensor } from '../engine/tensor.ts';
import { efficientNetShape } from '../models/efficientnet_table.ts';

/*
 * Depthwise convolution and batch norm at the shapes of EfficientNet-B0's training: GFLOP/s and GB/s of each direction, beside a copy.
 * Arguments: adapter (lavapipe), batch (4), image side in pixels (224).
 */
const [adapter = 'lavapipe', batchText = '4', side = '224'] = process.argv.slice(2);
const batch = Number(batchText);
const RUNS = 7;

const device = await openDevice({ gpu: openGpu({ adapter }) });

/** The least milliseconds of several runs spent in the steps of each op (all of its passes together). */
async function time(outputs: Tensor[]): Promise<Map<string, number>> {
  using program = await compile(device, { outputs });
  const feeds: Record<string, Float32Array> = {};
  for (const step of program.steps) for (const t of step.tensor.inputs) if (t.op.name === 'input') feeds[t.name!] = new Float32Array(t.size).map((_, i) => Math.sin(i));
  const best = new Map<string, number>();
  for (let run = 0; run < RUNS; run++) {
    const times = await program.profile(feeds);
    if (!times) throw new Error(`${adapter} has no timestamps`);
    const sums = new Map<string, number>();
    program.steps.forEach(({ tensor }, i) => sums.set(tensor.op.name, (sums.get(tensor.op.name) ?? 0) + times[i]));
    for (const [op, ms] of sums) best.set(op, Math.min(best.get(op) ?? Infinity, ms));
  }
  return best;
}

const layers = new Map<string, { px: number; channels: number; filter: number; stride: number }>();
let px = Number(side) / 2;
for (const { expandedChannels: channels, kernelSize: filter, stride } of efficientNetShape({ width: 1, depth: 1 }).blocks) {
  layers.set([px, channels, filter, stride].join(), { px, channels, filter, stride });
  px = Math.ceil(px / stride);
}

const cell = (value: number) => value.toFixed(1).padStart(6);
console.log(`${device.adapter.description}, batch ${batch}, ${side} px; least of ${RUNS} runs`);
console.log('\ndepthwise: ms, GFLOP/s\n| layer | forward | input gradient | filter gradient |\n|---|---|---|---|');
const totals = [0, 0, 0];
for (const { px, channels, filter, stride } of layers.values()) {
  const x = input('x', [batch, px, px, channels]);
  const w = input('w', [filter, filter, channels]);
  const y = depthwiseConv2d(x, w, { stride, padding: 'same' });
  const times = await time([y, ...grad(y, [x, w], input('dy', y.shape))]);
  const flop = 2 * y.size * filter * filter;
  const cells = ['', '_input_grad', '_filter_grad'].map((suffix, i) => {
    const ms = times.get(`depthwise_conv2d${suffix}`)!;
    totals[i] += ms;
    return `${cell(ms)} ${cell(flop / ms / 1e6)}`;
  });
  console.log(`| ${filter}x${filter} s${stride}, ${channels} at ${px} px | ${cells.join(' | ')} |`);
}
console.log(`| sum, ms | ${totals.map(cell).join(' | ')} |`);

console.log('\nbatch norm with SiLU: ms, GB/s of reads and writes that cannot be avoided\n| tensor | copy | statistics | apply | sums | input gradient |\n|---|---|---|---|---|---|');
for (const [side, channels] of [[112, 32], [112, 96], [56, 144], [28, 240], [14, 672], [7, 1152]]) {
  const x = input('x', [batch, side, side, channels]);
  const [gamma, beta] = [input('gamma', [channels]), input('beta', [channels])];
  const { y } = batchNorm(x, gamma, beta, { activation: 'silu' });
  const times = await time([y, grad(y, [x], input('dy', x.shape))[0], mul(x, 1)]);
  const cells = ([['pointwise', 2], ['batch_norm_stats', 1], ['batch_norm_apply', 2], ['batch_norm_sums', 2], ['batch_norm_input_grad', 3]] as const).map(([op, passes]) => {
    const ms = times.get(op)!;
    return `${cell(ms)} ${cell((passes * x.size * 4) / ms / 1e6)}`;
  });
  console.log(`| ${channels} at ${side} px | ${cells.join(' | ')} |`);
}
device[Symbol.dispose]();
