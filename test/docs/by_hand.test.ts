import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  elementOf,
  isUpdate,
  showArithmetic,
  type Explanation,
  type Settings,
  type Values,
} from '../../engine/explain/explanation.ts';
import { EXPLANATIONS } from '../../engine/explain/explanations.ts';
import { evaluateArithmetic } from '../engine/arithmetic.ts';
import { exercisesIn } from './exercises.ts';
import { byHand, isResult, shapeByHand, type Shown } from '../reference/by_hand.ts';

const DOCS = new URL('../../docs/', import.meta.url);
const read = (file: string) => readFileSync(new URL(file, DOCS), 'utf8');
const chapters = readdirSync(DOCS).filter((file) => /^\d\d-.*\.md$/.test(file));

/** Four digits are shown: half a unit of the fourth, of a number as large as this; whole numbers are exact. */
const shownTo = (v: number) => (v === 0 ? 1e-12 : 0.5001 * 10 ** (Math.floor(Math.log10(Math.abs(v))) - 3));
/** What four digits leave open of a number in a formula, relative to it. */
const FOUR_DIGITS = 5e-4;

/** What the chapters say in words of their examples' settings. */
const SETTINGS: Readonly<Record<string, Settings>> = {
  conv2d: { stride: 1, padding: 0 },
  depthwise_conv2d: { stride: 1, padding: 0 },
  max_pool2d: { size: 2, stride: 2, padding: 0 },
};

/** A formula in TeX as `evaluateArithmetic` reads it. */
const fromTex = (tex: string): string =>
  tex
    .replaceAll('&\\quad', '')
    .replaceAll('\\\\', '')
    .replaceAll(/\\sqrt\{([^}]*)\}/g, '√($1)')
    .replaceAll('10^{-8}', '1e_8')
    .replaceAll('-', '−')
    .replaceAll('1e_8', '1e-8')
    .replaceAll('\\cdot', '·')
    .replaceAll('\\', '');

/** The matrices of a part of a chapter by name; those of several channels as `x` → its slices. */
function matricesIn(text: string): Map<string, number[][][]> {
  const found = new Map<string, number[][][]>();
  for (const [, name, body] of text.matchAll(
    /(?<![\w}])((?:\\mathrm\{\w+\}|\\?\w+)'?)(?:_\{[^}]*\})? = \\begin\{bmatrix\} (.*?) \\end\{bmatrix\}/g,
  )) {
    const plain = name
      .replace(/\\mathrm\{(\w+)\}/, '$1')
      .replace(/^\\/, '')
      .replace(/_$/, '');
    const rows = body.split(' \\\\ ').map((row) => row.split(' & ').map(Number));
    found.set(plain, [...(found.get(plain) ?? []), rows]);
  }
  return found;
}

/** A value of an op as the chapter lays it out: images and filters by channel, rows of numbers as vectors. */
function laidOut(op: string, name: string, slices: readonly (readonly number[][])[]): Shown {
  const [rows, columns, channels] = [slices[0].length, slices[0][0].length, slices.length];
  const data = slices[0].flatMap((row, i) => row.flatMap((_, j) => slices.map((slice) => slice[i][j])));
  if (/conv2d|pool2d/.test(op)) {
    if (!/w$/.test(name)) return { shape: [1, rows, columns, channels], data };
    return { shape: op === 'conv2d' ? [rows, columns, 1, 1] : [rows, columns, channels], data };
  }
  return { shape: rows === 1 ? [columns] : [rows, columns], data };
}

const examples = chapters.flatMap((file) =>
  [...read(file).matchAll(/<!-- example (\w+): [^>]*-->\n([\s\S]*?)<!-- end -->/g)].map(
    ([, op, text]) => [file, op, text] as const,
  ),
);

