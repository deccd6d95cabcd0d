import type { Device } from '../engine/device/device.ts';
import { input, reshape } from '../engine/ops/leaves.ts';
import { mean } from '../engine/ops/reduce.ts';
import { softmaxCrossEntropy } from '../engine/ops/softmax_cross_entropy.ts';
import { compile, type Program } from '../engine/program/program.ts';
import { MEMORY_LEVELS } from '../engine/program/recompute.ts';
import { TrainStep } from '../engine/train/train_step.ts';
import { TuningTable } from '../engine/tuning.ts';
import { buildModel } from '../models/build_network.ts';
import { efficientNet } from '../models/efficientnet.ts';
import { applySegments, type Network } from '../models/network.ts';
import { ParameterSet } from '../models/parameter_set.ts';
import type { Contender, Job, KernelTime } from './contender.ts';
import { ADAM, BATCH_NORM_EPSILON, CONFIG, LEARNING_RATE, images, targets, weights } from './job_data.ts';

const networkOf = ({ model }: Job): Network =>
  model === undefined
    ? efficientNet(CONFIG, { padding: 'same', bnEpsilon: BATCH_NORM_EPSILON })
    : buildModel(model, CONFIG.classes).network;

/** This engine with the job's network compiled for it. To close it leaves the device open. */
export async function tuningforkContender(device: Device, job: Job): Promise<Contender> {
  if (job.tuning !== undefined) device.tuning = TuningTable.parse(job.tuning, '--tuning');
  const network = networkOf(job);
  const parameters = new ParameterSet(device, network.specs, job.model === undefined ? weights() : new Map(), 0);
  const x = input('x', [job.batch, job.size, job.size, 3]);
  const training = job.work === 'train';
  const logits = applySegments(network.segments, x, { parameters, batchNorm: training ? 'batch' : 'running' });
  const feeds = { x: images(job) };
  const shared = { adapter: device.adapter, gpuBytes: () => device.memory.bytes };

  if (!training) {
    const program = await compile(device, { outputs: [logits], precision: job.precision });
    return {
      ...shared,
      run() {
        program.run(feeds);
        return program.read(logits);
      },
      profile: () => kernelTimes(program, feeds),
      close() {
        program[Symbol.dispose]();
        parameters[Symbol.dispose]();
      },
    };
  }
  const labels = input('targets', [job.batch, CONFIG.classes]);
  const loss = reshape(mean(softmaxCrossEntropy(logits, labels)), []);
  const step = await TrainStep.create(device, {
    loss,
    trainable: parameters.trainable(),
    adam: ADAM,
    recompute: MEMORY_LEVELS[job.memory ?? 'full'],
    precision: job.precision,
  });
  const trainFeeds = { ...feeds, targets: targets(job) };
  return {
    ...shared,
    run() {
      step.run(trainFeeds, LEARNING_RATE);
      return step.read(loss);
    },
    // A profile is one more update; at rate 0 (and with corrections of 1) it leaves the weights as they are.
    profile: () => kernelTimes(step.program, { ...trainFeeds, step_hyper: Float32Array.of(0, 1) }),
    close() {
      step[Symbol.dispose]();
      parameters[Symbol.dispose]();
    },
  };
}

/** The GPU time of a program by kernel. */
export async function kernelTimes(
  program: Program,
  feeds: Parameters<Program['profile']>[0],
): Promise<KernelTime[] | undefined> {
  const times = await program.profile(feeds);
  if (!times) return undefined;
  const byKernel = new Map<string, { steps: number; milliseconds: number }>();
  program.steps.forEach(({ launch }, i) => {
    const { steps, milliseconds } = byKernel.get(launch.kernel.name) ?? { steps: 0, milliseconds: 0 };
    byKernel.set(launch.kernel.name, { steps: steps + 1, milliseconds: milliseconds + times[i] });
  });
  return [...byKernel].map(([kernel, rest]) => ({ kernel, ...rest })).sort((a, b) => b.milliseconds - a.milliseconds);
}
