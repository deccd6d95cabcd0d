import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { efficientNetShape } from '../../models/efficientnet_table.ts';
import { evaluateArithmetic } from '../engine/arithmetic.ts';
import { adamStep, sgdStep } from '../reference/optimizer.ts';

/*
 * Chapters that work something out that is no op of `explain`: every chain `a = 2 · 3 = 6` of theirs adds up, and every
 * name that is given a number has the one that follows from the operands, by code that knows no rule of the chapter:
 * cotangents are central differences, steps are the reference's.
 */

const read = (file: string) => readFileSync(new URL(`../../docs/${file}.md`, import.meta.url), 'utf8');
const withoutExamples = (text: string) => text.replace(/<!-- example [\s\S]*?<!-- end -->/g, '');

/** What four digits leave open of a number in a formula, relative to it. */
const FOUR_DIGITS = 5e-4;
/** Half a unit of the fourth digit. */
const shownTo = (v: number) => (v === 0 ? 1e-12 : 0.5001 * 10 ** (Math.floor(Math.log10(Math.abs(v))) - 3));

const repeated = (base: string, times: string) => `(${Array(Number(times)).fill(base).join(' · ')})`;

/** A side of an equation as `evaluateArithmetic` reads it; undefined where a letter stands in it. */
function plain(tex: string): string | undefined {
  const text = tex
    .replaceAll('{,}', '')
    .replaceAll('&', '')
    .replaceAll(/([\d.]+) \\cdot 10\^\{-(\d+)\}/g, '$1e_$2')
    .replaceAll('\\pi', String(Math.PI))
    .replaceAll('-', '−')
    .replaceAll('e_', 'e-')
    .replaceAll('\\cdot', '·')
    .replaceAll(/\\bigg[lr](?=[()])/g, '')
    .replaceAll(/\\sqrt\{([^{}]*)\}/g, '√($1)')
    .replaceAll(/\\t?frac\{([^{}]*)\}\{([^{}]*)\}/g, '(($1) / ($2))')
    .replaceAll(/([\d.]+|\([^()]*\))\^\{(\d+)\}/g, (_, base: string, times: string) => repeated(base, times))
    .replaceAll(/\\cos\(([^()]*)\)/g, (_, angle: string) => String(Math.cos(evaluateArithmetic([angle]).value)))
    .replaceAll(/\\(exp|max)/g, '$1')
    .trim();
  return text !== '' && !/[a-z\\{^]/i.test(text.replaceAll(/exp|max|\de-\d/g, '')) ? text : undefined;
}

interface Equation {
  readonly tex: string;
  /** `w_1` of w_1 = …, where the left side is a name. */
  readonly name?: string;
  readonly sides: readonly string[];
}

/** The equations of a text that have a side of numbers alone. */
function equationsIn(text: string): Equation[] {
  const formulas = [...text.matchAll(/\$\$([\s\S]+?)\$\$|\$([^$\n]+)\$/g)].map(([, shown, inline]) => shown ?? inline);
  return (
    formulas
      .filter((tex) => !tex.includes('bmatrix'))
      // A line that begins with = or an operator goes on with the one before.
      .map((tex) => tex.replaceAll(/\\\\ &(?:\\quad (?=[-+/]|\\cdot)|(?==))/g, ''))
      .flatMap((tex) => tex.replaceAll(/\\(begin|end)\{aligned\}/g, '').split(/\\\\|\\q?quad|\\text\{[^}]*\}/))
      .flatMap((tex) => {
        const all = tex.split('=').map((side) => side.trim());
        const sides = all.map(plain).filter((side) => side !== undefined);
        const [, name] =
          /^(?:\\mathrm\{)?([a-zA-Z]+?(?:\\mathrm\{loss)?\}?(?:_\d+)?)\}?$/.exec(all[0].replaceAll(/[ &]/g, '')) ?? [];
        return all.length > 1 && sides.length > 0 ? [{ tex, name: name?.replace(/\\mathrm\{|\}/g, ''), sides }] : [];
      })
  );
}

const amount = (side: string) => evaluateArithmetic([side], FOUR_DIGITS);

