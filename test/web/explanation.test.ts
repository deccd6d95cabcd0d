import { expect, it } from 'vitest';
import { explain } from '../../web/learn/explain.ts';
import type { Selection } from '../../web/learn/explanation.ts';
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

const sizeOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

/** The image with its border of zeros, and where each of its numbers lies there. */
function padded(x: Values, { geometry: g }: LayerPlan): { x: Shown; places: number[] } {
  const [n, h, v, c] = x.shape;
  const shape = [n, (g!.outH - 1) * g!.strideH + g!.filterH, (g!.outW - 1) * g!.strideW + g!.filterW, c];
  // Where the last window ends before the image does, the rest of the image is seen by none.
  [shape[1], shape[2]] = [Math.max(shape[1], h + g!.padTop), Math.max(shape[2], v + g!.padLeft)];
  const data = new Float64Array(sizeOf(shape));
  const places = Array.from({ length: n * h * v * c }, (_, i) => {
    const [image, row] = [Math.floor(i / (h * v * c)), (Math.floor(i / (v * c)) % h) + g!.padTop];
    const column = (Math.floor(i / c) % v) + g!.padLeft;
    return ((image * shape[1] + row) * shape[2] + column) * c + (i % c);
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
  { which = 0, labels }: { which?: number; labels: readonly number[] },
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
      const given = {
        a: { shape: [labels.length, before.data.length / labels.length], data: before.data },
        b: p.w,
        dy,
      };
      const found = byHand('matmul', name === 'dx' ? 'da' : name === 'dw' ? 'db' : 'y', given, {}, only);
      return name === 'y' ? bias(found) : found;
    }
    case 'norm': {
      const { gamma, beta, running: stats } = p;
      const given = { x: asRows(before), gamma, beta, dy: asRows(dy) };
      return labels.length > 1
        ? byHand('batch_norm', name, given, {}, only)
        : byHand('batch_norm_inference', name, { ...given, stats }, {}, only);
    }
    case 'activation':
      return byHand(plan.activation!, name, { x: before, dy }, {}, only);
    case 'pool': {
      const window = { size: plan.geometry!.filterH, stride: plan.geometry!.strideH, padding: 0 };
      return byHand(plan.pooling === 'max' ? 'max_pool2d' : 'avg_pool2d', name, { x: before, dy }, window, only);
    }
    case 'mean':
      return byHand('global_avg_pool', name, { x: before, dy }, {}, only);
    case 'scale':
      return scaledByHand(before, other, dy, which === 1 ? 'da' : name, only);
    case 'add':
      return name === 'dx' ? only.map((i) => dy.data[i]) : only.map((i) => before.data[i] + other.data[i]);
    default: {
      const found = byHand(
        'softmax_cross_entropy',
        name === 'y' ? 'loss' : 'dlogits',
        {
          logits: before,
          targets: { shape: [labels.length, 2], data: labels.flatMap((label) => [1 - label, label]) },
          dloss: { shape: [labels.length], data: labels.map(() => 1 / labels.length) },
        },
        {},
        name === 'y' ? labels.map((_, n) => n) : only,
      );
      // The loss is the mean over the batch.
      return name === 'y' ? [found.reduce((a, b) => a + b, 0) / labels.length] : found;
    }
  }
}

/** Maps times a number for each channel of each image: `y`, `dx`, or `da`, the gradient of the numbers. */
function scaledByHand(x: Values, factors: Values, dy: Values, name: string, only: readonly number[]): number[] {
  const [each, channels] = [x.data.length / x.shape[0], factors.shape[1]];
  const size = name === 'da' ? channels : each;
  return only.map((offset) => {
    const n = Math.floor(offset / size);
    const part = ({ data }: Values) => ({
      shape: [each / channels, channels],
      data: data.subarray(n * each, (n + 1) * each),
    });
    const a = { shape: [channels], data: factors.data.subarray(n * channels, (n + 1) * channels) };
    return byHand('mul', name, { x: part(x), a, dy: part(dy) }, {}, [offset % size])[0];
  });
}

