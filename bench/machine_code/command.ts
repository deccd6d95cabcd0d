// `node bench/machine_code/run.mjs`: see `USAGE`.
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { UserError } from '../../engine/user_error.ts';
import { writeFileAtomic } from '../../models/formats/atomic.node.ts';
import { compareRows } from './compare.ts';
import { buildLayer, compileFor } from './compile.ts';
import { fetchDrivers } from './debian.ts';
import { GPUS, KEPT } from './gpus.ts';
import { readKept, showKept } from './kept.ts';
import { showRows, tableRows, type Table } from './table.ts';

const USAGE = `node bench/machine_code/run.mjs [--gpu rdna2,ampere] [--update] [--json]

Compiles every kernel of a few programs with Mesa's compilers for GPUs that are not there, prints registers, waves,
spills and the share of multiply-adds, and compares them with bench/machine_code/table.json. Debian on x86-64.

  --gpu <names>    GPUs, by comma: ${Object.keys(GPUS).join(', ')} (default: ${KEPT.join(',')})
  --update         keep what is found in table.json
  --json           print the table as JSON
  --cache <folder> for the compilers and what they say (default: .cache/machine_code of the checkout)
  --help           this text

Exit code 1 where a kernel newly spills, loses a tenth of its share or does not compile; 2 where it cannot run.`;

/** Where things are. */
export interface Places {
  /** The checkout's bench/machine_code. */
  readonly home: string;
  /** The bundle of programs.ts. */
  readonly program: string;
  /** The checkout's .cache/machine_code. */
  readonly cache: string;
}

interface Options {
  readonly gpus: readonly string[];
  readonly update: boolean;
  readonly json: boolean;
  readonly cache: string;
}

function readOptions(args: readonly string[], cache: string): Options | null {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { gpu: text, cache: text, update: flag, json: flag, help: flag },
    });
    if (values.help) return null;
    const gpus = values.gpu?.split(',') ?? KEPT;
    const unknown = gpus.find((gpu) => !Object.hasOwn(GPUS, gpu));
    if (unknown !== undefined)
      throw new UserError(`no GPU is called ${unknown}; give some of ${Object.keys(GPUS).join(', ')}`);
    return {
      gpus: [...new Set(gpus)],
      update: values.update,
      json: values.json,
      cache: resolve(values.cache ?? cache),
    };
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${(error as Error).message}; --help lists the options`);
  }
}

const say = (sentence: string): void => console.error(`machine_code: ${sentence}`);

/** A sentence for each kernel of which a pipeline has no machine code. */
function missing(gpu: string, compiled: ReturnType<typeof compileFor>): string[] {
  const first = new Map<string, string>();
  for (const [{ kernel, id, error = 'the driver tells nothing' }, report] of compiled)
    if (!report && !first.has(kernel))
      first.set(kernel, `${kernel} on ${gpu} has no machine code (pipeline ${id}): ${error.split('\n')[0]}`);
  return [...first.values()];
}

/** Compares with what is kept, and says so. Returns a sentence for each thing that got worse. */
function compare(gpu: string, kept: Table[string] | undefined, { mesa, rows }: Table[string]): readonly string[] {
  if (!kept) {
    say(`table.json has no ${gpu} to compare with; --update keeps this one`);
    return [];
  }
  if (kept.mesa !== mesa)
    say(`the kept table of ${gpu} is Mesa ${kept.mesa}'s and this is ${mesa}'s: compilers differ, not only kernels`);
  const { failures, notes } = compareRows(gpu, kept.rows, rows);
  for (const note of notes) say(note);
  return failures;
}

/**
 * @returns the exit code
 * @throws UserError where an option is wrong, or nothing can be fetched or compiled
 */
export async function machineCode(args: readonly string[], places: Places): Promise<number> {
  const options = readOptions(args, places.cache);
  if (!options) {
    console.log(USAGE);
    return 0;
  }
  const { gpus, update, json, cache } = options;
  const drivers = fetchDrivers(cache, say);
  const layers = join(cache, 'layers');
  buildLayer(join(places.home, 'capture_layer.c'), drivers, layers);
  const file = join(places.home, 'table.json');
  const kept: Table = existsSync(file) ? readKept(readFileSync(file, 'utf8')) : {};
  const found: Record<string, Table[string]> = {};
  const failures: string[] = [];
  for (const gpu of gpus) {
    const out = join(cache, 'out', gpu);
    const compiled = compileFor(GPUS[gpu], drivers, { program: places.program, layers, folder: out });
    say(`${gpu}: ${compiled.length} pipelines; what the driver says of each is in ${out}`);
    const rows = tableRows(compiled.flatMap(([pipeline, report]) => (report ? [[pipeline, report] as const] : [])));
    found[gpu] = { mesa: drivers.mesa, rows };
    if (!json) console.log(`${gpu}, Mesa ${drivers.mesa}\n${showRows(rows)}\n`);
    const lost = missing(gpu, compiled);
    // What is left says nothing of what did not compile.
    failures.push(...(lost.length > 0 || update ? lost : compare(gpu, kept[gpu], found[gpu])));
  }
  if (json) console.log(JSON.stringify(found, null, 2));
  for (const failure of failures) say(failure);
  if (update && failures.length === 0) await writeFileAtomic(file, showKept({ ...kept, ...found }));
  return failures.length > 0 ? 1 : 0;
}
