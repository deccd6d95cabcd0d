import { cpus, platform, release } from 'node:os';
import { join } from 'node:path';
import manifest from '../../package.json' with { type: 'json' };
import { UserError } from '../../engine/user_error.ts';
import { writeFileAtomic } from '../../models/formats/atomic.node.ts';
import { makeFolder } from '../../models/formats/make_folder.node.ts';
import { runCommand, TimeOver } from './command.ts';
import { renderGpuPage } from './page.ts';
import { LeftOut, PARTS, type Bench, type Filling, type Part } from './parts.ts';
import { SCHEMA, type GpuBenchResult, type PartRecord } from './result.ts';

export interface GpuBenchOptions {
  /** Takes gpu.json, gpu.html and the tuning that was found; is made where it is not there. */
  readonly folder: string;
  readonly minutes: number;
  /** Images at once in a training step. */
  readonly batch: number;
  readonly adapter?: string;
  /** The file and first arguments of a process of this program. */
  readonly program: readonly string[];
  readonly onProgress?: (text: string) => void;
  /** Others in tests. */
  readonly parts?: readonly Part[];
}

/**
 * Does one part after the other until the time is over, and writes what is known after each. A part that fails is
 * recorded with its sentence, and the others go on.
 * @throws UserError where the folder cannot be written
 */
export async function benchGpu(options: GpuBenchOptions): Promise<GpuBenchResult> {
  const { folder, minutes, batch, adapter, program, onProgress = () => {}, parts = PARTS } = options;
  const start = performance.now();
  const end = start + minutes * 60_000;
  makeFolder(folder);
  const result: Filling = {
    schema: SCHEMA,
    version: manifest.version,
    date: new Date().toISOString(),
    minutes,
    seconds: 0,
    batch,
    machine: {
      processor: cpus()[0]?.model ?? 'unknown',
      cores: cpus().length,
      platform: `${platform()} ${release()}, Node ${process.versions.node}`,
    },
    adapter: null,
    parts: [],
    doctor: null,
    layers: { f32: null, f16: null, 'tensor cores': null },
    tuning: null,
    training: [],
    tooLarge: [],
    tfjs: null,
  };
  for (const [i, part] of parts.entries()) {
    const begun = performance.now();
    const bench: Bench = {
      result,
      folder,
      command: (args, env) =>
        runCommand(program, [...args, '--json', ...(adapter === undefined ? [] : ['--adapter', adapter])], {
          env,
          limit: end - performance.now(),
          onLine: (line) => onProgress(`  ${line}`),
        }),
    };
    onProgress(`${i + 1} of ${parts.length}: ${part.name}`);
    const outcome = begun < end ? await outcomeOf(part, bench) : overdue(minutes);
    result.parts = [
      ...result.parts,
      { name: part.name, ...outcome, seconds: (performance.now() - begun) / 1000 } satisfies PartRecord,
    ];
    result.seconds = (performance.now() - start) / 1000;
    if (outcome.why !== undefined) onProgress(`  ${outcome.status}: ${outcome.why}`);
    await writeFileAtomic(join(folder, 'gpu.json'), `${JSON.stringify(result, null, 2)}\n`);
  }
  await writeFileAtomic(join(folder, 'gpu.html'), await renderGpuPage(result));
  return result;
}

type Outcome = Pick<PartRecord, 'status' | 'why'>;

const overdue = (minutes: number): Outcome => ({ status: 'left out', why: `the ${minutes} min were over before it` });

async function outcomeOf(part: Part, bench: Bench): Promise<Outcome> {
  try {
    await part.run(bench);
    return { status: 'done' };
  } catch (error) {
    const why = (error as Error).message;
    if (error instanceof LeftOut || error instanceof TimeOver) return { status: 'left out', why };
    return { status: 'failed', why: error instanceof UserError ? why : `unexpected error: ${why}` };
  }
}
