import type { GpuSheet } from '../engine/device/gpu_sheets.ts';
import type { Lowered } from '../engine/program/lower.ts';
import type { Precision } from '../engine/program/precision.ts';
import type { MemoryLevel } from '../engine/program/recompute.ts';
import { showShape, topologicalOrder, type Shape, type StorageType, type Tensor } from '../engine/tensor.ts';
import { LAUNCH, type Bound, type StepEstimate } from '../models/gpu_estimate.ts';
import type { ModelCost } from '../vision/train/model_cost.ts';
import { showPipelines, type Pipeline } from './pipelines.ts';
import { describeOp, stepTensors, type Fusion } from './show_fusion.ts';
import { textTable } from '../vision/report/text_table.ts';
import { withLetter } from './with_letter.ts';

/** What `inspect` finds. Memory in bytes. */
export interface Inspection extends ModelCost {
  readonly model: string;
  readonly mode: 'forward' | 'training';
  readonly precision: Precision;
  readonly adapter: string;
  readonly memory: ModelCost['memory'] & {
    /** Of parameters, moments and program together, by how activations are stored; where the adapter has both. */
    readonly precisions?: Readonly<Record<Precision, number>>;
    /** Of parameters, moments and program together, by how much is computed again (`--memory`); training only. */
    readonly levels?: Readonly<Record<MemoryLevel, number>>;
  };
  /** Bytes that all steps together move, and the least that any schedule would: see `leastTraffic`. */
  readonly traffic: { readonly read: number; readonly written: number; readonly least: number };
  /** Of a run on another GPU, by its data sheet. */
  readonly estimate?: {
    readonly gpu: GpuSheet;
    readonly seconds: number;
    readonly imagesPerSecond: number;
    readonly bounds: readonly { readonly bound: Bound; readonly steps: number; readonly seconds: number }[];
  };
  /** Steps that only put axes into another order: none in a network whose images stay as they lie. */
  readonly transposes: number;
  readonly fused: readonly Fusion[];
  /** What could have been fused, and why it was not. */
  readonly notFused: readonly Fusion[];
  readonly listing?: readonly {
    readonly kernel: string;
    readonly tensor: string;
    readonly shape: Shape;
    readonly stored: StorageType;
    readonly workgroups: readonly number[];
    readonly flops: number;
    readonly read: number;
    readonly written: number;
    readonly estimate?: StepEstimate;
  }[];
  readonly pipelineListing?: readonly Pipeline[];
  readonly graph?: readonly string[];
}

/** How a program stores what a step makes. */
export const storedAs = (program: Pick<Lowered, 'buffers' | 'bufferOf'>, tensor: Tensor): StorageType =>
  program.buffers[program.bufferOf(tensor)]?.dtype ?? tensor.dtype;

/** A shape, and how it is stored where that is not as f32. */
const showStored = (shape: Shape, stored: StorageType): string =>
  `${showShape(shape)}${stored === 'f32' ? '' : ` ${stored}`}`;

/** The graph as it is computed, after rewriting: a line a tensor, inputs before their users. */
export function graphLines(program: Pick<Lowered, 'steps' | 'buffers' | 'bufferOf'>): string[] {
  const call = (t: Tensor) => t.name ?? `%${t.id}`;
  return topologicalOrder(stepTensors(program)).map((t) => {
    const names = t.names.length > 0 ? `  ${t.names.join(' = ')}` : '';
    const from = t.inputs.length > 0 ? ` <- ${t.inputs.map(call).join(', ')}` : '';
    return `%${t.id} ${describeOp(t)} ${showStored(t.shape, storedAs(program, t))}${from}${names}`;
  });
}

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

/** A line for each, the first with a title. */
const listed = (title: string, fusions: readonly Fusion[]) =>
  fusions.length === 0
    ? [[title, 'nothing']]
    : fusions.map(({ chain, count }, i) => [i === 0 ? title : '', `${count} x ${chain}`]);

/** What the steps move, an image, in millions of bytes. */
function trafficLine({ traffic: { read, written, least }, input: [batch] }: Inspection): string {
  const [all, reads, writes, bound] = [read + written, read, written, least].map((n) => (n / batch / 1e6).toFixed(1));
  return `${all} MB an image: ${reads} read, ${writes} written; ${bound} is the least for these ops, each tensor that must exist written once and read once`;
}

