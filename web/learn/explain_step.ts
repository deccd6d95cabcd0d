import { SYMMETRIES } from './batches.ts';
import type { Summand } from './explanation.ts';
import type { Followed, MovedStatistic } from './follow.ts';
import { inFormula, shortly } from './formula.ts';
import type { LineName } from './kernel_lines.ts';
import { total } from './layer_sums.ts';
import { ADAM, STATISTICS_MOMENTUM } from './training.ts';

/** A part of a step: a number, what it is made from, and what the GPU has, where it keeps it. */
export interface StepPart {
  readonly title: string;
  readonly formula: string;
  /** The formula with the numbers filled in. */
  readonly filled: string;
  readonly summands: readonly Summand[];
  /** In float64, from the operands as the GPU has them. */
  readonly computed: number;
  readonly value?: number;
  readonly line: LineName;
}

/** What the optimiser is called, and its numbers. */
export function optimizerOf({ settings: { optimizer, learningRate, momentum }, decay }: Followed): string {
  const name = { adam: 'Adam', momentum: `SGD with momentum ${momentum}`, sgd: 'SGD' }[optimizer];
  return `${name}, learning rate ${learningRate}${decay > 0 ? `, weight decay ${decay}` : ''}`;
}

/** How a step made a weight what it is, part by part in their order. */
export function explainStep(followed: Followed): StepPart[] {
  const { settings, statistics } = followed;
  const moves = settings.optimizer === 'adam' ? adam(followed) : sgd(followed);
  const moved = statistics
    ? [
        statistic('Running mean', 'mean', statistics.mean),
        statistic('Running variance', 'variance', statistics.variance, statistics.count),
      ]
    : [];
  return [gradient(followed), ...moves, ...moved];
}

/** One term for each image of the batch. */
function gradient({ terms, gradient: value, line, classes }: Followed): StepPart {
  const summands = terms.map(({ image, label, symmetry, value: product }) => {
    const turn = symmetry === 0 ? '' : `, ${SYMMETRIES[symmetry]}`;
    return { factors: [{ name: `image ${image}, ${classes[label]}${turn}`, value: product }], product };
  });
  const computed = total(summands);
  return {
    title: 'Gradient',
    formula: 'g = ∂loss/∂w = Σ over the batch, a term for each image',
    filled: `g = ${shortly(computed)}, the sum of ${terms.length} ${terms.length === 1 ? 'term' : `terms; the loss is a mean, so each has 1/${terms.length} in it`}`,
    summands,
    computed,
    value,
    line,
  };
}

function adam({ settings: { learningRate: rate }, decay, count: t, gradient: g, before, after }: Followed): StepPart[] {
  const { beta1, beta2, epsilon } = ADAM;
  const [rest1, rest2] = [1 - beta1, 1 - beta2];
  const [m, v] = [beta1 * before.m + rest1 * g, beta2 * before.v! + rest2 * g * g];
  const [mHat, vHat] = [after.m / (1 - beta1 ** t), after.v! / (1 - beta2 ** t)];
  const step = -rate * (mHat / (Math.sqrt(vHat) + epsilon) + decay * before.w);
  const [tail, filledTail] = decay > 0 ? [' + decay·w', ` + ${shortly(decay)} · ${inFormula(before.w)}`] : ['', ''];
  const part = { summands: [] };
  return [
    {
      ...part,
      title: 'First moment m, the mean of gradients',
      formula: `m ← β₁·m + (1 − β₁)·g,  β₁ = ${beta1}`,
      filled: `m = ${beta1} · ${inFormula(before.m)} + ${shortly(rest1)} · ${inFormula(g)} = ${shortly(m)}`,
      computed: m,
      value: after.m,
      line: 'adam m',
    },
    {
      ...part,
      title: 'Second moment v, the mean of their squares',
      formula: `v ← β₂·v + (1 − β₂)·g²,  β₂ = ${beta2}`,
      filled: `v = ${beta2} · ${shortly(before.v!)} + ${shortly(rest2)} · ${inFormula(g)}² = ${shortly(v)}`,
      computed: v,
      value: after.v,
      line: 'adam v',
    },
    {
      ...part,
      title: 'Corrections: both moments began with 0',
      formula: 'm̂ = m / (1 − β₁ᵗ)',
      filled: `m̂ = ${shortly(after.m)} / (1 − ${beta1}^${t}) = ${shortly(mHat)}`,
      computed: mHat,
      line: 'adam step',
    },
    {
      ...part,
      title: '',
      formula: 'v̂ = v / (1 − β₂ᵗ)',
      filled: `v̂ = ${shortly(after.v!)} / (1 − ${beta2}^${t}) = ${shortly(vHat)}`,
      computed: vHat,
      line: 'adam step',
    },
    {
      ...part,
      title: 'Update Δw',
      formula: `Δw = −rate · (m̂ / (√v̂ + ε)${tail}),  ε = ${shortly(epsilon)}`,
      filled: `Δw = −${shortly(rate)} · (${shortly(mHat)} / (√${shortly(vHat)} + ε)${filledTail}) = ${shortly(step)}`,
      computed: step,
      line: 'adam step',
    },
    weight(before.w, step, after.w, 'adam w'),
  ];
}

