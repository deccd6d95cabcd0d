import { RandomStream, hashText } from '../../engine/random.ts';
import { sizeOf, type Shape } from '../../engine/tensor.ts';
import type { Kind, Layer } from './layer.ts';

/**
 * What is computed of a layer. `backward`: all gradients of a layer that has several, the forward pass's statistics
 * given. `training`: forward pass and all gradients together, for engines that cannot be asked for a gradient alone.
 */
export type Direction = 'forward' | 'input_grad' | 'filter_grad' | 'backward' | 'training' | 'update';

const DIRECTIONS: Readonly<Record<Kind, readonly Direction[]>> = {
  conv2d: ['forward', 'input_grad', 'filter_grad'],
  depthwise_conv2d: ['forward', 'input_grad', 'filter_grad'],
  matmul: ['forward', 'input_grad', 'filter_grad'],
  batch_norm: ['forward', 'backward', 'training'],
  max_pool2d: ['forward', 'input_grad'],
  silu: ['forward', 'input_grad', 'training'],
  add: ['forward'],
  adam: ['update'],
  copy: ['forward'],
  fma: ['forward'],
  network: ['forward', 'training'],
};

/** An operand or a result by its name: x, w, y, dy, dx, dw, and what batch norm and Adam call theirs. */
export interface Named {
  readonly name: string;
  readonly shape: Shape;
}

/** One thing to measure. Plain data: it is sent to every engine's process. */
export interface Case {
  readonly layer: Layer;
  readonly direction: Direction;
  readonly operands: readonly Named[];
  readonly results: readonly Named[];
  /** Floating point operations: 2 for a multiply-add of a convolution or a product; 0 for what is bound by memory. */
  readonly flops: number;
  /** Every operand read once and every result written once: what cannot be avoided. */
  readonly bytes: number;
}

export const EPSILON = 1e-3;
export const ADAM = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, rate: 1e-3 } as const;
/** Multiply-adds in a chain of `fma`. */
export const FMA_COUNT = 1024;

/** The shape of y. */
export function outputShape({ kind, x, w, stride = 1 }: Layer): Shape {
  const slid = (channels: number): Shape => [x[0], Math.ceil(x[1] / stride), Math.ceil(x[2] / stride), channels];
  switch (kind) {
    case 'conv2d':
      return slid(w![3]);
    case 'depthwise_conv2d':
    case 'max_pool2d':
      return slid(x[3]);
    case 'matmul':
      return [x[0], w![1]];
    default:
      return x;
  }
}

function flopsOf(layer: Layer): number {
  const { kind, x, w } = layer;
  const outputs = sizeOf(outputShape(layer));
  switch (kind) {
    case 'conv2d':
      return 2 * outputs * w![0] * w![1] * w![2];
    case 'depthwise_conv2d':
      return 2 * outputs * w![0] * w![1];
    case 'matmul':
      return 2 * outputs * w![0];
    case 'fma':
      return 2 * sizeOf(x) * FMA_COUNT;
    case 'network':
      return layer.flops!;
    default:
      return 0;
  }
}

function tensorsOf(layer: Layer, direction: Direction): readonly [operands: string, results: string] {
  switch (layer.kind) {
    case 'conv2d':
    case 'depthwise_conv2d':
    case 'matmul':
      return direction === 'forward' ? ['x w', 'y'] : direction === 'input_grad' ? ['dy w', 'dx'] : ['x dy', 'dw'];
    case 'batch_norm':
      return direction === 'forward'
        ? ['x gamma beta', 'y']
        : direction === 'backward'
          ? ['x stats gamma beta dy', 'dx dgamma dbeta']
          : ['x gamma beta dy', 'y dx dgamma dbeta'];
    case 'add':
      return ['x b', 'y'];
    case 'adam':
      return ['w m v g', 'w m v'];
    default:
      return direction === 'forward' ? ['x', 'y'] : direction === 'input_grad' ? ['x dy', 'dx'] : ['x dy', 'y dx'];
  }
}

/** The shape of an operand or result of this name. */
export function shapeOf(name: string, layer: Layer): Shape {
  const { x, w, kind } = layer;
  const channels = x[x.length - 1];
  if (kind === 'adam') return x;
  switch (name) {
    case 'y':
    case 'dy':
      return outputShape(layer);
    case 'w':
    case 'dw':
      return w!;
    case 'stats':
      return [2, channels];
    case 'gamma':
    case 'beta':
    case 'dgamma':
    case 'dbeta':
      return [channels];
    default:
      return x;
  }
}