function estimateLines({ gpu, seconds, imagesPerSecond, bounds }: NonNullable<Inspection['estimate']>): string[][] {
  const ms = (s: number) => `${(1000 * s).toPrecision(3)} ms`;
  return [
    [
      'estimate',
      `${ms(seconds)}, ${imagesPerSecond < 100 ? imagesPerSecond.toPrecision(3) : Math.round(imagesPerSecond)} images/s on ${gpu.title}: arithmetic by its data sheet, not a measurement`,
    ],
    [
      '',
      `${(gpu.flops / 1e12).toFixed(1)} TFLOP/s, ${(gpu.bandwidth / 1e9).toFixed(0)} GB/s, ${1e6 * LAUNCH} µs a launch; no caches, no tensor cores`,
    ],
    [
      'bound by',
      bounds.map(({ bound, steps, seconds: held }) => `${bound} in ${steps} steps (${ms(held)})`).join(', '),
    ],
  ];
}

/** What the program takes in all by the options that trade memory. */
const choiceLines = ({ precisions, levels }: Inspection['memory']): string[][] => [
  ...(precisions
    ? [
        [
          'precision',
          (['f32', 'f16'] as const).map((name) => `${mebibytes(precisions[name])} in all with ${name}`).join(', '),
        ],
      ]
    : []),
  ...(levels
    ? [
        [
          'in all',
          (['full', 'low', 'lowest'] as const)
            .map((level) => `${mebibytes(levels[level])}${level === 'full' ? '' : ` with --memory ${level}`}`)
            .join(', '),
        ],
      ]
    : []),
];

function stepTable(listing: NonNullable<Inspection['listing']>, isEstimated: boolean): string {
  const rows = listing.map(({ kernel, tensor, shape, stored, workgroups, flops, read, written, estimate }, i) => [
    String(i),
    kernel,
    `${tensor} ${showStored(shape, stored)}`,
    workgroups.join(' x '),
    flops > 0 ? `${withLetter(flops)}FLOP` : '',
    `${withLetter(read)}B`,
    `${withLetter(written)}B`,
    ...(estimate ? [(1e6 * estimate.seconds).toFixed(1), estimate.bound] : []),
  ]);
  const columns = ['step', 'kernel', 'makes', 'workgroups', 'arithmetic', 'read', 'written'];
  return textTable([...columns, ...(isEstimated ? ['µs', 'bound by'] : [])], rows, 3);
}

export function showInspection(found: Inspection): string {
  const { memory, parameters } = found;
  const facts = [
    [
      'model',
      `${found.model}, ${found.mode === 'training' ? 'a training step with Adam' : 'forward'}, input ${showShape(found.input)}${found.precision === 'f16' ? ', activations stored as f16' : ''}`,
    ],
    [
      'parameters',
      `${withLetter(parameters.count).trim()} numbers, ${withLetter(parameters.trainable).trim()} trainable`,
    ],
    ['arithmetic', `${withLetter(found.flops)}FLOP: convolutions and matrix products, two a multiply-add`],
    [
      'memory',
      `${mebibytes(memory.parameters)} parameters${memory.moments > 0 ? `, ${mebibytes(memory.moments)} Adam's moments` : ''}, ${mebibytes(memory.program)} program`,
    ],
    [
      'temporaries',
      `${mebibytes(memory.temporaries)} in ${memory.buffers} buffers; ${mebibytes(memory.lowerBound)} is the least this order of steps can need`,
    ],
    ...choiceLines(memory),
    ['traffic', trafficLine(found)],
    ...(found.estimate ? estimateLines(found.estimate) : []),
    ...(found.obstacle ? [['obstacle', found.obstacle]] : []),
    ['steps', `${found.steps}, by ${found.pipelines} pipelines; transposes: ${found.transposes}`],
    ...listed('fused', found.fused),
    ...listed('not fused', found.notFused),
  ];
  const parts = [facts.map(([name, value]) => `${name.padEnd(12)}${value}`).join('\n')];
  if (found.listing) parts.push(stepTable(found.listing, found.estimate !== undefined));
  if (found.pipelineListing) parts.push(showPipelines(found.pipelineListing));
  if (found.graph) parts.push(found.graph.join('\n'));
  return parts.join('\n\n');
}
