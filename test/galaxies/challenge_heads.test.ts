import { describe, expect, it } from 'vitest';
import { grad } from '../../engine/autodiff.ts';
import { openDevice } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { input } from '../../engine/ops/leaves.ts';
import { compile } from '../../engine/program/program.ts';
import { HEADS } from '../../galaxies/challenge/heads.ts';
import { CHALLENGE_COLUMNS, firstColumn } from '../../galaxies/columns.ts';
import { QUESTIONS, leadingTo } from '../../galaxies/decision_tree.ts';
import { expectGradient } from '../finite_differences.ts';
import { describeAdapters, evaluate } from '../gpu.ts';
import { randomArray, uniform } from '../random.ts';
import { evaluateGraph } from '../reference/interpreter.ts';
import { expectWithin, functionBound, sumBound } from '../tolerance.ts';

const WIDTH = CHALLENGE_COLUMNS.length;
const sumOf = (row: ArrayLike<number>, number: number, answers = QUESTIONS[number - 1].answers.map((_, i) => i)) =>
  answers.reduce((sum, i) => sum + row[firstColumn(number) + i], 0);
/** What the answers of a question must sum to. Written out: the way through the tree is what is tested. */
const REACHED: Readonly<Record<number, (row: ArrayLike<number>) => number>> = {
  1: () => 1,
  2: (r) => r[1],
  3: (r) => r[4],
  4: (r) => r[4],
  5: (r) => r[4],
  6: () => 1,
  7: (r) => r[0],
  8: (r) => r[13],
  9: (r) => r[3],
  10: (r) => r[7],
  11: (r) => r[7],
};
const rowsOf = (values: Float32Array) =>
  Array.from({ length: values.length / WIDTH }, (_, n) => values.subarray(n * WIDTH, (n + 1) * WIDTH));

it('the tree asks question 5 of those who saw no arms and of those who counted them', () => {
  expect(leadingTo(5).map(({ question, answers }) => [question.number, answers])).toEqual([
    [4, [1]],
    [11, [0, 1, 2, 3, 4, 5]],
  ]);
  expect([leadingTo(1), leadingTo(6)]).toEqual([[], []]);
});

it('every galaxy of a question is one that was led to it: the reference obeys the tree', () => {
  const logits = input('logits', [5, WIDTH]);
  const fractions = HEADS.tree(logits);
  const values = evaluateGraph([fractions], new Map([['logits', randomArray(logits.size, 1, -6, 6)]])).get(fractions)!;
  for (let n = 0; n < 5; n++) {
    const row = values.subarray(n * WIDTH, (n + 1) * WIDTH);
    for (const { number } of QUESTIONS)
      expect(Math.abs(sumOf(row, number) - REACHED[number](row)), `question ${number}`).toBeLessThan(1e-14);
  }
});

it.each(Object.keys(HEADS) as (keyof typeof HEADS)[])(
  'gradients through the head %s agree with finite differences',
  (head) => {
    const [logits, dy] = [input('logits', [2, WIDTH]), input('dy', [2, WIDTH])];
    const fractions = HEADS[head](logits);
    const [dx] = grad(fractions, [logits], dy);
    const [x, cotangent] = [
      Float64Array.from(randomArray(logits.size, 2, -3, 3)),
      Float64Array.from(randomArray(dy.size, 3)),
    ];
    const at = (values: Float64Array) => evaluateGraph([fractions], new Map([['logits', values]])).get(fractions)!;
    const gradient = evaluateGraph(
      [dx],
      new Map([
        ['logits', x],
        ['dy', cotangent],
      ]),
    ).get(dx)!;
    expectGradient(([v]) => at(v), [x], cotangent, [gradient], logits.size);
  },
);

describeAdapters('the heads of the challenge', (device) => {
  it.each(Object.keys(HEADS) as (keyof typeof HEADS)[])(
    '%s: fractions and gradients are those of the reference',
    async (head) => {
      const [logits, dy] = [input('logits', [7, WIDTH]), input('dy', [7, WIDTH])];
      const fractions = HEADS[head](logits);
      const outputs = [fractions, grad(fractions, [logits], dy)[0]];
      const feeds = { logits: randomArray(logits.size, 4, -4, 4), dy: randomArray(dy.size, 5) };
      const got = await evaluate(device(), outputs, feeds);
      const want = evaluateGraph(outputs, new Map(Object.entries(feeds)));
      // A fraction is a product of up to seven softmaxes of up to seven answers, each a chain of three functions; a
      // gradient sums over the columns behind an answer.
      const fraction = 7 * (sumBound(7, 1) + functionBound(3, 1));
      expectWithin(got[0], want.get(outputs[0])!, () => fraction, 'fraction');
      expectWithin(got[1], want.get(outputs[1])!, () => 4 * fraction + sumBound(WIDTH, WIDTH), 'gradient');
    },
  );

  it('no logits break the sums of the tree', async () => {
    const next = uniform(6);
    const signed = (size: number) => Float32Array.from({ length: WIDTH }, () => (next() < 0.5 ? -size : size));
    const any = Float32Array.from({ length: WIDTH }, () => (2 * next() - 1) * 10 ** (38 * next()));
    const one = (k: number, size: number) => new Float32Array(WIDTH).fill(size, k, k + 1);
    const rows = [
      randomArray(WIDTH, 7),
      randomArray(WIDTH, 8, -100, 100),
      signed(1e4),
      signed(1e10),
      signed(1e38),
      signed(3.4e38),
      any,
      new Float32Array(WIDTH).fill(3.4e38),
      new Float32Array(WIDTH).fill(-3.4e38),
      ...[0, 1, 4, 7, 36].flatMap((k) => [one(k, 1e30), one(k, -1e30)]),
    ];
    const [logits, dy] = [input('logits', [rows.length, WIDTH]), input('dy', [rows.length, WIDTH])];
    const fractions = HEADS.tree(logits);
    const [got, dx] = await evaluate(device(), [fractions, grad(fractions, [logits], dy)[0]], {
      logits: Float32Array.from(rows.flatMap((row) => [...row])),
      dy: randomArray(dy.size, 9),
    });
    for (const [n, row] of rowsOf(got).entries()) {
      expect(
        row.every((v) => v >= 0 && v <= 1 + 1e-6),
        `row ${n}: ${row}`,
      ).toBe(true);
      for (const { number } of QUESTIONS)
        expect(Math.abs(sumOf(row, number) - REACHED[number](row)), `row ${n}, question ${number}`).toBeLessThan(2e-6);
    }
    expect(dx.every(Number.isFinite)).toBe(true);
  });
});

describe('the heads of the challenge', () => {
  it('compile on the null backend, with their gradients', async () => {
    using device = await openDevice({ gpu: openGpu({ backend: 'null' }) });
    for (const head of Object.values(HEADS)) {
      const logits = input('logits', [3, WIDTH]);
      const fractions = head(logits);
      using program = await compile(device, {
        outputs: [fractions, ...grad(fractions, [logits], input('dy', [3, WIDTH]))],
      });
      expect(program.steps.length).toBeGreaterThan(1);
    }
  });
});
