import { describe, expect, it } from 'vitest';
import { STEPS_TAKEN } from '../../engine/train/train_step.ts';
import { explainStep } from '../../web/learn/explain_step.ts';
import { followed, type StepMade, type Weight } from '../../web/learn/follow.ts';
import { parameterName, parametersOf, planLayers } from '../../web/learn/network.ts';
import { DEFAULT_SETTINGS, type Settings } from '../../web/learn/settings.ts';
import type { Values } from '../../web/learn/view.ts';
import { randomArray } from '../random.ts';
import { byHand, type Shown } from '../reference/by_hand.ts';
import { UNIT } from '../tolerance.ts';

/*
 * The terms of a gradient, one for each image of a batch, against the derivative of the layer's definition where the
 * cotangents of all other images are 0. On numbers drawn at random: no GPU.
 */

const N = 3;
const settings: Settings = {
  ...DEFAULT_SETTINGS,
  batchNorm: true,
  stride: 2,
  padding: 'valid',
  batchSize: N,
  dropout: 0.5,
  weightDecay: 0.25,
};
const plans = planLayers(settings);
const layerCalled = (name: string) => plans.findIndex((plan) => plan.name === name);
const sizeOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
const rows = ({ shape, data }: Shown): Shown => {
  const columns = shape[shape.length - 1];
  return { shape: [sizeOf(shape) / columns, columns], data };
};

/** Mean and biased variance of each column. */
function statisticsOf({ shape: [n, c], data }: Shown): Float32Array {
  const out = new Float32Array(2 * c);
  for (let k = 0; k < c; k++) {
    const column = Array.from({ length: n }, (_, i) => data[i * c + k]);
    const mean = column.reduce((a, b) => a + b, 0) / n;
    out[k] = mean;
    out[c + k] = column.reduce((sum, v) => sum + (v - mean) ** 2, 0) / n;
  }
  return out;
}

/** A step on a batch, all numbers of it drawn at random. */
function drawStep(): { made: StepMade; maps: readonly { y: Values; dy: Values }[]; dropped: Values } {
  let seed = 0;
  const draw = (shape: readonly number[], low = -1): Values => ({
    shape,
    data: randomArray(sizeOf(shape), ++seed, low),
  });
  const parameters = parametersOf(plans);
  const arraysOf = (taken: number) =>
    new Map([
      [STEPS_TAKEN, Float32Array.of(taken)],
      ...parameters.flatMap(({ name, shape }) =>
        ['', '/m', '/v'].map((kind) => [`${name}${kind}`, draw(shape, kind === '/v' ? 0.1 : -1).data] as const),
      ),
    ]);
  const maps = plans.map(({ shape, kind }) => {
    const whole = kind === 'loss' ? shape : [N, ...shape.slice(1)];
    return { y: draw(whole), dy: draw(whole) };
  });
  const layers = plans.map((plan, i) => ({
    ...plan,
    ...maps[i],
    parameters: Object.entries(plan.parameters).map(([role, shape]) => ({
      role: role as 'w',
      value: draw(shape),
      gradient: draw(shape),
    })),
  }));
  const before = { step: 4, drawn: 4 * N, optimizer: 'adam', arrays: arraysOf(4) } as const;
  const after = { step: 5, drawn: 5 * N, optimizer: 'adam', arrays: arraysOf(5) } as const;
  const batch = [4, 7, 2].map((image) => ({ image, symmetry: image }));
  const dropped = draw([N, plans[layerCalled('dense')].parameters.w![0]]);
  const labels = Uint8Array.from({ length: 8 }, (_, i) => i % 2);
  return {
    made: {
      classes: ['smooth', 'featured'],
      isOwn: false,
      settings,
      plans,
      batch,
      labels,
      before,
      after,
      seen: { layers },
    },
    maps,
    dropped,
  };
}

const { made, maps, dropped } = drawStep();

/** What the definition of the weight's layer gives for its gradient where only image `i` has a cotangent. */
function termByHand({ layer, role, at }: Weight, i: number): number {
  const { kind, geometry, inputs } = plans[layer];
  const [x, { dy: whole }] = [maps[inputs[0]].y, maps[layer]];
  const each = whole.data.length / N;
  const dy = { shape: whole.shape, data: whole.data.map((v, k) => (Math.floor(k / each) === i ? v : 0)) };
  const value = made.seen.layers[layer].parameters.find((p) => p.role === role)!.value;
  const offset = at.reduce((sum, index, axis) => sum * value.shape[axis] + index, 0);
  if (role === 'w' && kind === 'conv')
    return byHand('conv2d', 'dw', { x, w: value, dy }, { stride: geometry!.strideH, padding: 0 }, [offset])[0];
  if (role === 'w') return byHand('matmul', 'db', { a: dropped, b: value, dy }, {}, [offset])[0];
  if (role === 'b') return byHand('add', 'da', { x: rows(dy), a: value, dy: rows(dy) }, {}, [offset])[0];
  const gammaAndBeta = Object.fromEntries(made.seen.layers[layer].parameters.map((p) => [p.role, p.value]));
  return byHand('batch_norm', `d${role}`, { x: rows(x), ...gammaAndBeta, dy: rows(dy) }, {}, [offset])[0];
}

