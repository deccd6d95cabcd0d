// Compiles each distinct pipeline of a few programs on the adapter that Dawn finds; the layer (capture_layer.c) writes
// what the driver made of it. A process of its own, as the Vulkan loader and the shim read the environment once.
//   node programs.mjs FOLDER [DAWN TOGGLES]
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openModel } from '../../cli/open_model.node.ts';
import { pipelinesOf } from '../../cli/pipelines.ts';
import { grad } from '../../engine/autodiff.ts';
import { openDevice, type Device } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { conv2d } from '../../engine/ops/conv2d.ts';
import { input } from '../../engine/ops/leaves.ts';
import { matmul } from '../../engine/ops/matmul.ts';
import type { Lowered } from '../../engine/program/lower.ts';
import { outline } from '../../engine/program/outline.ts';
import type { Precision } from '../../engine/program/precision.ts';
import type { Tensor } from '../../engine/tensor.ts';
import type { Launch } from '../../kernels/kernel.ts';
import { stepCosts } from '../../models/step_cost.ts';
import { planModel } from '../../vision/train/model_cost.ts';
import type { CompiledPipeline } from './table.ts';

type Planner = (device: Device) => Promise<Lowered>;

const training =
  (name: string, size: number, precision: Precision): Planner =>
  async (device) => {
    using model = await openModel(device, name);
    return planModel(device, model, { batch: 32, size, training: true, precision }).outlined.lowered;
  };

const graph =
  (outputs: () => Tensor[]): Planner =>
  async (device) =>
    outline(device, { outputs: outputs() }).lowered;

/** A 3x3 convolution with both its gradients. */
const layer = (size: number, channels: number, filters: number, stride = 1): Planner =>
  graph(() => {
    const x = input('x', [32, size, size, channels]);
    const w = input('w', [3, 3, channels, filters]);
    const y = conv2d(x, w, { stride, padding: 'same' });
    return [y, ...grad(y, [x, w], input('dy', y.shape))];
  });

const PROGRAMS: readonly Planner[] = [
  training('efficientnet_b0', 224, 'f32'),
  training('efficientnet_b0', 224, 'f16'),
  training('galaxy_vgg', 128, 'f32'),
  training('galaxy_vgg', 128, 'f16'),
  // VGG16's, and one of stride 2.
  layer(224, 64, 64),
  layer(112, 128, 128),
  layer(56, 256, 256),
  layer(28, 512, 512),
  layer(14, 512, 512),
  layer(56, 128, 128, 2),
  graph(() => [matmul(input('a', [4096, 4096]), input('b', [4096, 4096]))]),
];

/** The pipelines of all programs, by what the driver is given, with the work of all their steps. */
async function planAll(device: Device): Promise<Map<string, { launch: Launch; pipeline: CompiledPipeline }>> {
  const found = new Map<string, { launch: Launch; pipeline: CompiledPipeline }>();
  for (const plan of PROGRAMS) {
    const program = await plan(device);
    for (const [pipeline, text] of pipelinesOf(program, stepCosts(program))) {
      const { kernel, overrides, aliases, flops, bound, steps } = pipeline;
      const half = Object.values(aliases).some((type) => type.includes('f16'));
      const key = JSON.stringify([text, overrides]);
      const known = found.get(key)?.pipeline;
      const id = known?.id ?? String(found.size).padStart(4, '0');
      const total = { flops: flops + (known?.flops ?? 0), bytes: bound + (known?.bytes ?? 0) };
      found.set(key, { launch: program.steps[steps[0]].launch, pipeline: { id, kernel, overrides, half, ...total } });
    }
  }
  return found;
}

const [folder, toggles = ''] = process.argv.slice(2);
using device = await openDevice({ gpu: openGpu({ enable: toggles.split(',').filter(Boolean) }) });
if (device.adapter.software) throw new Error(`${device.adapter.description} is a software adapter`);
const planned = [...(await planAll(device)).values()];
const pipelines: CompiledPipeline[] = [];
for (const { launch, pipeline } of planned) {
  process.env['MACHINE_CODE_FILE'] = join(folder, pipeline.id);
  const error = await device.pipeline(launch).then(
    () => undefined,
    (reason: Error) => reason.message,
  );
  pipelines.push({ ...pipeline, ...(error !== undefined && { error }) });
}
process.env['MACHINE_CODE_FILE'] = '';
writeFileSync(join(folder, 'pipelines.json'), JSON.stringify(pipelines, null, 1));
