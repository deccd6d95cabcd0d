import { reshape } from '../../engine/ops/leaves.ts';
import { hashText } from '../../engine/random.ts';
import type { Tensor } from '../../engine/tensor.ts';
import type { ForwardContext } from '../network.ts';
import { known, knownNumber, knownNumbers, needed, type Inputs } from './arguments.ts';
import { sizeOf, strided, stridesOf } from './fold_arrays.ts';
import type { OnnxNode } from './graph.ts';
import { arranged, computed, physical } from './layout.ts';
import type { GraphParameters, Use } from './parameters.ts';
import { channelsLast, isPlain, plainOrder, type Computed, type Constant, type Value } from './value.ts';

/** What an op is made with: its node, what it reads, and the weights. */
export class Lowering {
  constructor(
    readonly node: OnnxNode,
    readonly inputs: Inputs,
    readonly context: ForwardContext,
    private readonly weights: GraphParameters,
  ) {}

  /** Tells the dropout of one node from that of another, and from those of our own layers. */
  get stream(): number {
    return 2 ** 16 + (hashText(this.node.outputs[0]) % 2 ** 24);
  }

  value(i: number): Value {
    return needed(this.node, this.inputs, i);
  }

  known(i: number): Constant | undefined {
    return known(this.node, this.inputs, i);
  }

  knownNumbers(i: number): number[] | undefined {
    return knownNumbers(this.node, this.inputs, i);
  }

  knownNumber(i: number, attribute?: string): number | undefined {
    return knownNumber(this.node, this.inputs, i, attribute);
  }

  /** Input i as the engine computes with it. */
  computed(i: number): Computed {
    return this.asComputed(this.value(i));
  }

  asComputed(value: Value): Computed {
    return value.kind === 'computed' ? value : this.constantIn(value, plainOrder(value.shape.length));
  }

  /** A constant in this order of axes. */
  constantIn(c: Constant, order: readonly number[]): Computed {
    if (sizeOf(c.shape) === 0) this.node.fail('it reads a tensor without elements, and there are none here');
    const shape = physical(c.shape, order);
    const tensor = this.weights.constant(c, { shape, how: order.join(), arrange: this.arranging(c.shape, order) });
    return computed(tensor, c.shape, order, c.type);
  }

  private arranging(shape: readonly number[], order: readonly number[]) {
    if (isPlain(order)) return undefined;
    const strides = stridesOf(shape);
    const own = physical(strides, order);
    return (data: Float32Array) => strided(this.node, data, physical(shape, order), own) as Float32Array;
  }

  /** A constant of which one axis only is longer than 1: a vector of weights where it has a name. */
  vectorIn(c: Constant, order: readonly number[]): Computed {
    if (!this.weights.trains(c)) return this.constantIn(c, order);
    const use: Use = { kind: 'bias', shape: [sizeOf(c.shape)] };
    const vector = this.weights.tensor(c, use, this.context.parameters);
    return computed(reshape(vector, physical(c.shape, order)), c.shape, order, c.type);
  }

  /** Input i [N, C, ...] with the channels last. */
  channelsLast(i: number): Tensor {
    const x = this.computed(i);
    return arranged(x, channelsLast(x.shape.length));
  }

  /** Weights that the op wants in a layout of its own; undefined where they are computed. */
  weightsAs(i: number, use: (c: Constant) => Use): Tensor | undefined {
    const value = this.value(i);
    return value.kind === 'constant' ? this.weights.tensor(value, use(value), this.context.parameters) : undefined;
  }

  /** Input i, one number a channel, as a vector; undefined where it is left out. */
  vector(i: number, kind: Use['kind']): Tensor | undefined {
    const value = this.inputs[i];
    if (value === undefined) return undefined;
    const shape = [sizeOf(value.shape)];
    return this.weightsAs(i, () => ({ kind, shape })) ?? arranged(value as Computed, plainOrder(value.shape.length));
  }

  /** Whether these inputs are all weights that can be trained. */
  trains(...inputs: readonly number[]): boolean {
    return inputs.every((i) => {
      const value = this.value(i);
      return value.kind === 'constant' && this.weights.trains(value);
    });
  }

  /** Registers weights under a name of our own; false where they are used in another way too. */
  claim(i: number, use: Use): boolean {
    return this.weights.claim(this.value(i) as Constant, use) !== undefined;
  }
}

/** How a node of one op becomes tensors. */
export interface OnnxOp {
  readonly lower: (l: Lowering) => Value | readonly Value[];
  /** It knows what to do with a transposition that is pending. */
  readonly takesPending?: boolean;
}
