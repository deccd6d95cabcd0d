import { textTable } from '../../vision/report/text_table.ts';
import { blocksOf, type DriverReport } from './listing.ts';
import { multiplyAddShare } from './loops.ts';

/** A pipeline that was given to the driver. */
export interface CompiledPipeline {
  /** The name of the driver's report. */
  readonly id: string;
  readonly kernel: string;
  readonly overrides: Readonly<Record<string, number>>;
  /** Whether it reads or writes f16. */
  readonly half: boolean;
  /** Of all steps of all programs that use it. */
  readonly flops: number;
  readonly bytes: number;
  /** Why it did not compile. */
  readonly error?: string;
}

/** A kernel on a GPU. */
export interface Row {
  /** With what is special about it. */
  readonly kernel: string;
  /** Of the pipeline that does most: registers of a thread, and what runs at a time (see ladder_gpu.md). */
  readonly registers: number;
  readonly waves: number;
  /** The most of any of its pipelines. */
  readonly spills: number;
  /** Of the pipeline that does most; null for kernels that are no products and drivers that list no instructions. */
  readonly share: number | null;
}

/** By GPU: the compilers' version, and the rows. */
export type Table = Readonly<Record<string, { readonly mesa: string; readonly rows: readonly Row[] }>>;

/** Names of the same statistic, by driver: RADV, NVK, Honeykrisp, Turnip, ANV (halves of registers, and lanes). */
const REGISTERS = ['VGPRs', 'Number of GPRs', 'GPRs', 'Registers used', 'Max live registers'];
const WAVES = ['Subgroups per SIMD', 'Max warps/SM', 'Threads', 'Max Waves Per Core', 'Max dispatch width'];
const SPILLS = ['Spilled VGPRs', 'Spills to memory', 'Spills', 'STP Count'];

function statistic({ statistics }: DriverReport, names: readonly string[]): number {
  const name = names.find((each) => statistics.has(each));
  if (name === undefined) throw new Error(`the driver tells none of ${names.join(', ')}`);
  return statistics.get(name)!;
}

/** Overrides that say what is computed; the others say how, and change with the tiles that are chosen. */
const WHAT = ['FILTER', 'STRIDE', 'FLIP', 'NORMALISED', 'GATED', 'LEFT_TRANSPOSED', 'RIGHT_TRANSPOSED'];

/** A kernel and what it computes: `depthwise_conv2d_forward_v3 filter 5 stride 2 normalised f16`. */
export function rowName({ kernel, overrides, half }: Pick<CompiledPipeline, 'kernel' | 'overrides' | 'half'>): string {
  const words = WHAT.filter((name) => overrides[name]).map((name) => {
    const word = name.toLowerCase().replace('_', ' ');
    return /FILTER|STRIDE/.test(name) ? `${word} ${overrides[name]}` : word;
  });
  return [kernel, ...words, ...(half ? ['f16'] : [])].join(' ');
}

/**
 * How often the loop that multiplies runs in a round of the one around it: of a staged product as often as its tile has
 * vec4s of depth, of others nobody knows.
 */
const tripsOf = ({ kernel, overrides }: CompiledPipeline): number =>
  /_workgroup(_normalised)?(_summed)?$/.test(kernel) ? (overrides['DEPTH'] ?? 4) : 8;

function shareOf(pipeline: CompiledPipeline, report: DriverReport): number | null {
  const blocks = pipeline.flops > 0 ? blocksOf(report) : null;
  return blocks && Number(multiplyAddShare(blocks, tripsOf(pipeline)).toFixed(3));
}

const doesMore = (a: CompiledPipeline, b: CompiledPipeline): boolean =>
  a.flops === b.flops ? a.bytes > b.bytes : a.flops > b.flops;

/** A row for each kernel, by name. Pipelines that did not compile are left out. */
export function tableRows(compiled: readonly (readonly [CompiledPipeline, DriverReport])[]): Row[] {
  const kernels = new Map<string, (typeof compiled)[number][]>();
  for (const one of compiled) {
    const name = rowName(one[0]);
    kernels.set(name, [...(kernels.get(name) ?? []), one]);
  }
  return [...kernels.keys()].sort().map((kernel) => {
    const all = kernels.get(kernel)!;
    const [most, report] = all.reduce((a, b) => (doesMore(b[0], a[0]) ? b : a));
    return {
      kernel,
      registers: statistic(report, REGISTERS),
      waves: statistic(report, WAVES),
      spills: Math.max(...all.map(([, each]) => statistic(each, SPILLS))),
      share: shareOf(most, report),
    };
  });
}

const COLUMNS = ['kernel', 'registers', 'waves', 'spills', 'share'];

/** A line a kernel; a dash where there is no share. */
export const showRows = (rows: readonly Row[]): string =>
  textTable(
    COLUMNS,
    rows.map(({ kernel, registers, waves, spills, share }) => [
      kernel,
      String(registers),
      String(waves),
      String(spills),
      share === null ? '-' : share.toFixed(2),
    ]),
  );
