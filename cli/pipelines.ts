import type { Lowered } from '../engine/program/lower.ts';
import { decidedText } from '../kernels/decided.ts';
import { pipelineKey, type Launch } from '../kernels/kernel.ts';
import type { StepCost } from '../models/step_cost.ts';
import { textTable } from '../vision/report/text_table.ts';
import { withLetter } from './with_letter.ts';

/** A pipeline of a program: a kernel as it is specialised, and what its steps do in all. */
export interface Pipeline {
  /** Counted from 0000, in the order of first use. */
  readonly id: string;
  readonly kernel: string;
  readonly overrides: Readonly<Record<string, number>>;
  readonly consts: Readonly<Record<string, number>>;
  readonly aliases: Readonly<Record<string, string>>;
  /** Threads of a workgroup. */
  readonly threads: number;
  /** Of its steps together. */
  readonly workgroups: number;
  readonly flops: number;
  /** Bytes: of all buffers that its steps bind, and what they read and write of them. */
  readonly bound: number;
  readonly read: number;
  readonly written: number;
  /** Numbers of its steps. */
  readonly steps: readonly number[];
}

/** A program's distinct pipelines, with the text that a driver gets for each. */
export function pipelinesOf(
  { steps }: Pick<Lowered, 'steps'>,
  costs: readonly StepCost[],
): readonly (readonly [Pipeline, string])[] {
  const found = new Map<string, { launch: Launch; uses: number[] }>();
  for (const [i, { launch }] of steps.entries()) {
    const key = pipelineKey(launch);
    const known = found.get(key);
    if (known) known.uses.push(i);
    else found.set(key, { launch, uses: [i] });
  }
  return [...found.values()].map(({ launch, uses }, n) => {
    const total = (of: (step: number) => number) => uses.reduce((sum, i) => sum + of(i), 0);
    const { kernel, overrides = {}, consts = {}, aliases = {} } = launch;
    return [
      {
        id: String(n).padStart(4, '0'),
        kernel: kernel.name,
        overrides,
        consts,
        aliases,
        threads: costs[uses[0]].threads,
        workgroups: total((i) => steps[i].launch.workgroups.reduce((a, b) => a * b, 1)),
        flops: total((i) => costs[i].flops),
        bound: total((i) => costs[i].bound),
        read: total((i) => costs[i].read),
        written: total((i) => costs[i].written),
        steps: uses,
      },
      decidedText(launch),
    ] as const;
  });
}

/** `0 to 3, 7`: ascending numbers with their neighbours together; the first few. */
function ranges(numbers: readonly number[], most = 4): string {
  const runs: [number, number][] = [];
  for (const n of numbers) {
    const last = runs.at(-1);
    if (last && n === last[1] + 1) last[1] = n;
    else runs.push([n, n]);
  }
  const shown = runs
    .slice(0, most)
    .map(([a, b]) => (a === b ? String(a) : b === a + 1 ? `${a}, ${b}` : `${a} to ${b}`));
  return `${shown.join(', ')}${runs.length > most ? ', ...' : ''}`;
}

const named = (values: Readonly<Record<string, number | string>>): string[] =>
  Object.entries(values).map(([name, value]) => `${name} ${value}`);

/** A line a pipeline. */
export const showPipelines = (pipelines: readonly Pipeline[]): string =>
  textTable(
    [
      'id',
      'kernel',
      'specialised',
      'used by steps',
      'times',
      'workgroups',
      'threads',
      'FLOP',
      'bound',
      'read',
      'written',
    ],
    pipelines.map((p) => [
      p.id,
      p.kernel,
      // Stages of an epilogue that are not there say nothing.
      [...named(p.overrides), ...named(p.consts), ...named(p.aliases)]
        .filter((text) => !text.endsWith(' 0'))
        .join(', '),
      ranges(p.steps),
      String(p.steps.length),
      String(p.workgroups),
      String(p.threads),
      p.flops > 0 ? withLetter(p.flops).trim() : '',
      `${withLetter(p.bound)}B`,
      `${withLetter(p.read)}B`,
      `${withLetter(p.written)}B`,
    ]),
    4,
  );
