import { expect, it } from 'vitest';
import { explain, type Selection } from '../../web/learn/explanation.ts';
import { layersFromText } from '../../web/learn/layer_spec.ts';
import { planLayers, type LayerPlan, type Role } from '../../web/learn/network.ts';
import { DEFAULT_SETTINGS, type Settings } from '../../web/learn/settings.ts';
import type { LayerView, ParameterView, Values, View } from '../../web/learn/view.ts';
import { randomArray } from '../random.ts';
import { byHand, type Shown } from '../reference/by_hand.ts';
import { UNIT } from '../tolerance.ts';

/*
 * Learn's inspector against the definitions of the layers and their derivatives, on numbers drawn at random: no GPU.
 */

const LABEL = 1;
const TARGETS: Shown = { shape: [1, 2], data: [0, 1] };
const sizeOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

/** The image with its border of zeros, and where each of its numbers lies there. */
function padded(x: Values, { geometry: g }: LayerPlan): { x: Shown; places: number[] } {
  const [, h, v, c] = x.shape;
  const shape = [1, (g!.outH - 1) * g!.strideH + g!.filterH, (g!.outW - 1) * g!.strideW + g!.filterW, c];
  // Where the last window ends before the image does, the rest of the image is seen by none.
  [shape[1], shape[2]] = [Math.max(shape[1], h + g!.padTop), Math.max(shape[2], v + g!.padLeft)];
  const data = new Float64Array(sizeOf(shape));
  const places = Array.from({ length: h * v * c }, (_, i) => {
    const [row, column] = [Math.floor(i / (v * c)) + g!.padTop, (Math.floor(i / c) % v) + g!.padLeft];
    return (row * shape[2] + column) * c + (i % c);
  });
  places.forEach((place, i) => (data[place] = x.data[i]));
  return { x: { shape, data }, places };
}

const asRows = ({ shape, data }: Values): Shown => {
  const columns = shape[shape.length - 1];
  return { shape: [data.length / columns, columns], data };
};

/**
 * A result of a layer by its definition, at these offsets: `y`, the gradient of a parameter, or `dx`, that of its input
 * `which`.
 */
function layerByHand(
  plan: LayerPlan,
  [before, other]: readonly Values[],
  parameters: readonly ParameterView[],
  dy: Values,
  name: string,
  only: number[],
  which = 0,
): number[] {
  const p = Object.fromEntries(parameters.map(({ role, value }) => [role, value]));
  const columns = plan.shape[plan.shape.length - 1];
  if (name === 'db') return byHand('add', 'da', { x: asRows(dy), a: p.b, dy: asRows(dy) }, {}, only);
  const bias = (products: number[]) => products.map((v, i) => v + (p.b ? p.b.data[only[i] % columns] : 0));
  switch (plan.kind) {
    case 'conv':
    case 'depthwise': {
      const { x, places } = padded(before, plan);
      const window = { stride: plan.geometry!.strideH, padding: 0 };
      const found = byHand(
        plan.kind === 'conv' ? 'conv2d' : 'depthwise_conv2d',
        name,
        { x, w: p.w, dy },
        window,
        name === 'dx' ? only.map((i) => places[i]) : only,
      );
      return name === 'y' ? bias(found) : found;
    }
    case 'dense': {
      const given = { a: { shape: [1, before.data.length], data: before.data }, b: p.w, dy };
      const found = byHand('matmul', name === 'dx' ? 'da' : name === 'dw' ? 'db' : 'y', given, {}, only);
      return name === 'y' ? bias(found) : found;
    }
    case 'norm':
      return byHand(
        'batch_norm_inference',
        name,
        { x: asRows(before), stats: p.running, gamma: p.gamma, beta: p.beta, dy: asRows(dy) },
        {},
        only,
      );
    case 'activation':
      return byHand(plan.activation!, name, { x: before, dy }, {}, only);
    case 'pool': {
      const window = { size: plan.geometry!.filterH, stride: plan.geometry!.strideH, padding: 0 };
      return byHand(plan.pooling === 'max' ? 'max_pool2d' : 'avg_pool2d', name, { x: before, dy }, window, only);
    }
    case 'mean':
      return byHand('global_avg_pool', name, { x: before, dy }, {}, only);
    case 'scale': {
      const factors = { shape: [other.data.length], data: other.data };
      const of = which === 1 ? 'da' : name;
      return byHand('mul', of, { x: asRows(before), a: factors, dy: asRows(dy) }, {}, only);
    }
    case 'add':
      return name === 'dx' ? only.map((i) => dy.data[i]) : only.map((i) => before.data[i] + other.data[i]);
    default:
      return byHand(
        'softmax_cross_entropy',
        name === 'y' ? 'loss' : 'dlogits',
        { logits: before, targets: TARGETS, dloss: { shape: [1], data: [1] } },
        {},
        only,
      );
  }
}

