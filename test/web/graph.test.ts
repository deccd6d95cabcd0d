import { expect, it } from 'vitest';
import { graphOf } from '../../web/learn/graph.ts';
import { layoutOf } from '../../web/learn/graph_layout.ts';
import { layersFromText } from '../../web/learn/layer_spec.ts';
import { parametersOf, planLayers } from '../../web/learn/network.ts';
import { DEFAULT_SETTINGS } from '../../web/learn/settings.ts';

const OWN = layersFromText(
  'conv; norm; activation; depthwise; activation name=silu; residual from=3; squeezeExcite; pool; pool how=average; dense units=3; activation name=tanh; dense',
);

it.each([{}, { layers: OWN }])(
  'every cotangent is whole before it is handed on, and each weight gets one: %o',
  (own) => {
    const plans = planLayers({ ...DEFAULT_SETTINGS, ...own });
    const { nodes, steps } = graphOf(plans, 16);
    expect(nodes.at(-1)!.layer).toBe('loss');
    expect(steps[0].node).toBe(nodes.length - 1);
    const at = new Map(steps.map(({ node }, i) => [node, i]));
    expect(at.size).toBe(steps.length);
    for (const { node, to } of steps)
      for (const input of to) {
        expect(nodes[node].inputs).toContain(input);
        // Whoever takes it has had its turn before it has its own.
        if (at.has(input)) expect(at.get(node)!).toBeLessThan(at.get(input)!);
        expect(nodes[node].gradients.map((each) => each.to)).toContain(input);
      }
    const got = new Set(steps.flatMap(({ to }) => to));
    const weights = parametersOf(plans).filter(({ role }) => role !== 'running');
    expect(
      nodes
        .filter(({ kind, id }) => kind === 'parameter' && got.has(id))
        .map(({ title }) => title)
        .sort(),
    ).toEqual(weights.map(({ name }) => name).sort());
    expect(nodes.filter(({ kind, formula }) => kind === 'op' && !formula).map(({ title }) => title)).toEqual(
      own.layers ? ['batch_norm_stats', 'stop_gradient'] : [],
    );
  },
);

it('boxes lie apart from one another, and arrows that pass over others apart too', () => {
  const graph = graphOf(planLayers({ ...DEFAULT_SETTINGS, layers: OWN }), 16);
  const { boxes, arrows, width, height } = layoutOf(graph);
  expect(new Set(boxes.map(({ x, y }) => `${x} ${y}`)).size).toBe(graph.nodes.length);
  for (const { x, y, width: own } of boxes) {
    expect(x).toBeGreaterThanOrEqual(0);
    expect(x + own).toBeLessThanOrEqual(width);
    expect(y).toBeLessThan(height);
  }
  expect(arrows).toHaveLength(graph.nodes.reduce((sum, { inputs }) => sum + new Set(inputs).size, 0));
  expect(new Set(arrows.map(({ path }) => path)).size).toBe(arrows.length);
});