/** The step as the lab follows it: with what the weight's layer had besides. */
const follow = (weight: Weight) => {
  const { kind, inputs } = plans[weight.layer];
  const statistics = kind === 'norm' ? statisticsOf(rows(maps[inputs[0]].y)) : undefined;
  const seen = { ...made.seen, statistics, denseInput: kind === 'dense' ? dropped.data : undefined };
  return followed({ ...made, seen }, weight);
};

const WEIGHTS: readonly Weight[] = [
  { layer: layerCalled('conv2'), role: 'w', at: [1, 1, 5, 0] },
  { layer: layerCalled('norm2'), role: 'gamma', at: [3] },
  { layer: layerCalled('norm1'), role: 'beta', at: [5] },
  { layer: layerCalled('dense'), role: 'w', at: [5, 1] },
  { layer: layerCalled('dense'), role: 'b', at: [0] },
];

describe('a step of a weight', () => {
  it.each(WEIGHTS)('has a term for each image of the batch: %o', (weight) => {
    const { terms } = follow(weight);
    expect(terms.map(({ image, label, symmetry }) => [image, label, symmetry])).toEqual([
      [4, 0, 4],
      [7, 1, 7],
      [2, 0, 2],
    ]);
    // The statistics of a batch are f32, so a normalised number is off by a few units; all else is float64.
    const { shape } = maps[weight.layer].dy;
    const slack = weight.role === 'gamma' ? (4 * UNIT * sizeOf(shape)) / shape[shape.length - 1] : 1e-10;
    terms.forEach(({ value }, i) => expect(Math.abs(value - termByHand(weight, i))).toBeLessThanOrEqual(slack));
  });

  it('is told in parts whose numbers follow from those before', () => {
    const weight = { layer: layerCalled('conv1'), role: 'w', at: [0, 0, 0, 0] } as const;
    const told = follow(weight);
    const [name, { beta1, beta2, epsilon }] = [
      parameterName('conv1', 'w'),
      { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
    ];
    const [before, after] = [made.before, made.after].map(
      ({ arrays }) =>
        (of: string) =>
          arrays.get(`${name}${of}`)![0],
    );
    expect(told).toMatchObject({
      step: 5,
      count: 5,
      changed: true,
      decay: 0.25,
      before: { w: before(''), m: before('/m'), v: before('/v') },
      after: { w: after(''), m: after('/m'), v: after('/v') },
    });
    const g = told.gradient;
    const [mHat, vHat] = [after('/m') / (1 - beta1 ** 5), after('/v') / (1 - beta2 ** 5)];
    const step = -settings.learningRate * (mHat / (Math.sqrt(vHat) + epsilon) + 0.25 * before(''));
    const want = [
      told.terms.reduce((sum, { value }) => sum + value, 0),
      beta1 * before('/m') + (1 - beta1) * g,
      beta2 * before('/v') + (1 - beta2) * g ** 2,
      mHat,
      vHat,
      step,
      before('') + step,
    ];
    const parts = explainStep(told);
    expect(parts).toHaveLength(want.length);
    parts.forEach(({ computed }, i) =>
      expect(Math.abs(computed - want[i])).toBeLessThanOrEqual(1e-12 * Math.abs(want[i])),
    );
    expect(parts.map(({ value }) => value)).toEqual([
      g,
      after('/m'),
      after('/v'),
      undefined,
      undefined,
      undefined,
      after(''),
    ]);
  });

  it('of batch norm says how the statistics of the batch moved the running ones', () => {
    const weight = { layer: layerCalled('norm1'), role: 'beta', at: [2] } as const;
    const { y } = maps[layerCalled('conv1')];
    const values = [...y.data].filter((_, i) => i % 6 === 2);
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    const unbiased = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (values.length - 1);
    const running = made.before.arrays.get(parameterName('norm1', 'running'))!;
    const [first, second] = explainStep(follow(weight)).slice(-2);
    expect(Math.abs(first.computed - (0.9 * running[2] + 0.1 * mean))).toBeLessThanOrEqual(4 * UNIT);
    expect(Math.abs(second.computed - (0.9 * running[8] + 0.1 * unbiased))).toBeLessThanOrEqual(4 * UNIT);
    const after = made.after.arrays.get(parameterName('norm1', 'running'))!;
    expect([first.value, second.value]).toEqual([after[2], after[8]]);
  });

  it.each(['sgd', 'momentum'] as const)('of %s ends with the weight less the rate times what moves it', (optimizer) => {
    const weight = { layer: layerCalled('conv1'), role: 'w', at: [0, 0, 0, 0] } as const;
    const changed = { ...settings, optimizer, momentum: 0.5, learningRate: 0.125 };
    const arrays = new Map([...made.before.arrays].filter(([name]) => !name.endsWith('/v')));
    const [before, after] = [made.before, made.after].map((each) => ({ ...each, optimizer, arrays }));
    const told = followed({ ...made, settings: changed, before, after: { ...after, step: 5 } }, weight);
    const { w, m } = told.before;
    const decayed = told.gradient + 0.25 * w;
    const parts = explainStep(told);
    const by = (title: RegExp) => parts.find((part) => title.test(part.title))?.computed;
    expect(by(/^Weight decay/)).toBeCloseTo(decayed, 12);
    expect(by(/^Momentum/)).toEqual(optimizer === 'momentum' ? expect.closeTo(0.5 * m + decayed, 12) : undefined);
    expect(by(/^Update/)).toBeCloseTo(-0.125 * told.after.m, 12);
    expect(by(/^New weight/)).toBeCloseTo(w - 0.125 * told.after.m, 12);
  });
});
