// Times every version of the convolution kernels on real layers and prints the ladder as a table (ladder_conv2d.md).
// Arguments: adapter (default lavapipe), layers whose name contains this text, versions such as 2 or 1,2.
import { cpus } from 'node:os';
import { grad } from '../engine/autodiff.ts';
import { openDevice, type Device } from '../engine/device/device.ts';
import { openGpu } from '../engine/device/gpu.node.ts';
import { Parameter } from '../engine/device/parameter.ts';
import type { ConvAttributes } from '../engine/ops/conv_geometry.ts';
import { conv2d } from '../engine/ops/conv2d.ts';
import { input } from '../engine/ops/leaves.ts';
import { compile, type Program } from '../engine/program/program.ts';
import { sizeOf } from '../engine/tensor.ts';

type Four = readonly [number, number, number, number];
const same: ConvAttributes = { padding: 'same' };

const LAYERS: readonly (readonly [string, Four, Four, ConvAttributes])[] = [
  ['B0 stem', [2, 224, 224, 3], [3, 3, 3, 32], { padding: 'same', stride: 2 }],
  ['B0 1 project', [4, 112, 112, 32], [1, 1, 32, 16], same],
  ['B0 2 expand', [4, 112, 112, 16], [1, 1, 16, 96], same],
  ['B0 2 project', [4, 56, 56, 96], [1, 1, 96, 24], same],
  ['B0 2 expand again', [4, 56, 56, 24], [1, 1, 24, 144], same],
  ['B0 3 project', [4, 28, 28, 144], [1, 1, 144, 40], same],
  ['B0 4 expand', [4, 14, 14, 80], [1, 1, 80, 480], same],
  ['B0 5 project', [4, 14, 14, 672], [1, 1, 672, 112], same],
  ['B0 6 expand', [4, 7, 7, 192], [1, 1, 192, 1152], same],
  ['B0 head', [4, 7, 7, 320], [1, 1, 320, 1280], same],
  ['B0 squeeze', [16, 1, 1, 480], [1, 1, 480, 20], same],
  ['B0 excite', [16, 1, 1, 48], [1, 1, 48, 1152], same],
  ['VGG first', [1, 224, 224, 3], [3, 3, 3, 64], same],
  ['VGG 64 to 64', [1, 112, 112, 64], [3, 3, 64, 64], same],
  ['VGG 64 to 128', [1, 56, 56, 64], [3, 3, 64, 128], same],
  ['VGG 512', [1, 14, 14, 512], [3, 3, 512, 512], same],
  ['ResNet 3x3 / 2', [1, 56, 56, 128], [3, 3, 128, 128], { padding: 1, stride: 2 }],
];

const RUNS = 5;

/**
 * Milliseconds of one pass of a program on all processors: the least of several runs. On a software adapter from the processor time that
 * the process took, divided by the number of processors, so that other work on the machine counts little; else from timestamps.
 */
async function milliseconds(device: Device, program: Program): Promise<number> {
  let best = Infinity;
  for (let run = 0; run <= RUNS; run++) {
    let ms: number;
    if (device.adapter.software) {
      const before = process.cpuUsage();
      program.run();
      await device.idle();
      const { user, system } = process.cpuUsage(before);
      ms = (user + system) / 1000 / cpus().length;
    } else ms = (await program.profile())?.reduce((a, b) => a + b) ?? NaN;
    if (run > 0) best = Math.min(best, ms);
  }
  return best;
}

/** Of the forward pass and of either gradient. */
async function measure(device: Device, x: Four, w: Four, attrs: ConvAttributes & { version: 1 | 2 }): Promise<number[]> {
  const y = conv2d(input('x', x), input('w', w), attrs).shape;
  // Parameters, not inputs: a run uploads nothing.
  using X = new Parameter(device, 'x', x);
  using W = new Parameter(device, 'w', w);
  using DY = new Parameter(device, 'dy', y);
  for (const p of [X, W, DY]) p.write(new Float32Array(sizeOf(p.shape)).fill(0.5));
  const Y = conv2d(X.tensor, W.tensor, attrs);
  const times: number[] = [];
  for (const output of [Y, ...grad(Y, [X.tensor, W.tensor], DY.tensor)]) {
    using program = await compile(device, { outputs: [output] });
    times.push(await milliseconds(device, program));
  }
  return times;
}

const [adapter = 'lavapipe', only = '', versions = '1,2'] = process.argv.slice(2);
using device = await openDevice({ gpu: openGpu({ adapter }) });
console.log(`${device.adapter.description}, ${cpus().length} cores; GFLOP/s (2 per multiplication and addition), in brackets milliseconds${device.adapter.software ? ', both from processor time' : ''}\n`);
console.log('| layer | x | w | version | forward | input gradient | filter gradient |\n|---|---|---|---|---|---|---|');
for (const [name, x, w, attrs] of LAYERS) {
  if (!name.includes(only)) continue;
  const Y = conv2d(input('x', x), input('w', w), attrs);
  const flops = 2 * Y.size * w[0] * w[1] * w[2];
  for (const version of versions.split(',').map(Number) as (1 | 2)[]) {
    const times = await measure(device, x, w, { ...attrs, version });
    console.log(`| ${name} | ${x.join('·')} | ${w.join('·')} | ${version} | ${times.map((ms) => `${(flops / ms / 1e6).toFixed(1)} (${ms.toFixed(2)})`).join(' | ')} |`);
  }
}
