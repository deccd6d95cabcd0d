import type { Lowered } from '../engine/program/lower.ts';
import type { Precision } from '../engine/program/precision.ts';
import type { MemoryLevel } from '../engine/program/recompute.ts';
import { showShape, topologicalOrder, type Shape, type StorageType, type Tensor } from '../engine/tensor.ts';
import type { ModelCost } from '../vision/train/model_cost.ts';
import { describeOp, stepTensors, type Fusion } from './show_fusion.ts';
import { textTable } from '../vision/report/text_table.ts';

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
  }[];
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

/** An amount with three digits and a letter: 0.77 G, 12.3 M. */
export function withLetter(n: number): string {
  for (const [size, letter] of [
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const)
    if (n >= size) return `${Number((n / size).toPrecision(3))} ${letter}`;
  return `${n} `;
}

/** A line for each, the first with a title. */
const listed = (title: string, fusions: readonly Fusion[]) =>
  fusions.length === 0
    ? [[title, 'nothing']]
    : fusions.map(({ chain, count }, i) => [i === 0 ? title : '', `${count} x ${chain}`]);

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
    ...(memory.precisions
      ? [
          [
            'precision',
            (['f32', 'f16'] as const)
              .map((name) => `${mebibytes(memory.precisions![name])} in all with ${name}`)
              .join(', '),
          ],
        ]
      : []),
    ...(memory.levels
      ? [
          [
            'in all',
            (['full', 'low', 'lowest'] as const)
              .map((level) => `${mebibytes(memory.levels![level])}${level === 'full' ? '' : ` with --memory ${level}`}`)
              .join(', '),
          ],
        ]
      : []),
    ...(found.obstacle ? [['obstacle', found.obstacle]] : []),
    ['steps', `${found.steps}, by ${found.pipelines} pipelines`],
    ...listed('fused', found.fused),
    ...listed('not fused', found.notFused),
  ];
  const parts = [facts.map(([name, value]) => `${name.padEnd(12)}${value}`).join('\n')];
  if (found.listing) {
    const rows = found.listing.map(({ kernel, tensor, shape, stored, workgroups, flops }, i) => [
      String(i),
      kernel,
      `${tensor} ${showStored(shape, stored)}`,
      workgroups.join(' x '),
      flops > 0 ? `${withLetter(flops)}FLOP` : '',
    ]);
    parts.push(textTable(['step', 'kernel', 'makes', 'workgroups', 'arithmetic'], rows, 3));
  }
  if (found.graph) parts.push(found.graph.join('\n'));
  return parts.join('\n\n');
}