describe('what the chapters work out by hand', () => {
  it('is in every chapter on an op', () => {
    const onOps = EXPLANATIONS.flatMap(({ chapter }) => (chapter === undefined ? [] : [`${chapter}.md`]));
    expect([...new Set(examples.map(([file]) => file))]).toEqual(
      expect.arrayContaining([...onOps, '06-convolution-gradients.md']),
    );
  });

  it.each(examples)('%s, %s: follows from the numbers that are shown', (_, op, text) => {
    const values: Record<string, Shown> = Object.fromEntries(
      [...matricesIn(text)].map(([name, slices]) => [name, laidOut(op, name, slices)]),
    );
    const results = Object.keys(values).filter((name) => isResult(op, name));
    expect(results.length).toBeGreaterThan(0);
    for (const name of results) {
      // A chapter on one gradient leaves out the operand that it is the gradient of, on which it does not depend.
      const of = name.slice(1);
      if (name.startsWith('d') && !(of in values))
        values[of] = { shape: values[name].shape, data: Array.from(values[name].data, () => 0) };
      const want = byHand(op, name, values, SETTINGS[op]);
      expect(values[name].data).toHaveLength(want.length);
      want.forEach((v, i) =>
        expect(Math.abs(values[name].data[i] - v), `${name}, number ${i}: ${v}`).toBeLessThanOrEqual(shownTo(v)),
      );
    }

    const lines = [...text.matchAll(/\\begin\{aligned\} (.*?)\[([\d, ]+)\] &= (.*) \\\\ &= (.*?) \\end/g)];
    expect(lines.length).toBeGreaterThan(1);
    for (const [line, tex, index, arithmetic, total] of lines) {
      const name = tex.replace(/\\mathrm\{(\w+)\}/, '$1');
      const at = index.split(', ').map(Number);
      const shown = elementOf(values, { of: name, at });
      expect(Number(fromTex(total).replace('−', '-')), line).toBe(shown);
      const { value, error } = evaluateArithmetic([fromTex(arithmetic)], FOUR_DIGITS);
      expect(Math.abs(value - shown), `${line}: ${value}`).toBeLessThanOrEqual(error + shownTo(shown));
    }
  });

  it('chapter 1: the place in memory of an element', () => {
    const text = read('01-numbers-and-images.md');
    const [, index, place] = /is \$x\[(1, 0, 2, 1)\]\$. Its place is[\s\S]*?&= (\d+) /.exec(text)!;
    // All indices in the order in which the chapter says that they follow one another.
    const order: string[] = [];
    for (let n = 0; n < 2; n++)
      for (let h = 0; h < 3; h++)
        for (let v = 0; v < 3; v++) for (let c = 0; c < 3; c++) order.push([n, h, v, c].join(', '));
    expect(order.indexOf(index)).toBe(Number(place));
    const [, found, cell] = /Which number is at place (\d+)\?[\s\S]*?\n\$x\[([\d, ]+)\]\$/.exec(text)!;
    expect(order[Number(found)]).toBe(cell);
    expect(exercisesIn(text).some((each) => each.kind === 'cell' && each.value === `x[${cell}]`)).toBe(true);
    expect(text).toContain(`${(8 * 64 * 64 * 3).toLocaleString('en')} numbers`);
  });

  it('chapter 3: what each layer adds to the field', () => {
    const text = read('03-receptive-fields.md');
    const rows = [...text.matchAll(/^\| (\d) \| 3 \| (\d) \| (\d) · (\d) = (\d) \|$/gm)].map((row) => row.map(Number));
    expect(rows.map(([, layer]) => layer)).toEqual([1, 2, 3, 1, 2, 3]);
    expect(rows.map(([, , stride]) => stride)).toEqual([1, 1, 1, 2, 1, 1]);
    const fields = [...text.matchAll(/^\| field \| \| \| ([\d +]+) = (\d+) \|$/gm)];
    expect(fields).toHaveLength(2);
    fields.forEach(([, terms, field], table) => {
      let strides = 1;
      const added = rows.slice(3 * table, 3 * table + 3).map(([, , stride, wider, times, sum]) => {
        expect([wider, times, sum]).toEqual([3 - 1, strides, (3 - 1) * strides]);
        strides *= stride;
        return sum;
      });
      expect(terms.split(' + ').map(Number)).toEqual([1, ...added]);
      expect(added.reduce((a, b) => a + b, 1)).toBe(Number(field));
    });
  });

  it('chapter 7: weights and products of a block of EfficientNet', () => {
    const text = read('07-depthwise-convolution.md');
    const numbers = [...text.matchAll(/^\| [^|]* \| (\d+) x (\d+) x (\d+) \| ([\d,]+) \| ([\d,]+) \|$/gm)].map(
      ([, ...cells]) => cells.map((cell) => Number(cell.replaceAll(',', ''))),
    );
    const [input, wide, squeezed, out] = [16, 96, 4, 24];
    const gated = 56 * 56 * wide;
    expect(numbers).toEqual([
      [112, 112, wide, input * wide, 112 * 112 * input * wide],
      [56, 56, wide, 9 * wide, 56 * 56 * 9 * wide],
      [56, 56, wide, wide * squeezed + squeezed + squeezed * wide + wide, 2 * wide * squeezed + gated],
      [56, 56, out, wide * out, 56 * 56 * wide * out],
    ]);
    expect(text.replaceAll('\n', ' ')).toContain(`weights and ${2 * wide * squeezed} products, and`);
    expect(text).toContain(`= ${gated.toLocaleString('en').replace(',', '{,}')}$ products more`);
    expect(text.replaceAll('\n', ' ')).toContain(
      `would need ${(9 * wide * wide).toLocaleString('en')} weights, ${wide} times`,
    );
  });

  it('chapter 2: a bright patch beats the line under a filter of positive weights, and not under the other', () => {
    const text = read('02-convolution.md').split('## The formula')[0];
    const sum = ([a]: number[][][], [b]: number[][][]) => a.flat().reduce((all, v, i) => all + v * b.flat()[i], 0);
    const shown = matricesIn(text);
    const rows = [...text.matchAll(/^\| (positive|signed) \| (\d+) \| (\d+) \|$/gm)];
    expect(rows).toHaveLength(2);
    for (const [, filter, line, bright] of rows)
      expect([line, bright].map(Number)).toEqual(
        ['line', 'bright'].map((patch) => sum(shown.get(filter)!, shown.get(patch)!)),
      );
    expect(Number(rows[0][3])).toBeGreaterThan(Number(rows[0][2]));
    expect(Number(rows[1][3])).toBeLessThan(Number(rows[1][2]));
  });

  it('chapter 12: the least loss of votes that are not of one mind', () => {
    const [, first, second, loss] = /-([\d.]+) \\cdot \\log \1 - ([\d.]+) \\cdot \\log \2 = ([\d.]+)/
      .exec(read('12-softmax-and-cross-entropy.md'))!
      .map(Number);
    const at = (p: number) => -first * Math.log(p) - second * Math.log(1 - p);
    expect(first + second).toBe(1);
    expect(Math.abs(at(first) - loss)).toBeLessThanOrEqual(shownTo(loss));
    for (const other of [first - 0.01, first + 0.01]) expect(at(other)).toBeGreaterThan(at(first));
  });

  it('chapter 12: the gradient of the loss is what was said less what should have been', () => {
    const [, , text] = examples.find(([, op]) => op === 'softmax_cross_entropy')!;
    const [logits, targets, gradient] = ['logits', 'targets', 'dlogits'].map((name) => matricesIn(text).get(name)![0]);
    logits.forEach((row, n) => {
      const sum = row.reduce((all, x) => all + Math.exp(x), 0);
      row.forEach((x, k) => {
        const want = Math.exp(x) / sum - targets[n][k];
        expect(Math.abs(gradient[n][k] - want)).toBeLessThanOrEqual(shownTo(want));
      });
    });
  });

  it('chapter 13: the state is one that a first step leaves, with the gradients that are told', () => {
    const shown = matricesIn(read('13-optimisers.md'));
    const [[m], [v]] = [shown.get('m')![0], shown.get('v')![0]];
    const gradients = [2, -1, 0];
    expect(read('13-optimisers.md').replaceAll('\n', ' ')).toContain('gradients in the first step were 2, −1 and 0');
    gradients.forEach((g, i) => {
      expect(m[i]).toBeCloseTo((1 - 0.9) * g, 12);
      expect(v[i]).toBeCloseTo((1 - 0.999) * g ** 2, 12);
    });
  });
});

