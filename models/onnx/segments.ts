import type { Tensor } from '../../engine/tensor.ts';
import { showShape } from '../../engine/tensor.ts';
import { UserError } from '../../engine/user_error.ts';
import type { ForwardContext, Segment } from '../network.ts';
import { valuesOf } from './explore.ts';
import type { OnnxGraph, OnnxNode } from './graph.ts';
import { input } from '../../engine/ops/leaves.ts';
import { computed } from './layout.ts';
import type { GraphParameters } from './parameters.ts';
import { runNodes, type Environment } from './run.ts';
import type { Computed, Value } from './value.ts';

/** Where a graph may be cut: behind these nodes, since one value alone passes on from there. */
export interface Cut {
  readonly name: string;
  /** The name of the value that passes. */
  readonly value: string;
  readonly nodes: readonly OnnxNode[];
}

/**
 * Cuts the graph wherever a single computed value passes, a row for each image: a segment tells the batch by it. What
 * is known before is not computed, and passes anyway.
 */
export function cutGraph(graph: OnnxGraph, values: Environment): Cut[] {
  const [output] = graph.outputs;
  const last = new Map<string, number>([[output.name, graph.nodes.length]]);
  graph.nodes.forEach((node, i) => {
    for (const name of node.inputs) if (name !== undefined) last.set(name, Math.max(i, last.get(name) ?? 0));
  });
  const isComputed = (name: string) => values.get(name)?.kind === 'computed';
  const rowsOf = (name: string) => (values.get(name) as Computed).tensor.shape[0];
  const batch = rowsOf(graph.inputs[0].name);
  const alive = new Set(graph.inputs.map(({ name }) => name));
  const taken = new Set<string>();
  const cuts: Cut[] = [];
  let nodes: OnnxNode[] = [];
  graph.nodes.forEach((node, i) => {
    nodes.push(node);
    for (const name of node.outputs) if (isComputed(name) && (last.get(name) ?? -1) > i) alive.add(name);
    for (const name of alive) if ((last.get(name) ?? -1) <= i) alive.delete(name);
    const [value] = alive;
    if (alive.size !== 1 || !node.outputs.includes(value)) return;
    if (rowsOf(value) !== batch && value !== output.name) return;
    const name = [node.label, value].find((each) => !taken.has(each)) ?? `${value} ${i}`;
    taken.add(name);
    cuts.push({ name, value, nodes });
    nodes = [];
  });
  return cuts;
}

/** How the network's images become the graph's input. */
export interface ImageInput {
  readonly name: string;
  /** The order of ONNX's axes in an image [N, H, W, C]: [0, 2, 3, 1] where the graph wants NCHW. */
  readonly order: readonly number[];
  /** The sides for which the graph was read. */
  readonly sides: readonly [number, number];
}

/**
 * Makes segments of cuts. The values that a segment's nodes read besides the one that passes are known before, but may
 * depend on the batch and the image's size: the graph is gone through, without computing, for each that is met.
 */
export class GraphSegments {
  private readonly seen = new Map<string, Environment>();
  private readonly sizes: (readonly [number, number])[];

  constructor(
    private readonly graph: OnnxGraph,
    private readonly image: ImageInput,
    private readonly channels: number,
    private readonly weights: GraphParameters,
  ) {
    this.sizes = [image.sides];
  }

  /** The input's value for images [N, H, W, C]. */
  inputOf(x: Tensor): Computed {
    const { order } = this.image;
    return computed(
      x,
      x.shape.map((_, axis) => x.shape[order.indexOf(axis)]),
      order,
    );
  }

  private valuesFor(batch: number, [height, width]: readonly [number, number]): Environment {
    const key = `${batch} ${height} ${width}`;
    const made =
      this.seen.get(key) ??
      valuesOf(
        this.graph,
        new Map([[this.image.name, this.inputOf(input(this.image.name, [batch, height, width, this.channels]))]]),
        this.weights,
      );
    this.seen.set(key, made);
    return made;
  }

  segments(cuts: readonly Cut[]): Segment[] {
    return cuts.map(({ name, value, nodes }, k) => ({
      name,
      prefixes: this.parametersOf(nodes, cuts[k - 1]?.value),
      apply: (x, context) => {
        const known = k === 0 ? this.first(x) : this.later(x, cuts[k - 1].value, name);
        runNodes(nodes, known, this.weights, context);
        return (known.get(value) as Computed).tensor;
      },
    }));
  }

  private first(x: Tensor): Environment {
    if (x.shape.length !== 4 || x.shape[3] !== this.channels)
      throw new UserError(`${this.graph.source} takes images [N, H, W, ${this.channels}], not ${showShape(x.shape)}`);
    const [batch, height, width] = x.shape;
    const sides = [height, width] as const;
    if (!this.sizes.some(([h, w]) => h === height && w === width)) this.sizes.push(sides);
    return withConstants(this.valuesFor(batch, sides), this.image.name, this.inputOf(x));
  }

  /** The values behind a cut, given the tensor that passes it: of the image's size at which it has this shape. */
  private later(x: Tensor, value: string, segment: string): Environment {
    for (const sides of this.sizes) {
      const values = this.valuesFor(x.shape[0], sides);
      const passed = values.get(value) as Computed;
      if (passed.tensor.shape.join() === x.shape.join()) return withConstants(values, value, { ...passed, tensor: x });
    }
    const wanted = (this.valuesFor(x.shape[0], this.image.sides).get(value) as Computed).tensor.shape;
    throw new UserError(`${this.graph.source}: ${segment} takes ${showShape(wanted)}, not ${showShape(x.shape)}`);
  }

  /** Names of the parameters that these nodes read. */
  private parametersOf(nodes: readonly OnnxNode[], passed: string | undefined): string[] {
    const names = new Set<string>();
    const values = this.valuesFor(1, this.image.sides);
    const recording: ForwardContext = {
      batchNorm: 'running',
      parameters: {
        tensor: (name) => {
          const spec = this.weights.spec(name);
          const stem = name.replace(/stats$/, '');
          for (const each of spec ? [name] : [name, `${stem}mean`, `${stem}var`]) names.add(each);
          return input(name, spec?.shape ?? [2, ...this.weights.spec(`${stem}mean`)!.shape]);
        },
      },
    };
    const name = passed ?? this.image.name;
    runNodes(nodes, withConstants(values, name, values.get(name)!), this.weights, recording);
    return [...names];
  }
}

/** What is known before, and one value more. */
function withConstants(values: Environment, name: string, value: Value): Environment {
  return new Map<string, Value>([...values].filter(([, { kind }]) => kind === 'constant')).set(name, value);
}
