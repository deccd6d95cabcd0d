import { cpus, loadavg } from 'node:os';
import { UserError } from '../../engine/user_error.ts';
import type { Asked } from '../contender.ts';
import { ContenderProcess } from '../contender_process.ts';
import { adapterLayers, casesOf, nameOf, type Case } from './cases.ts';
import type { KernelAnswers, KernelQuestions } from './contender.ts';
import type { Group, Layer } from './layer.ts';
import { allLayers } from './layers.ts';
import { measureCase, measureRoofline, type KernelEngine } from './measure_case.ts';
import type { CaseResult, Clock, KernelBenchResult, Outcome } from './result.ts';

export interface KernelBenchOptions {
  readonly groups: readonly Group[];
  /** Only cases whose name ("blocks.1.expand input_grad") contains this. */
  readonly only?: string;
  readonly batch: number;
  /** Timed measurements of each case, after three to warm up. */
  readonly repeats: number;
  /** Seconds after which no further case begins. */
  readonly limit?: number;
  readonly adapter?: string;
  /** The first is this engine: a name, and the program of its process. */
  readonly contenders: readonly (readonly [name: string, program: readonly string[]])[];
  readonly onProgress?: (text: string) => void;
  /** All layers there are; others in tests. */
  readonly layers?: readonly Layer[];
}

type Process = ContenderProcess<KernelAnswers, KernelQuestions>;

/** An engine in a process, started anew where it died of a case. */
class Engine implements KernelEngine {
  private running: { readonly process: Process; readonly opened: Promise<KernelAnswers['open']> } | undefined;

  constructor(
    readonly name: string,
    private readonly program: readonly string[],
    private readonly adapter?: string,
  ) {}

  private get process(): Process {
    return this.start().process;
  }

  private start() {
    if (!this.running) {
      const process: Process = new ContenderProcess(this.name, this.program, false);
      this.running = { process, opened: process.ask({ ask: 'open', adapter: this.adapter }) };
    }
    return this.running;
  }

  open(): Promise<KernelAnswers['open']> {
    return this.start().opened;
  }

  async ask<K extends keyof KernelAnswers>(question: Asked<K, KernelQuestions>): Promise<KernelAnswers[K]> {
    await this.open();
    return this.process.ask(question);
  }

  drop(): void {
    this.running?.process[Symbol.dispose]();
    this.running = undefined;
  }
}

/** A case for which no time was left. */
function leftOut({ layer, direction, flops, bytes }: Case, engines: readonly Engine[], limit: number): CaseResult {
  const outcome: Outcome = { status: 'impossible', reason: `the ${limit} s of --limit were over` };
  return { layer, direction, flops, bytes, outcomes: Object.fromEntries(engines.map(({ name }) => [name, outcome])) };
}

/**
 * Measures every case in all engines, each in a process of its own: see measureCase.
 * @throws UserError where nothing is selected, an engine does not open or opens another adapter, or the adapter fails
 * at a copy
 */
export async function benchKernels(options: KernelBenchOptions): Promise<KernelBenchResult> {
  const { batch, repeats, limit = Infinity, adapter, contenders, groups, only = '', onProgress = () => {} } = options;
  const end = performance.now() + 1000 * limit;
  const cases = (options.layers ?? allLayers(batch))
    .filter(({ group }) => (groups as readonly string[]).includes(group))
    .flatMap(casesOf)
    .filter((c) => nameOf(c).includes(only));
  if (cases.length === 0)
    throw new UserError(
      `no layer of ${groups.join(', ')} has "${only}" in its name; \`--json\` of a run without --only lists the names`,
    );
  const loadBefore = loadavg()[0];
  const cores = cpus().length;
  const engines = contenders.map(([name, program]) => new Engine(name, program, adapter));
  using _engines = { [Symbol.dispose]: () => engines.forEach((engine) => engine.drop()) };
  for (const engine of engines) {
    onProgress(`${engine.name}: opening`);
    const [here, there] = [await engines[0].open(), await engine.open()].map((opened) => opened.adapter.description);
    if (here !== there)
      throw new UserError(
        `${engines[0].name} runs on ${here} and ${engine.name} on ${there}; choose one with --adapter`,
      );
  }
  const opened = await engines[0].open();
  const clock: Clock = opened.adapter.software && loadBefore > 0.5 ? 'cpu' : 'gpu';
  const layers = adapterLayers(opened.maxStorageBinding);
  const roofline = await measureRoofline(layers, engines[0], { repeats, clock, cores, onProgress });
  const results: CaseResult[] = [];
  for (const [i, c] of cases.entries()) {
    if (performance.now() > end) {
      results.push(leftOut(c, engines, limit));
      continue;
    }
    onProgress(`${i + 1} of ${cases.length}: ${nameOf(c)}`);
    results.push(await measureCase(c, engines, repeats));
  }
  return {
    adapter: opened.adapter,
    cores,
    load: [loadBefore, loadavg()[0]],
    batch,
    repeats,
    engines: engines.map(({ name }) => name),
    clock,
    roofline,
    cases: results,
  };
}
