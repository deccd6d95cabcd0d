import type { ConvGeometry } from '../../engine/ops/conv_geometry.ts';
import { input } from '../../engine/ops/leaves.ts';
import type { PointwiseAttributes } from '../../engine/ops/pointwise.ts';
import { sizeOf, topologicalOrder, type Tensor } from '../../engine/tensor.ts';
import { efficientNet } from '../../models/efficientnet.ts';
import { efficientNetConfig } from '../../models/efficientnet_table.ts';
import { applySegments, type Network } from '../../models/network.ts';
import { vgg } from '../../models/vgg.ts';
import { makeCase } from './cases.ts';
import { GROUPS, type Group, type Layer } from './layer.ts';

/**
 * The graph of a network in training, for images of so many pixels a side. Its parameters are inputs: only shapes are
 * asked for.
 */
function graphOf(network: Network, batch: number, size: number): Tensor {
  const shapes = new Map(network.specs.map(({ name, shape }) => [name, shape]));
  const parameters = { tensor: (name: string) => input(name, shapes.get(name)!) };
  return applySegments(network.segments, input('x', [batch, size, size, 3]), { parameters, batchNorm: 'batch' });
}

/** The layer that a node of a graph is; undefined for what is not measured. */
function layerOf(t: Tensor, network: Group): Layer | undefined {
  const [x, w] = t.inputs;
  const weightName = (w?.name ?? '').replace(/\.w$/, '');
  switch (t.op.name) {
    case 'conv2d':
      return {
        group: network,
        name: weightName,
        kind: 'conv2d',
        x: x.shape,
        w: w.shape,
        stride: (t.attrs as unknown as ConvGeometry).strideH,
      };
    case 'depthwise_conv2d':
      return {
        group: network,
        name: weightName,
        kind: 'depthwise_conv2d',
        x: x.shape,
        w: w.shape,
        stride: (t.attrs as unknown as { geometry: ConvGeometry }).geometry.strideH,
      };
    case 'matmul':
      return { group: network, name: weightName, kind: 'matmul', x: x.shape, w: w.shape };
    case 'batch_norm_apply':
      return {
        group: 'norm',
        name: `${network} ${t.inputs[2].name!.replace(/\.gamma$/, '')}`,
        kind: 'batch_norm',
        x: x.shape,
        activation: t.attrs['activation'] as Layer['activation'],
      };
    case 'max_pool2d': {
      const { filterH, filterW, strideH } = (t.attrs as unknown as { geometry: ConvGeometry }).geometry;
      return {
        group: 'pool',
        name: `${network} ${x.name ?? 'last block'}`,
        kind: 'max_pool2d',
        x: x.shape,
        w: [filterH, filterW],
        stride: strideH,
      };
    }
    case 'pointwise': {
      const [{ op, mode }] = (t.attrs as unknown as PointwiseAttributes).stages;
      return op === 'add' && mode === 'full'
        ? { group: 'pointwise', name: `residual ${t.name}`, kind: 'add', x: x.shape }
        : undefined;
    }
    default:
      return undefined;
  }
}

const layersOfGraph = (root: Tensor, network: Group): Layer[] =>
  topologicalOrder([root])
    .map((t) => layerOf(t, network))
    .filter((layer) => layer !== undefined);

/**
 * SiLU as an op of its own (in the networks batch norm brings it along), at the largest, the middle and the smallest of
 * its tensors.
 */
function siluLayers(norms: readonly Layer[]): Layer[] {
  const bySize = norms.filter(({ activation }) => activation === 'silu').sort((a, b) => sizeOf(b.x) - sizeOf(a.x));
  return [0, bySize.length >> 1, bySize.length - 1].map((i) => ({
    group: 'pointwise',
    name: `silu ${bySize[i].name}`,
    kind: 'silu',
    x: bySize[i].x,
  }));
}

/**
 * Weights updated at once, as many as in B0's smallest vector, B0's classifier and VGG16's second fully connected
 * layer.
 */
const ADAM_SIZES = { 'B0 stem.bn': 32, 'B0 classifier': 1_280_000, 'VGG16 tail.1': 4096 * 4096 };

/**
 * Grouped convolutions of a ResNeXt-50 32x4d (Xie et al. 2017), by torchvision's names: of four and of eight channels a
 * group, the second with stride 2.
 */
const resnextLayers = (batch: number): Layer[] => [
  {
    group: 'resnext50',
    name: 'layer1.0.conv2',
    kind: 'conv2d',
    x: [batch, 56, 56, 128],
    w: [3, 3, 4, 128],
    stride: 1,
    groups: 32,
  },
  {
    group: 'resnext50',
    name: 'layer2.0.conv2',
    kind: 'conv2d',
    x: [batch, 56, 56, 256],
    w: [3, 3, 8, 256],
    stride: 2,
    groups: 32,
  },
];

const b0Layers = (batch: number, size: number): Layer[] =>
  layersOfGraph(
    graphOf(efficientNet(efficientNetConfig('b0', 1000), { padding: 'same', bnEpsilon: 1e-3 }), batch, size),
    'b0',
  );

/** EfficientNet-B0 as a whole, on images of so many pixels a side: the work of `bench models` and `bench train`. */
export function wholeNetwork(batch: number, size: number): Layer {
  const flops = b0Layers(batch, size)
    .map((layer) => makeCase(layer, 'forward').flops)
    .reduce((a, b) => a + b);
  return { group: 'whole', name: 'EfficientNet-B0', kind: 'network', x: [batch, size, size, 3], flops };
}

/**
 * Every distinct layer of the networks at this batch size, those of a network in its order, and what is measured beside
 * them.
 */
export function allLayers(batch: number): Layer[] {
  const b0 = b0Layers(batch, 224);
  const vgg16 = layersOfGraph(graphOf(vgg('vgg16', 1000), batch, 224), 'vgg16');
  const galaxyVgg = layersOfGraph(graphOf(vgg('galaxy_vgg', 2), batch, 128), 'galaxy_vgg');
  const distinct = new Map<string, Layer>();
  const layers: Layer[] = [
    ...b0,
    ...vgg16,
    ...galaxyVgg,
    ...resnextLayers(batch),
    ...siluLayers(b0),
    ...[256, 512, 1024, 2048, 4096].map(
      (n): Layer => ({ group: 'matmul', name: `${n} x ${n}`, kind: 'matmul', x: [n, n], w: [n, n] }),
    ),
    ...Object.entries(ADAM_SIZES).map(
      ([name, size]): Layer => ({ group: 'optimizer', name: `adam ${name}`, kind: 'adam', x: [size] }),
    ),
  ];
  for (const layer of layers) {
    const key = JSON.stringify({ ...layer, name: undefined });
    if (!distinct.has(key)) distinct.set(key, layer);
  }
  return [...distinct.values()].sort((a, b) => GROUPS.indexOf(a.group as Group) - GROUPS.indexOf(b.group as Group));
}