/** The sections of a chapter by their headings. */
const sectionsOf = (file: string): [string, string][] =>
  withoutExamples(read(file))
    .split(/^##+ /m)
    .map((part) => [part.split('\n')[0], part]);

type Numbers = Readonly<Record<string, number>>;
/** Computes a graph in which any node may be put to another number than its own. */
type Graph = (put: Numbers) => Numbers;

/** How the loss changes with each node: the loss with the node a little larger and a little smaller. */
function withCotangents(graph: Graph, given: Numbers): Numbers {
  const values = graph(given);
  const by = 1e-6;
  const slope = (name: string) =>
    (graph({ ...given, [name]: values[name] + by }).loss - graph({ ...given, [name]: values[name] - by }).loss) /
    (2 * by);
  return { ...values, ...Object.fromEntries(Object.keys(values).map((name) => [`d${name}`, slope(name)])) };
}

const neuron: Graph = (put) => {
  const { w, x, b, t } = put;
  const p = put.p ?? w * x;
  const s = put.s ?? p + b;
  const y = put.y ?? Math.max(s, 0);
  const e = put.e ?? y - t;
  return { w, x, b, t, p, s, y, e, loss: put.loss ?? e ** 2 };
};
const residual: Graph = (put) => {
  const { w, x, t } = put;
  const p = put.p ?? w * x;
  const r = put.r ?? Math.max(p, 0);
  const y = put.y ?? r + x;
  const e = put.e ?? y - t;
  return { w, x, t, p, r, y, e, loss: put.loss ?? e ** 2 };
};

const gradient = (w: Float64Array) => [2 * w[0]];
function twoAdamSteps(weightDecay: number): Numbers {
  const state = { w: Float64Array.of(1), m: new Float64Array(1), v: new Float64Array(1) };
  const settings = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay };
  return Object.fromEntries(
    [1, 2].flatMap((t) => {
      adamStep(state, gradient(state.w), t, 0.1, settings);
      return Object.entries(state).map(([name, [number]]) => [`${name}_${t}`, number]);
    }),
  );
}
function twoSgdSteps(momentum: number): Numbers {
  const state = { w: Float64Array.of(1), m: new Float64Array(1) };
  return Object.fromEntries(
    [1, 2].flatMap((t) => {
      sgdStep(state, gradient(state.w), 0.1, momentum, false, 0);
      return Object.entries(state).map(([name, [number]]) => [`${name}_${t}`, number]);
    }),
  );
}
/** Loshchilov & Hutter 2017, equation 5, after a linear warm-up. */
const scheduled = (s: number) => (s < 4 ? (0.1 * (s + 1)) / 4 : 0.05 + 0.05 * Math.cos((Math.PI * (s - 4)) / 8));

const matrixIn = (text: string, name: string): number[][] =>
  new RegExp(`${name} = \\\\begin\\{bmatrix\\} (.*?) \\\\end`)
    .exec(text)![1]
    .split(' \\\\ ')
    .map((row) => row.split(' & ').map(Number));

/** Squeeze-and-excite of two channels with one hidden number (Hu et al. 2018, equations 2 to 4). */
function squeezeExcite(text: string) {
  const [x, [w1], [w2]] = [
    ['x_0', 'x_1'].map((name) => matrixIn(text, name)),
    matrixIn(text, 'w_1'),
    matrixIn(text, 'w_2'),
  ];
  const m = x.map((rows) => rows.flat().reduce((a, b) => a + b) / rows.flat().length);
  const u = Math.max(0, m[0] * w1[0] + m[1] * w1[1]);
  const g = w2.map((w) => 1 / (1 + Math.exp(-w * u)));
  const y = x.map((rows, c) => rows.map((row) => row.map((v) => v * g[c])));
  return { numbers: { m_0: m[0], m_1: m[1], u, g_0: g[0], g_1: g[1] }, y };
}

interface Worked {
  /** Names whose numbers the text gives, not derives. */
  readonly given?: readonly string[];
  numbers(given: Numbers, text: string): Numbers;
}

