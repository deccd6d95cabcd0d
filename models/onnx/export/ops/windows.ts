import type { ConvGeometry } from '../../../../engine/ops/conv_geometry.ts';
import type { Tensor } from '../../../../engine/tensor.ts';
import { physical } from '../../layout.ts';
import { plainOrder } from '../../value.ts';
import type { Attributes, Placed, Ref, Written } from '../draft.ts';
import { stemOf } from '../names.ts';
import type { GraphWriter } from '../writer.ts';

/** In which order ONNX has the dimensions of an image [N, H, W, C]: [N, C, H, W]. */
export const NCHW: readonly number[] = [0, 3, 1, 2];

/** ONNX's order of the dimensions of [N, ..., C]. */
export const channelsFirst = (rank: number): number[] => [0, rank - 1, ...plainOrder(rank - 1).slice(1)];

const windowAttributes = (g: ConvGeometry): Attributes => ({
  kernel_shape: [g.filterH, g.filterW],
  strides: [g.strideH, g.strideW],
  pads: [g.padTop, g.padLeft, g.padBottom, g.padRight],
});

const convAttributes = (g: ConvGeometry): Attributes => ({
  ...windowAttributes(g),
  dilations: [g.dilationH, g.dilationW],
  group: g.groups,
});

/** A value of NCHW images. */
// biome-ignore lint/complexity/useMaxParams: the last four are those of a node
const image = (
  w: GraphWriter,
  t: Tensor,
  op: string,
  inputs: readonly Ref[],
  attributes: Attributes = {},
  name?: string,
): Placed => ({
  kind: 'placed',
  shape: t.shape,
  order: NCHW,
  ref: w.node(op, inputs, physical(t.shape, NCHW), attributes, name),
});

/** A filter [r, s, c, k] in ONNX's order [k, c, r, s]; so is that of a transposed convolution, which makes c of k. */
const OIHW: readonly number[] = [3, 2, 0, 1];

/** How much longer the output is than the windows of a transposed convolution reach. */
function outputPadding(g: ConvGeometry): [number, number] {
  // biome-ignore lint/complexity/useMaxParams: the numbers of one axis
  const behind = (inside: number, outs: number, size: number, stride: number, dilation: number, pads: number) =>
    inside + pads - ((outs - 1) * stride + (size - 1) * dilation + 1);
  return [
    behind(g.inH, g.outH, g.filterH, g.strideH, g.dilationH, g.padTop + g.padBottom),
    behind(g.inW, g.outW, g.filterW, g.strideW, g.dilationW, g.padLeft + g.padRight),
  ];
}

/**
 * A convolution, of each channel by itself where the filter is [r, s, C]; or the cotangent of its input, which others
 * call a transposed convolution.
 */
export function writeConv(w: GraphWriter, t: Tensor): Written {
  const { geometry = t.attrs as unknown as ConvGeometry } = t.attrs as { geometry?: ConvGeometry };
  const [x, filter] = t.inputs.map((each) => w.of(each));
  const [r, s, c] = filter.shape;
  const whole = filter.shape.length === 3 ? w.reshaped(filter, [r, s, 1, c]) : filter;
  const isTransposed = t.op.name.endsWith('_input_grad');
  const attributes = {
    ...convAttributes(geometry),
    ...(isTransposed && { output_padding: outputPadding(geometry) }),
  };
  const inputs = [w.arranged(x, NCHW), w.arranged(whole, OIHW)];
  const name = filter.kind === 'known' ? stemOf(filter.name) : undefined;
  return image(w, t, isTransposed ? 'ConvTranspose' : 'Conv', inputs, attributes, name);
}

/** Of a pool: dilations and rounding up where there are any. */
function poolAttributes(w: GraphWriter, t: Tensor, g: ConvGeometry): Attributes {
  const dilations = [g.dilationH, g.dilationW];
  const outs = (inside: number, size: number, stride: number, dilation: number, pads: number) =>
    Math.floor((inside + pads - (size - 1) * dilation - 1) / stride) + 1;
  const isCut =
    outs(g.inH, g.filterH, g.strideH, g.dilationH, g.padTop + g.padBottom) === g.outH &&
    outs(g.inW, g.filterW, g.strideW, g.dilationW, g.padLeft + g.padRight) === g.outW;
  const isDilated = dilations.some((d) => d !== 1);
  // Opset 19 brings dilated averages.
  if (isDilated && t.op.name !== 'max_pool2d') return w.refuse(t, 'averages with dilations in opset 17');
  return { ...windowAttributes(g), ...(isDilated && { dilations }), ...(!isCut && { ceil_mode: 1 }) };
}

export function writeMaxPool(w: GraphWriter, t: Tensor): Written {
  const { geometry } = t.attrs as unknown as { geometry: ConvGeometry };
  return image(w, t, 'MaxPool', [w.arranged(w.of(t.inputs[0]), NCHW)], poolAttributes(w, t, geometry));
}

export function writeAveragePool(w: GraphWriter, t: Tensor): Written {
  const { geometry, countPadding } = t.attrs as unknown as { geometry: ConvGeometry; countPadding: boolean };
  const attributes = { ...poolAttributes(w, t, geometry), count_include_pad: countPadding ? 1 : 0 };
  return image(w, t, 'AveragePool', [w.arranged(w.of(t.inputs[0]), NCHW)], attributes);
}

/**
 * Averages over windows that differ in size are a product with a matrix [H·W, Ho·Wo]; over windows that are alike, a
 * pooling.
 */
export function writeAdaptivePool(w: GraphWriter, t: Tensor): Written {
  const x = w.of(t.inputs[0]);
  const [, h, wide, c] = x.shape;
  const [batch, ho, wo] = t.shape;
  if (h === ho && wide === wo) return x;
  const from = w.arranged(x, NCHW);
  if (ho === 1 && wo === 1) return image(w, t, 'GlobalAveragePool', [from]);
  if (h % ho === 0 && wide % wo === 0) {
    const size = [h / ho, wide / wo];
    return image(w, t, 'AveragePool', [from], { kernel_shape: size, strides: size });
  }
  const shares = outer(sharesOf(h, ho), sharesOf(wide, wo));
  const matrix = w.floats(shares, [h * wide, ho * wo]);
  const rows = w.reshape(from, [batch, c, h * wide]);
  const averages = w.node('MatMul', [rows, matrix], [batch, c, ho * wo]);
  return { kind: 'placed', shape: t.shape, order: NCHW, ref: w.reshape(averages, physical(t.shape, NCHW)) };
}

/** [length, outs]: the share that each place has in each average. */
function sharesOf(length: number, outs: number): number[][] {
  return Array.from({ length }, (_, i) =>
    Array.from({ length: outs }, (__, o) => {
      const [begin, end] = [Math.floor((o * length) / outs), Math.ceil(((o + 1) * length) / outs)];
      return i >= begin && i < end ? 1 / (end - begin) : 0;
    }),
  );
}

/** [H, Ho] and [W, Wo] to [H·W, Ho·Wo]. */
const outer = (rows: readonly (readonly number[])[], columns: readonly (readonly number[])[]): Float32Array =>
  Float32Array.from(rows.flatMap((r) => columns.flatMap((c) => r.flatMap((a) => c.map((b) => a * b)))));