/** Every combination of an explanation's settings. */
const settingsOf = ({ settings }: Explanation): Settings[] =>
  settings.reduce<Settings[]>(
    (all, { name, choices }) => all.flatMap((s) => choices.map((choice) => ({ ...s, [name]: choice }))),
    [{}],
  );

/** An example whose results are worked out by hand. */
function worked(explanation: Explanation, settings: Settings): Values {
  const { name: op, results } = explanation;
  const values: Record<string, Shown> = Object.fromEntries(
    explanation.operands(settings).map(({ name, shape, data }) => [name, { shape, data }]),
  );
  if (!isUpdate(explanation)) {
    const shape = shapeByHand(op, values, settings);
    const data = Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => ((7 * i) % 5) - 2);
    values[`d${results[0].name}`] = { shape, data: explanation.cotangent ?? data };
    values[results[0].name] = { shape, data: byHand(op, results[0].name, values, settings) };
  }
  for (const { name, of } of results)
    if (of !== undefined) values[name] = { shape: values[of].shape, data: byHand(op, name, values, settings) };
  return values;
}

describe('what explanations show, in the terminal and in figures', () => {
  it.each(EXPLANATIONS.map((explanation) => [explanation.name, explanation] as const))(
    '%s: the arithmetic behind each number comes to what follows from the operands',
    (_, explanation) => {
      for (const settings of settingsOf(explanation)) {
        const values = worked(explanation, settings);
        for (const result of explanation.results) {
          const { shape, data } = values[result.name];
          for (let i = 0; i < data.length; i++) {
            let rest = i;
            const at = [...shape]
              .reverse()
              .map((n) => [rest % n, (rest = Math.floor(rest / n))][0])
              .reverse();
            const behind = result.behind(at, values, settings);
            const text = showArithmetic(behind);
            for (const { value, error } of [
              evaluateArithmetic(behind.arithmetic),
              evaluateArithmetic([text], FOUR_DIGITS),
            ])
              expect(
                Math.abs(value - data[i]),
                `${result.name}[${at}] with ${JSON.stringify(settings)} is ${data[i]}, not ${text} = ${value}`,
              ).toBeLessThanOrEqual(error + 1e-12 * Math.abs(data[i]));
          }
        }
      }
    },
  );
});
