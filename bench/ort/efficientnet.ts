import { efficientNetShape, type BlockSpec } from '../../models/efficientnet_table.ts';
import { BATCH_NORM_EPSILON, CONFIG, SPECS } from '../job_data.ts';
import { permuted } from '../permuted.ts';
import { OnnxGraph } from './onnx.ts';

/**
 * EfficientNet-B0 for inference as an ONNX model: input `x` [batch, 3, size, size], output `logits` [batch, classes].
 * Padding is SAME_UPPER, TensorFlow's SAME.
 */
export function efficientNetOnnx(weights: ReadonlyMap<string, Float32Array>, batch: number, size: number): Uint8Array {
  const g = new OnnxGraph();
  const shapes = new Map(SPECS.map(({ name, shape }) => [name, shape]));
  const constant = (name: string, shape: readonly number[] = shapes.get(name)!): string =>
    g.constant(name, shape, weights.get(name)!);
  const swish = (y: string): string => g.node('Mul', [y, g.node('Sigmoid', [y])]);

  const conv = (y: string, name: string, stride = 1, bias?: string): string => {
    const [r, s, c, k] = shapes.get(name)!;
    // Ours are HWIO, depthwise [r, s, c]; ONNX wants OIHW, depthwise [c, 1, r, s].
    const filter =
      k === undefined
        ? g.constant(name, [c, 1, r, s], permuted(weights.get(name)!, [r, s, c], [2, 0, 1]))
        : g.constant(name, [k, c, r, s], permuted(weights.get(name)!, [r, s, c, k], [3, 2, 0, 1]));
    return g.node('Conv', [y, filter, ...(bias === undefined ? [] : [constant(bias)])], {
      auto_pad: 'SAME_UPPER',
      kernel_shape: [r, s],
      strides: [stride, stride],
      group: k === undefined ? c : 1,
    });
  };
  const normalise = (y: string, name: string): string =>
    g.node('BatchNormalization', [y, ...['gamma', 'beta', 'mean', 'var'].map((part) => constant(`${name}.${part}`))], {
      epsilon: { float: BATCH_NORM_EPSILON },
    });

  const block = (x: string, { index, expands, residual, stride }: BlockSpec): string => {
    const at = `blocks.${index}`;
    let y = expands ? swish(normalise(conv(x, `${at}.expand.w`), `${at}.expand_bn`)) : x;
    y = swish(normalise(conv(y, `${at}.depthwise.w`, stride), `${at}.depthwise_bn`));
    const squeezed = swish(conv(g.node('GlobalAveragePool', [y]), `${at}.se_reduce.w`, 1, `${at}.se_reduce.b`));
    y = g.node('Mul', [y, g.node('Sigmoid', [conv(squeezed, `${at}.se_expand.w`, 1, `${at}.se_expand.b`)])]);
    y = normalise(conv(y, `${at}.project.w`), `${at}.project_bn`);
    return residual ? g.node('Add', [y, x]) : y;
  };

  const stem = swish(normalise(conv(g.input('x', [batch, 3, size, size]), 'stem.conv.w', 2), 'stem.bn'));
  const trunk = efficientNetShape(CONFIG).blocks.reduce(block, stem);
  const head = swish(normalise(conv(trunk, 'head.conv.w'), 'head.bn'));
  const features = g.node('Flatten', [g.node('GlobalAveragePool', [head])]);
  g.output(g.node('Gemm', [features, constant('classifier.w'), constant('classifier.b')], {}, 'logits'), [
    batch,
    CONFIG.classes,
  ]);
  return g.model();
}
