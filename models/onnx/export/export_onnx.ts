import {
  checkNumber,
  checkOneOf,
  checkOptions,
  checkWhole,
  show,
  type Known as KnownOptions,
} from '../../../engine/check.ts';
import { constantArray, constant, input } from '../../../engine/ops/leaves.ts';
import { div, sub } from '../../../engine/ops/pointwise.ts';
import { slice } from '../../../engine/ops/slice.ts';
import { topologicalOrder, type Tensor } from '../../../engine/tensor.ts';
import { UserError } from '../../../engine/user_error.ts';
import { applySegments, type Network } from '../../network.ts';
import type { Normalisation } from '../../normalisation.ts';
import { plainOrder } from '../value.ts';
import { graphOfAnyBatch } from './batch.ts';
import { Ref, type Known } from './draft.ts';
import { fileOf } from './file.ts';
import { WRITERS } from './ops/ops.ts';
import { NCHW } from './ops/windows.ts';
import { GraphWriter } from './writer.ts';

/** What the ONNX file takes, gives and says. */
export interface ExportOnnxOptions {
  /** The sides of the images: one number, or [height, width]. */
  readonly size: number | readonly [number, number];
  /** Of an image; 3 when absent. */
  readonly channels?: number;
  /** In which order the file takes images, and gives them where it does; NCHW when absent. */
  readonly layout?: 'NCHW' | 'NHWC';
  /**
   * What the file gives instead of `logits`: an output called `name`, made of them by `of`, as `softmax` makes
   * probabilities.
   */
  readonly answer?: {
    readonly name: string;
    /** Makes the output of the logits [N, K]. */
    readonly of: (logits: Tensor) => Tensor;
  };
  /**
   * The file takes pixels as they are, red first, up to `most` (1 or 255), and brings them within into what the network
   * wants.
   */
  readonly preprocess?: Normalisation & { readonly most: 1 | 255 };
  /** What whoever reads the file should know, as text by key. */
  readonly metadata?: Readonly<Record<string, string>>;
}

const OPTIONS: KnownOptions<ExportOnnxOptions> = {
  size: true,
  channels: true,
  layout: true,
  answer: true,
  preprocess: true,
  metadata: true,
};

const PREPROCESS: KnownOptions<NonNullable<ExportOnnxOptions['preprocess']>> = {
  most: true,
  mean: true,
  std: true,
  channels: true,
};

/** A network and the numbers of all its parameters, of `buildModel`, `loadOnnx`, or as `ParameterSet.read` gives. */
export interface Exportable {
  readonly network: Network;
  readonly weights: ReadonlyMap<string, Float32Array | { readonly data: Float32Array }>;
}

/**
 * The bytes of an ONNX file (opset 17) that computes what the network does at inference: from `input` [N, C, H, W],
 * normalised, to `logits` [N, K], for any batch N. Segments, parameters and named tensors keep their names. The same
 * network gives the same bytes.
 * @throws UserError where a parameter has no values, or the network computes what ONNX has no op for
 */
export function exportOnnx({ network, weights }: Exportable, options: ExportOnnxOptions): Uint8Array {
  checkOptions('exportOnnx', options, OPTIONS);
  const { size, channels = 3, layout = 'NCHW', answer, preprocess, metadata = {} } = options;
  const [height, width] = Array.isArray(size) ? (size as readonly number[]) : [size as number, size as number];
  for (const [name, n] of Object.entries({ height, width, channels })) checkWhole('exportOnnx', name, n, 1);
  checkOneOf('exportOnnx', 'layout', layout, ['NCHW', 'NHWC']);
  const parameters = new FileParameters(network, weights);
  const { x, y, logits, batch } = graphOfAnyBatch((n) => {
    const images = input('input', [n, height, width, channels]);
    const ready = preprocess ? normalised(images, preprocess) : images;
    const logits = applySegments(network.segments, ready, { parameters, batchNorm: 'running' });
    if (answer && logits.names.length === 0) logits.named('logits');
    return { x: images, logits, y: answer ? answer.of(logits) : logits };
  });
  if (y.dtype !== 'f32') throw new UserError(`exportOnnx: ${network.name} gives whole numbers, and files give f32`);
  const axes = layout === 'NCHW' ? NCHW : plainOrder(4);
  const writer = written(x, y, batch, axes, parameters);
  const value = y.shape.length === 4 ? writer.arranged(writer.of(y), axes) : writer.arranged(writer.of(y));
  // Only what a node gives has a name of its own.
  const ref = value.node ? value : writer.node('Identity', [value], value.dims);
  const output = { name: answer?.name ?? 'logits', ref };
  return fileOf(writer, output, { name: network.name, metadata, ...(answer && { logits: writer.of(logits) }) });
}

