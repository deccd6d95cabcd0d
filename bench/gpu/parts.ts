import { join } from 'node:path';
import type { Findings } from '../../cli/doctor/examine.node.ts';
import type { TuningReport } from '../../cli/show_tuning.ts';
import type { Inspection } from '../../cli/show_program.ts';
import { gpuNamed } from '../../engine/device/gpu_sheets.ts';
import { UserError } from '../../engine/user_error.ts';
import { casesOfFailure, failures } from '../kernels/figures.ts';
import type { KernelBenchResult } from '../kernels/result.ts';
import type { ModelBenchResult } from '../models.ts';
import { tfjsIsThere } from '../tfjs_bundle.ts';
import type { Ended } from './command.ts';
import type { Arithmetic, GpuBenchResult } from './result.ts';

/** A result that is being filled. */
export type Filling = { -readonly [K in keyof GpuBenchResult]: GpuBenchResult[K] };

/** What a part works with. */
export interface Bench {
  readonly result: Filling;
  /** Where files are kept. */
  readonly folder: string;
  /** Runs a command of this program with --json on the adapter. */
  command(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ended>;
}

/** Says why a part has nothing to do here: no failure. */
export class LeftOut extends UserError {}

/** One thing that `bench gpu` does. It throws where it fails; what it found until then is in the result. */
export interface Part {
  readonly name: string;
  run(bench: Bench): Promise<void>;
}

const TENSOR_CORES = { TUNINGFORK_TENSOR_CORES: '1' };

/** The shares of the time after which layers and tuning stop, so that something is left for what comes after. */
const SHARES = { f32: 0.3, f16: 0.1, tuning: 0.08 } as const;

const secondsOf = ({ result }: Bench, share: number): string => String(Math.ceil(share * result.minutes * 60));

/** What a command printed. @throws UserError with what it said where it printed nothing */
function printed<T>({ output, code, said }: Ended): T {
  if (output === undefined) throw new UserError(said || `it ended with ${code} and said nothing`);
  return output as T;
}

/** What a program that is too large for the adapter ends with. */
const TOO_LARGE = /does not fit|binds at most|out of memory/;

/** @throws LeftOut where the adapter has no such arithmetic */
function envOf({ result: { adapter } }: Bench, arithmetic: Arithmetic): Record<string, string> | undefined {
  if (arithmetic !== 'f32' && !adapter?.f16) throw new LeftOut('this adapter has no f16');
  if (arithmetic !== 'tensor cores') return undefined;
  if (!adapter?.subgroupMatrix) throw new LeftOut('this adapter has no tensor cores that can be used');
  return TENSOR_CORES;
}

const precisionOf = (arithmetic: Arithmetic): string => (arithmetic === 'f32' ? 'f32' : 'f16');

async function machine(bench: Bench): Promise<void> {
  // Tensor cores show only where they are asked for; what is measured without them does not ask.
  const findings = printed<Findings>(await bench.command(['doctor'], TENSOR_CORES));
  bench.result.doctor = findings;
  bench.result.adapter = findings.adapters.find(({ driver }) => driver === findings.used) ?? null;
  if (findings.whyNone !== null) throw new UserError(findings.whyNone);
  if (!findings.smokeTest?.ok)
    throw new UserError(
      'a small graph and its gradient differ from the CPU: update the driver, or choose another --adapter',
    );
}

const layers = (arithmetic: Arithmetic): Part => ({
  name: `layers, ${arithmetic}`,
  async run(bench) {
    const env = envOf(bench, arithmetic);
    // What is stored as f16 is what uses tensor cores: the other layers are the same as in f32.
    const groups = arithmetic === 'f32' ? 'all' : 'matmul,b0,vgg16,galaxy_vgg';
    const limit = secondsOf(bench, arithmetic === 'f32' ? SHARES.f32 : SHARES.f16);
    const args = ['bench', 'kernels', '--layers', groups, '--precision', precisionOf(arithmetic)];
    const found = printed<KernelBenchResult>(await bench.command([...args, '--repeats', '3', '--limit', limit], env));
    bench.result.layers = { ...bench.result.layers, [arithmetic]: found };
    const [wrong] = failures(found).filter(({ status }) => status === 'failed');
    if (wrong) throw new UserError(`a wrong result, ${casesOfFailure(wrong)}: ${wrong.reason}`);
  },
});

async function tuning(bench: Bench): Promise<void> {
  const { batch } = bench.result;
  const ended = await bench.command([
    ...['tune', 'efficientnet_b0', '--training', '--batch', String(batch)],
    ...['--budget', secondsOf(bench, SHARES.tuning)],
    // A file of its own: what the user tuned is the user's.
    ...['--tuning', join(bench.folder, 'tuning.json')],
  ]);
  if (ended.output === undefined && TOO_LARGE.test(ended.said)) throw new LeftOut(ended.said);
  bench.result.tuning = printed<TuningReport>(ended);
}

/** Images per second of such a training step by the GPU's data sheet, which knows no tensor cores. */
async function estimated(bench: Bench, arithmetic: Arithmetic, job: readonly string[]): Promise<number | null> {
  const gpu = gpuNamed(bench.result.adapter!.name);
  if (gpu === undefined || arithmetic === 'tensor cores') return null;
  const found = printed<Inspection>(await bench.command(['inspect', ...job, '--training', '--estimate', gpu]));
  return found.estimate!.imagesPerSecond;
}

/** A training step's images per second at the batch and at the largest that fits of twice and four times as many. */
const training = (model: string, size: number, arithmetic: Arithmetic): Part => ({
  name: `training ${model}, ${arithmetic}`,
  async run(bench) {
    const env = envOf(bench, arithmetic);
    const { batch, adapter } = bench.result;
    const measure = async (images: number): Promise<boolean> => {
      const job = ['--batch', String(images), '--size', String(size), '--precision', precisionOf(arithmetic)];
      const ended = await bench.command(['bench', 'train', '--model', model, ...job, '--profile'], env);
      if (ended.output === undefined && TOO_LARGE.test(ended.said)) {
        const why = ended.said.replace('tuningfork could not open: ', '');
        bench.result.tooLarge = [...bench.result.tooLarge, { model, arithmetic, batch: images, why }];
        return false;
      }
      const measured = printed<ModelBenchResult>(ended);
      const imagesPerSecond = (1000 * images) / measured.contenders[0].run.median;
      const estimate = await estimated(bench, arithmetic, [model, ...job]);
      bench.result.training = [...bench.result.training, { model, arithmetic, imagesPerSecond, estimate, measured }];
      return true;
    };
    if (!(await measure(batch))) throw new LeftOut(bench.result.tooLarge.at(-1)!.why);
    // A software adapter computes in main memory, which other programs need, and gains nothing by larger batches.
    if (adapter?.type !== 'hardware') return;
    if (!(await measure(4 * batch))) await measure(2 * batch);
  },
});

async function tfjs(bench: Bench): Promise<void> {
  if (!tfjsIsThere()) throw new LeftOut('tfjs is not installed: it comes with the development dependencies');
  // At batch 4 it holds 2.5 GiB.
  const batch = String(Math.min(8, bench.result.batch));
  bench.result.tfjs = printed<ModelBenchResult>(
    await bench.command(['bench', 'train', '--vs', 'tfjs', '--batch', batch]),
  );
}

const ARITHMETICS = ['f32', 'f16', 'tensor cores'] as const;
const MODELS = [
  ['efficientnet_b0', 224],
  ['vgg16', 224],
  ['galaxy_vgg', 128],
] as const;

/** All parts in their order: where the time does not suffice, the last are left out. */
export const PARTS: readonly Part[] = [
  { name: 'machine', run: machine },
  ...ARITHMETICS.map(layers),
  { name: 'tuning', run: tuning },
  ...MODELS.flatMap(([model, size]) => ARITHMETICS.map((arithmetic) => training(model, size, arithmetic))),
  { name: 'tfjs', run: tfjs },
];