/** What each section works out, by chapter and heading. */
const WORKED: Readonly<Record<string, Readonly<Record<string, Worked>>>> = {
  '04-activations': {
    'A dead ReLU': {
      given: ['w', 'b'],
      numbers: ({ w, b }) => Object.fromEntries([1, 2, 3].map((x) => [`s_${x}`, w * x + b])),
    },
    'How large the first weights are': { numbers: () => ({ n: Array(3 * 3 * 16).length }) },
  },
  '05-chain-rule': {
    'One neuron': { given: ['w', 'x', 'b', 't'], numbers: (given) => withCotangents(neuron, given) },
    'A value that is used twice': { given: ['w', 'x', 't'], numbers: (given) => withCotangents(residual, given) },
  },
  '09-residual-and-squeeze-excite': {
    'Two ways for a cotangent': {
      given: ['w', 'x', 'dy'],
      // With the loss 4 · y, so that dy = 4.
      numbers: (given) => withCotangents((put) => ({ x: put.x, loss: 4 * residual({ ...put, t: 0 }).y }), given),
    },
    'Squeeze-and-excite': { numbers: (_, text) => squeezeExcite(text).numbers },
  },
  '11-dense-layer': {},
  '13-optimisers': {
    'By hand': { given: ['w_0'], numbers: () => ({}) },
    SGD: { numbers: () => twoSgdSteps(0) },
    Momentum: { numbers: () => twoSgdSteps(0.9) },
    Adam: { numbers: () => twoAdamSteps(0) },
    AdamW: { numbers: () => twoAdamSteps(0.1) },
    'A schedule': {
      given: ['U', 'T'],
      numbers: () => Object.fromEntries([0, 1, 6, 8].map((s) => [`r_${s}`, scheduled(s)])),
    },
    'Adam in the engine': { given: ['t'], numbers: () => ({}) },
  },
};

const chapters = Object.keys(WORKED);

describe('what chapters work out without an op', () => {
  it.each(chapters)('%s: both sides of every equation come to the same', (file) => {
    const equations = equationsIn(withoutExamples(read(file)));
    expect(equations.filter(({ sides }) => sides.length > 1).length).toBeGreaterThan(2);
    for (const { tex, sides } of equations) {
      const values = sides.map(amount);
      for (let i = 1; i < sides.length; i++) {
        const [a, b] = [values[i - 1], values[i]];
        expect(Math.abs(a.value - b.value), tex).toBeLessThanOrEqual(a.error + b.error + shownTo(b.value));
      }
    }
  });

  it.each(chapters)('%s: every name has the number that follows from what is given', (file) => {
    for (const [heading, text] of sectionsOf(file)) {
      if (heading === 'Exercises') continue;
      const named = equationsIn(text).flatMap(({ name, sides }) =>
        name === undefined ? [] : [[name, amount(sides[sides.length - 1]).value] as const],
      );
      if (named.length === 0) continue;
      const worked = WORKED[file][heading];
      expect(worked, `${file}, ${heading}, gives numbers to ${named.map(([name]) => name).join(', ')}`).toBeDefined();
      // The first that a name is given; others are cases that are talked of.
      const given = Object.fromEntries([...named].reverse().filter(([name]) => worked.given?.includes(name)));
      const want = worked.numbers(given, text);
      for (const [name, shown] of named) {
        if (name in given && !name.startsWith('d')) continue;
        expect(Object.keys({ ...want, ...given }), heading).toContain(name);
        const expected = want[name] ?? given[name];
        // A central difference of the loss by 1e-6 is good to about 1e-9 of it.
        expect(Math.abs(shown - expected), `${heading}: ${name}`).toBeLessThanOrEqual(shownTo(expected) + 1e-8);
      }
    }
  });

  it('04: the slope of SiLU is 0 at −1.3 and larger than 1 from 1.3 on, that of a sigmoid nowhere above a quarter', () => {
    const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
    const slope = (f: (x: number) => number, x: number) => (f(x + 1e-6) - f(x - 1e-6)) / 2e-6;
    const silu = (x: number) => x * sigmoid(x);
    for (let x = -8; x <= 8; x += 0.1) {
      expect(slope(sigmoid, x)).toBeLessThan(0.25 + 1e-9);
      expect(slope(silu, x) < 0, `${x}`).toBe(x < -1.28);
      expect(slope(silu, x) > 1, `${x}`).toBe(x > 1.28);
    }
  });

  it('09: squeeze-and-excite scales every pixel by its gate, and has as many weights as is said', () => {
    const [, text] = sectionsOf('09-residual-and-squeeze-excite').find(
      ([heading]) => heading === 'Squeeze-and-excite',
    )!;
    squeezeExcite(text).y.forEach((rows, c) =>
      rows.forEach((row, i) =>
        row.forEach((v, j) =>
          expect(Math.abs(matrixIn(text, `y_${c}`)[i][j] - v), `y_${c}`).toBeLessThanOrEqual(shownTo(v)),
        ),
      ),
    );
    const dead = (put: Numbers) => ({ x: put.x, loss: 4 * residual({ ...put, t: 0 }).y });
    expect(withCotangents(dead, { w: -0.5, x: 2 }).dx).toBeCloseTo(4, 6);
    const [first] = efficientNetShape({ depth: 1, width: 1 }).blocks;
    expect([first.inChannels, first.squeezeChannels]).toEqual([32, 8]);
  });

  it('11: the thirteen convolutions of VGG-16 have as many weights as is said', () => {
    // Simonyan & Zisserman 2015, table 1, column D.
    const widths = [64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512];
    const weights = widths.reduce((sum, width, i) => sum + 9 * (i === 0 ? 3 : widths[i - 1]) * width, 0);
    expect(read('11-dense-layer')).toContain(`${weights.toLocaleString('en')} weights`);
  });
});

