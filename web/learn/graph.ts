import { grad } from '../../engine/autodiff.ts';
import { EXPLANATIONS } from '../../engine/explain/explanations.ts';
import { input } from '../../engine/ops/leaves.ts';
import { topologicalOrder, type Shape, type Tensor } from '../../engine/tensor.ts';
import { forward, imagesInput, targetsInput } from './forward.ts';
import { parametersOf, type LayerPlan } from './network.ts';

/** A tensor of the graph, and the op that makes it. */
export interface GraphNode {
  readonly id: number;
  readonly kind: 'op' | 'parameter' | 'image' | 'targets';
  /** The op, as its function is called; of the others, their name. */
  readonly title: string;
  /** The layer whose output it is. */
  readonly layer?: string;
  readonly shape: Shape;
  /** What it is made from. */
  readonly inputs: readonly number[];
  readonly formula?: string;
  /** How it makes the cotangents of its inputs from its own. */
  readonly gradients: readonly { readonly to: number; readonly formula: string }[];
}

/** A step on the way back: an op, whose cotangent is whole, hands cotangents to its inputs. */
export interface GraphStep {
  readonly node: number;
  readonly to: readonly number[];
}

/** The graph of the loss and the way back through it: plain data. */
export interface Graph {
  /** Inputs before their users. */
  readonly nodes: readonly GraphNode[];
  readonly steps: readonly GraphStep[];
}

/**
 * The graph of a batch's loss as training makes it, in the engine's own nodes, and the order in which its `grad` goes
 * back through them.
 */
export function graphOf(plans: readonly LayerPlan[], batchSize: number): Graph {
  const parameters = new Map(parametersOf(plans).map(({ name, shape }) => [name, input(name, shape)]));
  const image = imagesInput(batchSize);
  const targets = targetsInput(batchSize, plans);
  const tensorOf = (name: string) => parameters.get(name)!;
  const { loss } = forward(plans, tensorOf, { given: new Map([[0, image]]), targets, norm: 'batch' });
  const weights = parametersOf(plans).flatMap(({ name, role }) => (role === 'running' ? [] : [tensorOf(name)]));
  const went: Tensor[] = [];
  grad(loss, weights, undefined, (t, dy) => {
    went.push(t);
    return dy;
  });
  const order = topologicalOrder([loss]);
  const ids = new Map(order.map((t, id) => [t, id]));
  // What a cotangent comes to: the ops that hand it on, and the weights.
  const reached = new Set([...went, ...weights]);
  const isLayer = new Set(plans.map(({ name }) => name));
  return {
    nodes: order.map((t, id) => {
      const { formula, gradients } = explained(t);
      return {
        id,
        kind: t === image ? 'image' : t === targets ? 'targets' : t.op.name === 'input' ? 'parameter' : 'op',
        title: t === image ? 'image' : t.op.name === 'input' ? t.name! : opOf(t),
        layer: t.name && isLayer.has(t.name) ? t.name : undefined,
        shape: t.shape,
        inputs: t.inputs.map((from) => ids.get(from)!),
        formula,
        gradients: gradients.map(({ at, formula }) => ({ to: ids.get(t.inputs[at])!, formula })),
      };
    }),
    steps: went.map((t) => ({
      node: ids.get(t)!,
      to: [...new Set(t.inputs)].filter((from) => reached.has(from)).map((from) => ids.get(from)!),
    })),
  };
}

/** The function that makes a tensor, where the engine has one op for several. */
function opOf({ op, attrs }: Tensor): string {
  if (op.name === 'pointwise') return (attrs['stages'] as { op: string }[])[0].op;
  if (op.name === 'batch_norm_apply') return attrs['frozen'] ? 'batch_norm_inference' : 'batch_norm';
  if (op.name === 'sum' && attrs['scale'] !== 1) return 'mean';
  return op.name;
}

/** The formulas of the op and of what it hands back to input `at`, as `explain` has them. */
function explained(t: Tensor): { formula?: string; gradients: readonly { at: number; formula: string }[] } {
  const explanation = EXPLANATIONS.find(({ name }) => name === opOf(t));
  if (!explanation) return { gradients: [] };
  const [own, ...others] = explanation.results;
  const whole = ({ formula, where }: (typeof others)[number]) => (where ? `${formula},  ${where}` : formula);
  const gradients = others.flatMap((result) => {
    const at = t.op.inputs.indexOf(result.of!);
    return at >= 0 && at < t.inputs.length ? [{ at, formula: whole(result) }] : [];
  });
  return { formula: whole(own), gradients };
}
