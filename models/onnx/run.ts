import { UserError } from '../../engine/user_error.ts';
import type { ForwardContext } from '../network.ts';
import { fold, isFolded } from './fold.ts';
import type { OnnxGraph, OnnxNode } from './graph.ts';
import { settle } from './layout.ts';
import { Lowering } from './lowering.ts';
import { opOf } from './ops/ops.ts';
import type { GraphParameters } from './parameters.ts';
import type { Constant, Value } from './value.ts';

/** Values by the names that the graph gives them. */
export type Environment = Map<string, Value>;

/** Computes what these nodes give, and adds it to the values that they read. */
export function runNodes(
  nodes: readonly OnnxNode[],
  values: Environment,
  weights: GraphParameters,
  context: ForwardContext,
): void {
  for (const node of nodes) {
    const inputs = node.inputs.map((name) => {
      if (name === undefined) return undefined;
      return values.get(name) ?? node.fail(`it reads ${name}, which is not known here`);
    });
    const results = runNode(node, inputs, weights, context);
    node.outputs.forEach((name, k) => {
      if (!name) return;
      const value = results[k];
      if (value) values.set(name, named(value, node, k, inputs));
    });
  }
}

function runNode(
  node: OnnxNode,
  inputs: readonly (Value | undefined)[],
  weights: GraphParameters,
  context: ForwardContext,
): readonly Value[] {
  try {
    if (inputs.every(isKnown)) {
      const folded = fold(node, inputs);
      if (folded) return folded;
    }
    const op = opOf(node) ?? node.fail('it is not computed here');
    const ready = op.takesPending ? inputs : inputs.map((v) => (v?.kind === 'computed' ? settle(v) : v));
    const result = op.lower(new Lowering(node, ready, context, weights));
    return Array.isArray(result) ? (result as readonly Value[]) : [result as Value];
  } catch (error) {
    // The engine names its op and shapes; whoever reads the message knows the file's node.
    if (error instanceof UserError && !error.message.startsWith(node.where))
      throw new UserError(`${node.where}: ${error.message}`);
    throw error;
  }
}

const isKnown = (value: Value | undefined): value is Constant | undefined => value?.kind !== 'computed';

/** The value, its tensor called as the node and its output are; what was passed through keeps its names. */
function named(value: Value, node: OnnxNode, k: number, inputs: readonly (Value | undefined)[]): Value {
  if (value.kind === 'constant') return value;
  const { tensor } = value;
  const isNew = tensor.inputs.length > 0 && !inputs.some((v) => v?.kind === 'computed' && v.tensor === tensor);
  const names = k === 0 && node.name ? [node.name, node.outputs[k]] : [node.outputs[k]];
  if (isNew) tensor.named(...names.filter((name) => !tensor.names.includes(name)));
  return value;
}

/** The graph without the nodes that read only constants: what they give are constants too. */
export function foldConstants(graph: OnnxGraph): OnnxGraph {
  const constants = new Map(graph.constants);
  const nodes = graph.nodes.filter((node) => {
    const inputs = node.inputs.map((name) => (name === undefined ? undefined : constants.get(name)));
    if (inputs.some((c, i) => c === undefined && node.inputs[i] !== undefined)) return true;
    const folded = fold(node, inputs);
    folded?.forEach((c, k) => constants.set(node.outputs[k], c));
    return folded === undefined;
  });
  return { ...graph, nodes: liveNodes(nodes, graph), constants };
}

/** The nodes that an output depends on. */
export function liveNodes(nodes: readonly OnnxNode[], { outputs }: Pick<OnnxGraph, 'outputs'>): OnnxNode[] {
  const wanted = new Set(outputs.map(({ name }) => name));
  return [...nodes]
    .reverse()
    .filter((node) => {
      if (!node.outputs.some((name) => wanted.has(name))) return false;
      for (const name of node.inputs) if (name !== undefined) wanted.add(name);
      return true;
    })
    .reverse();
}

/**
 * @throws UserError where there are nodes whose op is not computed here: all of them in one sentence
 */
export function checkOps({ nodes, source }: OnnxGraph): void {
  const unknown = nodes.filter((node) => !opOf(node) && !isFolded(node));
  if (unknown.length === 0) return;
  const byOp = new Map<string, OnnxNode[]>();
  for (const node of unknown) {
    const key = `${node.domain ? `${node.domain}.` : ''}${node.op} (opset ${node.opset})`;
    byOp.set(key, [...(byOp.get(key) ?? []), node]);
  }
  const told = [...byOp].map(([op, all]) => {
    const labels = all.slice(0, 3).map(({ label }) => label);
    return `${op} of ${labels.join(', ')}${all.length > 3 ? ` and ${all.length - 3} more` : ''}`;
  });
  throw new UserError(
    `${source}: these ops are not computed here: ${told.join('; ')}; export the network without them`,
  );
}