/**
 * Logits, or the losses of the first two training steps. Weights and images each engine draws by itself; their traffic
 * is next to nothing.
 */
function networkCase(layer: Layer, direction: Direction): Case {
  const results =
    direction === 'forward'
      ? [{ name: 'logits', shape: [layer.x[0], 1000] }]
      : [
          { name: 'first loss', shape: [1] },
          { name: 'second loss', shape: [1] },
        ];
  // Each gradient takes as much as the forward pass.
  return {
    layer,
    direction,
    operands: [],
    results,
    flops: flopsOf(layer) * (direction === 'forward' ? 1 : 3),
    bytes: 0,
  };
}

export function makeCase(layer: Layer, direction: Direction): Case {
  if (layer.kind === 'network') return networkCase(layer, direction);
  const [operands, results] = tensorsOf(layer, direction).map((names) =>
    names.split(' ').map((name): Named => ({ name, shape: shapeOf(name, layer) })),
  );
  const bytes = 4 * [...operands, ...results].reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  return { layer, direction, operands, results, flops: flopsOf(layer), bytes };
}

/**
 * All directions of a layer; of the square matrix products one, because all three are the same there but for a
 * transposition.
 */
export const casesOf = (layer: Layer): Case[] =>
  (layer.group === 'matmul' ? (['forward'] as const) : DIRECTIONS[layer.kind]).map((direction) =>
    makeCase(layer, direction),
  );

export const nameOf = ({ layer, direction }: Case): string => `${layer.name} ${direction}`;

/**
 * Copies half of what the adapter can bind, up to 256 MiB, so that no cache holds it; chains of multiply-adds on 16
 * MiB.
 * @param most other sizes than these, in numbers of four bytes
 */
export function adapterLayers(maxStorageBinding: number, most = { copy: 2 ** 26, fma: 2 ** 22 }): Layer[] {
  const numbers = Math.min(most.copy, 2 ** Math.floor(Math.log2(maxStorageBinding / 8)));
  return [
    { group: 'adapter', name: 'copy', kind: 'copy', x: [numbers] },
    { group: 'adapter', name: 'multiply-adds', kind: 'fma', x: [Math.min(most.fma, numbers)] },
  ];
}

export type Operands = Readonly<Record<string, Float32Array>>;

/** Scales and variances are positive; everything else lies around 0. */
const RANGES: Readonly<Record<string, readonly [number, number]>> = { gamma: [0.5, 2], v: [0.01, 1], x: [-2, 3] };

/** The operands' values, the same in every process: uniform numbers from a seed and the operand's name. */
export function drawOperands({ layer, operands }: Case): Operands {
  const values: Record<string, Float32Array> = {};
  for (const { name, shape } of operands) {
    values[name] = name === 'stats' ? statistics(values['x'], layer.x[layer.x.length - 1]) : draw(name, sizeOf(shape));
  }
  return values;
}

/**
 * A prime: numbers drawn once and repeated after so many take part of a second less, and no row, image or tile is like
 * another.
 */
const PERIOD = 65_521;

function draw(name: string, size: number): Float32Array {
  const random = new RandomStream(7, hashText(name));
  const [low, high] = RANGES[name] ?? [-1, 1];
  const values = new Float32Array(size);
  for (let i = 0; i < Math.min(size, PERIOD); i++) values[i] = low + (high - low) * random.uniform();
  for (let at = PERIOD; at < size; at += PERIOD) values.copyWithin(at, 0, Math.min(PERIOD, size - at));
  return values;
}

/** Mean and biased variance of each channel of x [rows, channels], summed in float64: [2, channels]. */
export function statistics(x: Float32Array, channels: number): Float32Array {
  const [sums, squares] = [new Float64Array(channels), new Float64Array(channels)];
  const rows = x.length / channels;
  for (let i = 0; i < x.length; i++) sums[i % channels] += x[i] / rows;
  for (let i = 0; i < x.length; i++) squares[i % channels] += (x[i] - sums[i % channels]) ** 2 / rows;
  return Float32Array.from([...sums, ...squares]);
}

const SAMPLES = 64;

/** The elements of a result that are checked: the first, the last and others at random; all where they are few. */
export function sampledElements({ name, shape }: Named): number[] {
  const size = sizeOf(shape);
  if (size <= SAMPLES) return Array.from({ length: size }, (_, i) => i);
  const random = new RandomStream(11, hashText(name), size);
  return [0, size - 1, ...Array.from({ length: SAMPLES - 2 }, () => Math.floor(random.uniform() * size))];
}
