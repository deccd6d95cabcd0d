import { explore } from './explore.ts';
import type { OnnxGraph } from './graph.ts';
import { constantOf, type Computed, type Constant } from './value.ts';

/**
 * The graph of a file that says it takes batches of one length only, for any: a Reshape to [1, -1] of what has a row
 * for each image keeps the rows, however many there are. ONNX writes that as a length of 0.
 * @param x the images as the file says it takes them
 */
export function ofAnyBatch(graph: OnnxGraph, x: Computed): OnnxGraph {
  const [{ name, shape }] = graph.inputs;
  const batch = shape?.[0];
  const targets = graph.nodes.map((node) =>
    node.op === 'Reshape' ? graph.constants.get(node.inputs[1] ?? '') : undefined,
  );
  if (typeof batch !== 'number' || targets.every((target) => target?.data[0] !== batch)) return graph;
  const { values } = explore(graph, new Map([[name, x]]));
  const constants = new Map<string, Constant>(graph.constants);
  const nodes = graph.nodes.map((node, i) => {
    const [from] = node.inputs;
    const [first, ...rest] = targets[i]?.data ?? [];
    const keepsRows = first === batch && node.int('allowzero', 0) === 0 && values.get(from!)!.shape[0] === batch;
    if (!keepsRows) return node;
    const rows = `${node.outputs[0]}: the shape for any batch`;
    constants.set(rows, constantOf([0, ...rest], [rest.length + 1]));
    return node.reading([from, rows]);
  });
  return { ...graph, nodes, constants };
}
