import { adam } from '../ops/adam.ts';
import { sgd } from '../ops/sgd.ts';
import { elementOf, written, type Behind, type Explanation, type Values } from './explanation.ts';

const [BETA1, BETA2, EPSILON, MOMENTUM] = [0.9, 0.999, 1e-8, 0.9];
const STEP = 2;

/** The numbers of an element by name, with those of the vector `hyper`. */
function numbersAt(values: Values, at: readonly number[]) {
  const of = (name: string) => elementOf(values, { of: name, at });
  return { of, hyper: (i: number) => elementOf(values, { of: 'hyper', at: [i] }) };
}
const cellsOf = (names: readonly string[], at: readonly number[]) => names.map((of) => ({ of, at }));

const GRADIENT = { name: 'g', says: 'the gradient of the loss', shape: [3], data: [1, -2, 4] } as const;
const state = (name: string, says: string, data: readonly number[]) => ({ name, says, shape: [3], data, state: true });

function moments(values: Values, at: readonly number[]) {
  const { of, hyper } = numbersAt(values, at);
  const g = of('g') * hyper(3);
  return { g, m: BETA1 * of('m') + (1 - BETA1) * g, v: BETA2 * of('v') + (1 - BETA2) * g * g };
}

const adamExplanation: Explanation = {
  name: 'adam',
  says: 'Each weight steps by the running mean of its gradient, divided by the running root mean square of it (Kingma & Ba 2015).',
  chapter: '13-optimisers',
  settings: [],
  operands: () => [
    state('w', 'the weights, a parameter', [1, 2, -1]),
    // After a first step with gradients 2, −1 and 0.
    state('m', 'mean of past gradients, a parameter', [0.2, -0.1, 0]),
    state('v', 'mean of past squared gradients, a parameter', [0.004, 0.001, 0]),
    GRADIENT,
    {
      name: 'hyper',
      says: `learning rate, 1 − β₁ᵗ, 1 − β₂ᵗ (here t = ${STEP}), factor of the gradient`,
      shape: [4],
      data: [0.1, 1 - BETA1 ** STEP, 1 - BETA2 ** STEP, 1],
    },
    { name: 'guard', says: 'the loss: nothing changes where it is not finite', shape: [1], data: [0] },
  ],
  apply: ({ w, m, v, g, hyper, guard }) =>
    adam({ w, m, v }, g, hyper, guard, { beta1: BETA1, beta2: BETA2, epsilon: EPSILON, weightDecay: 0 }),
  results: [
    {
      name: "w'",
      of: 'w',
      formula: "w'[i] = w[i] − hyper[0] · (m'[i] / hyper[1]) / (√(v'[i] / hyper[2]) + ε)",
      where: 'ε = 1e-8, and guard[0] is finite',
      line: 'w[i] = weight - step * hyper[0];',
      behind(at, values): Behind {
        const { of, hyper } = numbersAt(values, at);
        const { m, v } = moments(values, at);
        return {
          cells: cellsOf(['w', 'm', 'v', 'g'], at),
          arithmetic: written`${of('w')} − ${hyper(0)} · (${m} / ${hyper(1)}) / (√(${v} / ${hyper(2)}) + ${EPSILON})`,
        };
      },
    },
    {
      name: "m'",
      of: 'm',
      formula: "m'[i] = β₁ · m[i] + (1 − β₁) · g[i] · hyper[3]",
      where: 'β₁ = 0.9',
      line: 'let first = m[i] * params.beta1 + gradient * params.rest1;',
      behind(at, values): Behind {
        const { of, hyper } = numbersAt(values, at);
        return {
          cells: cellsOf(['m', 'g'], at),
          arithmetic: written`${BETA1} · ${of('m')} + (1 − ${BETA1}) · ${of('g')} · ${hyper(3)}`,
        };
      },
    },
    {
      name: "v'",
      of: 'v',
      formula: "v'[i] = β₂ · v[i] + (1 − β₂) · (g[i] · hyper[3])²",
      where: 'β₂ = 0.999',
      line: 'let second = v[i] * params.beta2 + gradient * gradient * params.rest2;',
      behind(at, values): Behind {
        const { g } = moments(values, at);
        return {
          cells: cellsOf(['v', 'g'], at),
          arithmetic: written`${BETA2} · ${numbersAt(values, at).of('v')} + (1 − ${BETA2}) · ${g} · ${g}`,
        };
      },
    },
  ],
};

const sgdExplanation: Explanation = {
  name: 'sgd',
  says: 'Stochastic gradient descent: each weight steps against its gradient, with a momentum that remembers earlier ones.',
  chapter: '13-optimisers',
  settings: [],
  operands: () => [
    state('w', 'the weights, a parameter', [1, 2, -1]),
    state('m', 'the momentum, a parameter', [0.5, 0, -1]),
    GRADIENT,
    { name: 'hyper', says: 'learning rate, factor of the gradient', shape: [2], data: [0.1, 1] },
  ],
  apply: ({ w, m, g, hyper }) => sgd({ w, m }, g, hyper, { momentum: MOMENTUM }),
  results: [
    {
      name: "w'",
      of: 'w',
      formula: "w'[i] = w[i] − hyper[0] · m'[i]",
      line: 'w[i] = weight - select(velocity, gradient + velocity * params.momentum, params.nesterov == 1u) * hyper[0];',
      behind(at, values): Behind {
        const { of, hyper } = numbersAt(values, at);
        return {
          cells: cellsOf(['w', 'm', 'g'], at),
          arithmetic: written`${of('w')} − ${hyper(0)} · (${MOMENTUM} · ${of('m')} + ${of('g')} · ${hyper(1)})`,
        };
      },
    },
    {
      name: "m'",
      of: 'm',
      formula: "m'[i] = momentum · m[i] + g[i] · hyper[1]",
      where: 'momentum = 0.9',
      line: 'let velocity = m[i] * params.momentum + gradient * params.undamped;',
      behind(at, values): Behind {
        const { of, hyper } = numbersAt(values, at);
        return {
          cells: cellsOf(['m', 'g'], at),
          arithmetic: written`${MOMENTUM} · ${of('m')} + ${of('g')} · ${hyper(1)}`,
        };
      },
    },
  ],
};

export const OPTIMIZERS = [adamExplanation, sgdExplanation];
