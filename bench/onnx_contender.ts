import type { Device } from '../engine/device/device.ts';
import { input } from '../engine/ops/leaves.ts';
import { compile } from '../engine/program/program.ts';
import { TuningTable } from '../engine/tuning.ts';
import { UserError } from '../engine/user_error.ts';
import { importOnnx } from '../models/onnx/import_onnx.ts';
import { readOnnxFile } from '../models/onnx/onnx_file.node.ts';
import { ParameterSet } from '../models/parameter_set.ts';
import type { Contender, Job } from './contender.ts';
import { images } from './job_data.ts';
import { permuted } from './permuted.ts';
import { kernelTimes } from './tuningfork_contender.ts';

/** The whole graph of an ONNX file, which need not be a classifier, on images [N, C, H, W]. */
export async function onnxContender(device: Device, path: string, job: Job): Promise<Contender> {
  if (job.tuning !== undefined) device.tuning = TuningTable.parse(job.tuning, '--tuning');
  const { bytes, source } = readOnnxFile(path);
  const { inputs, specs, weights: trained, apply } = importOnnx(bytes, { source, batch: job.batch, size: job.size });
  const shape = [job.batch, 3, job.size, job.size];
  if (inputs.length !== 1 || inputs[0].shape.join() !== shape.join())
    throw new UserError(
      `${path} takes ${inputs.map((each) => `${each.name} [${each.shape.join(', ')}]`).join(', ')}, and [${shape.join(', ')}] is measured; give another --batch or --size`,
    );
  const parameters = new ParameterSet(device, specs, trained, 0);
  const [output] = apply([input('x', shape)], { parameters, batchNorm: 'running' });
  const program = await compile(device, { outputs: [output], precision: job.precision });
  const feeds = { x: permuted(images(job), [job.batch, job.size, job.size, 3], [0, 3, 1, 2]) };
  return {
    adapter: device.adapter,
    gpuBytes: () => device.memory.bytes,
    run() {
      program.run(feeds);
      return program.read(output);
    },
    profile: () => kernelTimes(program, feeds),
    close() {
      program[Symbol.dispose]();
      parameters[Symbol.dispose]();
    },
  };
}