function sgd({ settings, decay, gradient: g, before, after }: Followed): StepPart[] {
  const { learningRate: rate, optimizer } = settings;
  const momentum = optimizer === 'momentum' ? settings.momentum : 0;
  const decayed = g + decay * before.w;
  const m = momentum * before.m + decayed;
  const step = -rate * after.m;
  const parts: StepPart[] = [];
  if (decay > 0)
    parts.push({
      title: 'Weight decay, added to the gradient',
      formula: `g′ = g + decay·w,  decay = ${shortly(decay)}`,
      filled: `g′ = ${inFormula(g)} + ${shortly(decay)} · ${inFormula(before.w)} = ${shortly(decayed)}`,
      summands: [],
      computed: decayed,
      line: 'sgd gradient',
    });
  const letter = decay > 0 ? 'g′' : 'g';
  if (optimizer === 'momentum')
    parts.push({
      title: 'Momentum m, what is left of all gradients',
      formula: `m ← momentum·m + ${letter},  momentum = ${momentum}`,
      filled: `m = ${momentum} · ${inFormula(before.m)} + ${inFormula(decayed)} = ${shortly(m)}`,
      summands: [],
      computed: m,
      value: after.m,
      line: 'sgd m',
    });
  parts.push({
    title: 'Update Δw',
    formula: `Δw = −rate · ${optimizer === 'momentum' ? 'm' : letter}`,
    filled: `Δw = −${shortly(rate)} · ${inFormula(after.m)} = ${shortly(step)}`,
    summands: [],
    computed: step,
    line: 'sgd w',
  });
  return [...parts, weight(before.w, step, after.w, 'sgd w')];
}

const weight = (before: number, step: number, after: number, line: LineName): StepPart => ({
  title: 'New weight',
  formula: 'w ← w + Δw',
  filled: `w = ${shortly(before)} + ${inFormula(step)} = ${shortly(before + step)}`,
  summands: [],
  computed: before + step,
  value: after,
  line,
});

/** @param count of the numbers of a channel in the batch, where the batch's variance is made unbiased by it */
function statistic(title: string, name: string, moved: MovedStatistic, count?: number): StepPart {
  const { before, batch, scale, after } = moved;
  const whole = scale * batch;
  const computed = before + STATISTICS_MOMENTUM * (whole - before);
  const [factor, filled] =
    count === undefined ? ['', ''] : ['n/(n − 1) · ', ` (${count}/${count - 1} · ${shortly(batch)})`];
  return {
    title: `${title} of this channel, used in prediction`,
    formula: `${name} ← ${name} + ${STATISTICS_MOMENTUM} · (${factor}${name} of the batch − ${name})`,
    filled: `${name} = ${shortly(before)} + ${STATISTICS_MOMENTUM} · (${shortly(whole)}${filled} − ${inFormula(before)}) = ${shortly(computed)}`,
    summands: [],
    computed,
    value: after,
    line: 'running statistics',
  };
}