/** The numbers that the exercises ask for, in their order. */
const ANSWERS: Readonly<Record<string, readonly number[]>> = {
  '04-activations': [0.25 ** 3, Math.sqrt(2 / Array(3 * 3 * 8).length)],
  '05-chain-rule': [
    withCotangents(neuron, { w: 2, x: 3, b: -1, t: 4 }).dw,
    withCotangents(residual, { w: 2, x: 2, t: 1 }).dx,
  ],
  '09-residual-and-squeeze-excite': [4 * (1 + 0.25), 1 / (1 + Math.exp(0))],
  '11-dense-layer': [
    // Counted: all numbers before row 1, column 1, channel 0 of a 3 x 2 x 4 map.
    [0, 1, 2].flatMap((h) => [0, 1].flatMap((v) => [0, 1, 2, 3].map((c) => [h, v, c].join()))).indexOf('1,1,0'),
    Array.from({ length: 10 }, () => 64 + 1).reduce((a, b) => a + b),
    2 - 1 + 2,
  ],
  '13-optimisers': [[1, 2].reduce((w) => w - 0.2 * 2 * w, 1), 2 / 2, scheduled(2)],
};

describe('what their exercises ask for', () => {
  it.each(chapters)('%s: numbers follow from the operands, choices are there', (file) => {
    const exercises = [
      ...read(file).matchAll(/<!-- exercise (\w+) ([-\d.]+)?(?: \+-([\d.]+))?.*-->\n([\s\S]*?)<!-- end -->/g),
    ];
    expect(exercises.length).toBeGreaterThanOrEqual(3);
    expect(exercises.length).toBeLessThanOrEqual(5);
    const asked = exercises.filter(([, kind]) => kind === 'number');
    expect(asked).toHaveLength(ANSWERS[file].length);
    asked.forEach(([text, , number, tolerance = '0'], i) =>
      expect(Math.abs(Number(number) - ANSWERS[file][i]), text).toBeLessThanOrEqual(Number(tolerance) + 1e-6),
    );
    for (const [, kind, right, , text] of exercises) if (kind === 'choice') expect(text).toContain(`\n${right}. `);
    for (const [, , , , text] of exercises) expect(text).toMatch(/<details><summary>Answer<\/summary>/);
  });

  it('the wrong gradient of chapter 5 is wrong, and the others are right', () => {
    const text = read('05-chain-rule').split('Find the wrong gradient')[1];
    const right = withCotangents(neuron, { w: 3, x: 2, b: 0, t: 5 });
    const shown = [...text.matchAll(/^\d\. \$(\w+) = (-?\d+)\$$/gm)].slice(0, 4);
    expect(shown.map(([, name, value]) => Math.abs(right[name] - Number(value)) < 1e-6)).toEqual([
      true,
      false,
      true,
      true,
    ]);
  });
});
