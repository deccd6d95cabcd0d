import { input } from '../../engine/ops/leaves.ts';
import type { ForwardContext } from '../network.ts';
import type { OnnxGraph } from './graph.ts';
import { GraphParameters } from './parameters.ts';
import { runNodes, type Environment } from './run.ts';
import type { Value } from './value.ts';

/** Placeholders for all parameters: enough to find shapes, not to compute. */
function placeholders(weights: GraphParameters): ForwardContext {
  return {
    batchNorm: 'running',
    parameters: {
      tensor(name) {
        const spec = weights.spec(name) ?? weights.spec(name.replace(/stats$/, 'mean'))!;
        return input(name, name === spec.name ? spec.shape : [2, ...spec.shape]);
      },
    },
  };
}

/** What a graph's inputs are: values by name. */
export type GraphInputs = ReadonlyMap<string, Value>;

/** Every value of the graph for these inputs, as descriptions: nothing is computed but what is known before. */
export function valuesOf(graph: OnnxGraph, inputs: GraphInputs, weights: GraphParameters): Environment {
  const values: Environment = new Map<string, Value>([...graph.constants, ...inputs]);
  runNodes(graph.nodes, values, weights, placeholders(weights));
  return values;
}

/** Goes through the graph and finds which of its constants are parameters. */
export function explore(graph: OnnxGraph, inputs: GraphInputs): { weights: GraphParameters; values: Environment } {
  const weights = new GraphParameters();
  let values = valuesOf(graph, inputs, weights);
  if (weights.restart()) values = valuesOf(graph, inputs, weights);
  weights.finish();
  return { weights, values };
}