/** A network of random weights and cotangents whose layers follow from one another. */
function drawView(settings: Settings, plans: readonly LayerPlan[]): View {
  let seed = 0;
  const draw = (shape: readonly number[]): Values => ({ shape, data: randomArray(sizeOf(shape), ++seed) });
  const layers: LayerView[] = [];
  const view: View = { settings, step: 0, image: 0, label: LABEL, layers };
  for (const plan of plans) {
    const parameters = (Object.entries(plan.parameters) as [Role, readonly number[]][]).map(([role, shape]) => {
      const value = draw(shape);
      // A variance is positive.
      if (role === 'running') value.data.forEach((v, i) => (value.data[i] = i < shape[1] ? v : 0.5 + Math.abs(v)));
      return { role, value, ...(role !== 'running' && { gradient: draw(shape) }) };
    });
    const [y, dy] = [draw(plan.shape), draw(plan.shape)];
    if (plan.kind !== 'input')
      y.data.set(
        layerByHand(
          plan,
          plan.inputs.map((k) => layers[k].y),
          parameters,
          dy,
          'y',
          Array.from(y.data, (_, i) => i),
        ),
      );
    layers.push({ ...plan, y, dy, parameters });
  }
  return view;
}

const indexOf = (shape: readonly number[], offset: number): number[] => {
  let rest = offset;
  return [...shape]
    .reverse()
    .map((n) => [rest % n, (rest = Math.floor(rest / n))][0])
    .reverse();
};

const VARIANTS: Partial<Settings>[] = [
  {},
  { filterSize: 5, stride: 2, padding: 'valid', activation: 'silu', pooling: 'average' },
  { activation: 'tanh', batchNorm: true, stride: 2 },
  { filterSize: 1, activation: 'sigmoid', batchNorm: true, pooling: 'average' },
  {
    layers: layersFromText(
      'conv filters=4 size=5 stride=2; activation; depthwise; norm; activation name=silu; residual from=2; ' +
        'squeezeExcite units=3; pool how=average size=3; dense units=5; norm; activation name=tanh; dense',
    ),
  },
  {
    layers: layersFromText(
      'depthwise stride=2 padding=valid bias=false; pool size=3 stride=1; conv filters=3 size=1; residual from=2; ' +
        'residual from=2; squeezeExcite units=1; dense',
    ),
  },
];

it.each(VARIANTS)('the inspector explains what the definitions of the layers give: %o', (variant) => {
  const settings = { ...DEFAULT_SETTINGS, ...variant };
  const plans = planLayers(settings);
  const view = drawView(settings, plans);
  let [count, products] = [0, 0];
  view.layers.forEach((layer, i) => {
    const check = (part: Selection['part'], makers: readonly number[], name: string, shape: readonly number[]) => {
      const size = sizeOf(shape);
      const only = [...new Set([0, Math.floor(0.37 * size), Math.floor(0.71 * size), size - 1])];
      const want = only.map(() => 0);
      for (const of of makers) {
        const { parameters, dy, inputs } = view.layers[of];
        const before = inputs.map((k) => view.layers[k].y);
        const found = layerByHand(plans[of], before, parameters, dy, name, only, inputs.indexOf(i));
        found.forEach((v, k) => (want[k] += v));
      }
      only.forEach((offset, k) => {
        const at = indexOf(shape, offset);
        const { computed, summands, paths } = explain(view, { layer: i, part, at });
        const magnitude = summands.reduce((sum, { product }) => sum + Math.abs(product), Math.abs(want[k]));
        // Slopes are taken from outputs that were rounded to f32, sums of float64 are not.
        const slack = makers.some((of) => plans[of].kind === 'activation') ? 4 * UNIT : 0;
        expect(
          Math.abs(computed - want[k]),
          `${layer.name} ${part}[${at}] is ${want[k]}, explained as ${computed}`,
        ).toBeLessThanOrEqual((1e-12 + slack) * (1 + magnitude));
        expect(paths?.length ?? 1).toBe(makers.length);
        for (const { factors, product } of summands) {
          expect(product).toBe(factors.reduce((all, { value }) => all * value, 1));
          products++;
        }
        if (summands.length > 0)
          expect(Math.abs(summands.reduce((sum, { product }) => sum + product, 0) - computed)).toBeLessThanOrEqual(
            1e-12 * magnitude,
          );
        count++;
      });
    };
    if (i > 0) check('y', [i], 'y', layer.y.shape);
    const users = plans.flatMap(({ inputs }, user) => (inputs.includes(i) ? [user] : []));
    if (users.length > 0) check('dy', users, 'dx', layer.y.shape);
    for (const { role, value, gradient } of layer.parameters) if (gradient) check(role, [i], `d${role}`, value.shape);
  });
  expect(count).toBeGreaterThan(70);
  expect(products).toBeGreaterThan(1000);
});