/** Mean and variance of each channel, in float64. */
function statisticsOf(x: Values): Float64Array {
  const channels = x.shape[x.shape.length - 1];
  const columns = Array.from({ length: channels }, (_, c) => Array.from(x.data).filter((_, i) => i % channels === c));
  const mean = (all: number[]) => all.reduce((a, b) => a + b, 0) / all.length;
  const means = columns.map(mean);
  return Float64Array.from([...means, ...columns.map((column, c) => mean(column.map((v) => (v - means[c]) ** 2)))]);
}

/** As the GPU would hold it, but exact: what is derived from other numbers is not rounded again. */
const exact = (data: ArrayLike<number>) => Float64Array.from(data) as unknown as Float32Array;

/**
 * A network of random weights and cotangents whose layers follow from one another: of one image, or of several
 * together, as in training.
 */
function drawView(settings: Settings, plans: readonly LayerPlan[], labels: readonly number[]): View {
  let seed = 0;
  const draw = (shape: readonly number[]): Values => ({ shape, data: randomArray(sizeOf(shape), ++seed) });
  const layers: LayerView[] = [];
  const together = labels.length > 1;
  for (const { shape: of, parameters: own, ...plan } of plans) {
    const shape = plan.kind === 'loss' ? of : [labels.length, ...of.slice(1)];
    const before = plan.inputs.map((k) => layers[k].y);
    const parameters = (Object.entries(own) as [Role, readonly number[]][]).map(([role, shape]) => {
      const value = draw(shape);
      // A variance is positive.
      if (role === 'running') value.data.forEach((v, i) => (value.data[i] = i < shape[1] ? v : 0.5 + Math.abs(v)));
      if (role === 'running')
        return { role, value: together ? { shape, data: exact(statisticsOf(before[0])) } : value };
      return { role, value, gradient: draw(shape) };
    });
    const [y, dy] = [draw(shape), draw(shape)];
    const full = { ...plan, shape, parameters: own };
    const all = (of: Values) => Array.from(of.data, (_, i) => i);
    const worked = (name: string, of: Values) => layerByHand(full, before, parameters, dy, name, all(of), { labels });
    if (plan.kind !== 'input') y.data.set(worked('y', y));
    // What comes back through the batch's statistics is made of these two.
    if (together && plan.kind === 'norm')
      for (const p of parameters)
        if (p.gradient) Object.assign(p.gradient, { data: exact(worked(`d${p.role}`, p.value)) });
    layers.push({ ...plan, geometry: plan.geometry && { ...plan.geometry, batch: labels.length }, y, dy, parameters });
  }
  const [label] = labels;
  const classes = ['smooth', 'featured'];
  return { settings, step: 0, image: 0, label, classes, isOwn: false, layers, ...(together && { batch: labels }) };
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
      'conv filters=4 size=5 stride=2; pool size=3 stride=3; activation; depthwise; norm; activation name=silu; ' +
        'residual from=3; squeezeExcite units=3; pool how=average size=3 stride=1; dense units=5; norm; ' +
        'activation name=tanh; dense',
    ),
  },
  {
    layers: layersFromText(
      'depthwise stride=2 padding=valid bias=false; pool size=3 stride=1; conv filters=3 size=1; residual from=2; ' +
        'residual from=2; squeezeExcite units=1; dense',
    ),
  },
];

it.each([
  ...VARIANTS.map((variant) => ({ variant, labels: [1] })),
  ...VARIANTS.slice(-2).map((variant) => ({ variant, labels: [1, 0, 1] })),
])('the inspector explains what the definitions of the layers give: %o', ({ variant, labels }) => {
  const settings = { ...DEFAULT_SETTINGS, ...variant };
  const plans = planLayers(settings);
  const view = drawView(settings, plans, labels);
  let [count, products] = [0, 0];
  view.layers.forEach((layer, i) => {
    const check = (part: Selection['part'], makers: readonly number[], name: string, shape: readonly number[]) => {
      const size = sizeOf(shape);
      const only = [...new Set([0, Math.floor(0.37 * size), Math.floor(0.71 * size), size - 1])];
      const want = only.map(() => 0);
      for (const of of makers) {
        const { parameters, dy, inputs } = view.layers[of];
        const before = inputs.map((k) => view.layers[k].y);
        const found = layerByHand(plans[of], before, parameters, dy, name, only, {
          which: inputs.indexOf(i),
          labels,
        });
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