/** Pixels as the network wants them. */
function normalised(x: Tensor, preprocess: NonNullable<ExportOnnxOptions['preprocess']>): Tensor {
  const { most, mean, std, channels } = preprocess;
  checkOptions('exportOnnx', preprocess, PREPROCESS);
  checkOneOf('exportOnnx', 'preprocess.most', most, [1, 255]);
  checkOneOf('exportOnnx', 'preprocess.channels', channels, ['bgr']);
  const perChannel = (name: string, list: readonly number[]) => {
    if (!Array.isArray(list) || list.length !== x.shape[3])
      throw new UserError(
        `exportOnnx: preprocess.${name} must be ${x.shape[3]} numbers, one a channel, not ${show(list)}`,
      );
    list.forEach((n) => checkNumber('exportOnnx', `preprocess.${name}`, n));
    return constant(
      Float32Array.from(list, (n) => n * most),
      [list.length],
    );
  };
  const y = div(sub(x, perChannel('mean', mean)), perChannel('std', std));
  return channels === 'bgr' ? slice(y, [0, 0, 0, x.shape[3] - 1], y.shape, [1, 1, 1, -1]) : y;
}

/** Goes through the graph and writes each tensor of it. */
function written(
  x: Tensor,
  y: Tensor,
  batch: number,
  layout: readonly number[],
  parameters: FileParameters,
): GraphWriter {
  const tensors = topologicalOrder([y]);
  checkTensors(tensors.filter((t) => t !== x && !parameters.of(t)));
  const readers = new Map<Tensor, number>([[y, 1]]);
  for (const { inputs } of tensors) for (const t of inputs) readers.set(t, (readers.get(t) ?? 0) + 1);
  const images = new Ref(layout.map((axis) => x.shape[axis]));
  images.name = 'input';
  const writer = new GraphWriter(batch, images, readers);
  writer.set(x, { kind: 'placed', shape: x.shape, order: layout, ref: images });
  for (const t of tensors) {
    if (t === x) continue;
    const leaf = parameters.of(t) ?? constantOf(t);
    if (leaf) {
      writer.set(t, leaf);
      continue;
    }
    const value = WRITERS[t.op.name](writer, t);
    writer.set(t, value);
    // A name is a tensor's that a node gives here; a view that needs none has no name in the file.
    if (value.kind === 'placed') writer.nameAs(t, value.ref);
  }
  return writer;
}

/** @throws UserError naming all ops that cannot be written, or what is read beside the images */
function checkTensors(tensors: readonly Tensor[]): void {
  const ops = new Set(tensors.map(({ op }) => op.name).filter((op) => !Object.hasOwn(WRITERS, op)));
  for (const leaf of ['constant', 'input']) ops.delete(leaf);
  if (ops.size > 0)
    throw new UserError(
      `exportOnnx: the network computes ${[...ops].join(', ')}, and there is no way here to write that`,
    );
  const other = tensors.find(({ op }) => op.leaf === 'input');
  if (other)
    throw new UserError(
      `exportOnnx: the network reads the input ${other.names[0]} beside its images, and files here read them alone`,
    );
}

function constantOf(t: Tensor): Known | undefined {
  if (t.op.name !== 'constant') return undefined;
  const { value } = t.attrs as { value: number };
  return { kind: 'known', shape: t.shape, data: constantArray(t) ?? value };
}

/** Stands for the parameters while the network is described, and knows their values. */
class FileParameters {
  private readonly tensors = new Map<string, Tensor>();
  private readonly known = new Map<Tensor, Known>();

  constructor(
    private readonly network: Network,
    private readonly weights: Exportable['weights'],
  ) {}

  /** The leaf of this name. Batch norm's `stats` are its mean and its variance. */
  tensor(name: string): Tensor {
    const made = this.tensors.get(name);
    if (made) return made;
    const spec = this.network.specs.find((each) => each.name === name);
    const parts = spec ? [name] : ['mean', 'var'].map((kind) => name.replace(/stats$/, kind));
    const shape = this.network.specs.find((each) => each.name === parts[0])?.shape;
    if (!shape) throw new UserError(`exportOnnx: ${this.network.name} has no parameter ${name}`);
    const values = parts.map((part) => this.values(part));
    const data = values.length === 1 ? values[0] : Float32Array.from(values.flatMap((v) => [...v]));
    const t = input(name, spec ? shape : [2, ...shape]);
    if (data.length !== t.size)
      throw new UserError(`exportOnnx: ${name} has ${data.length} values for [${t.shape.join(', ')}]`);
    this.tensors.set(name, t);
    this.known.set(t, { kind: 'known', shape: t.shape, data, name });
    return t;
  }

  private values(name: string): Float32Array {
    const held = this.weights.get(name);
    if (!held) throw new UserError(`exportOnnx: there are no values of the parameter ${name}`);
    return held instanceof Float32Array ? held : held.data;
  }

  of(t: Tensor): Known | undefined {
    return this.known.get(t);
  }
}
