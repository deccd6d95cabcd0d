import { describe, expect, it } from 'vitest';
import { matricesOf, numbersAsked, sectionOf, textOf } from './chapter_text.ts';

const text = textOf('docs/15-grad-cam.md');

describe('chapter 15, Grad-CAM', () => {
  const example = sectionOf(text, 'By hand');
  const [A0, A1, w0, w1, sum, map] = matricesOf(example).map((matrix) => matrix.flat());
  const mean = (values: readonly number[]) => values.reduce((all, v) => all + v, 0) / values.length;
  const [alpha0, alpha1] = [mean(w0), mean(w1)];

  it('the logit, the weights, the sum and the map follow from the maps and the gradients', () => {
    const logit = [...A0, ...A1].reduce((all, a, i) => all + a * [...w0, ...w1][i], 0);
    expect(example).toContain(`$y^c = ${Number(logit.toFixed(12))}$`);
    for (const [k, [alpha, w]] of [
      [alpha0, w0],
      [alpha1, w1],
    ].entries() as IterableIterator<[number, [number, number[]]]>) {
      const line = new RegExp(`\\\\alpha_${k} = \\((.*)\\) / 4 = (.*)\\$\\$`).exec(example)!;
      const terms = line[1].replaceAll(' - ', ' + -').split(' + ').map(Number);
      expect(terms).toEqual(w);
      expect(Number(line[2])).toBeCloseTo(alpha, 12);
    }
    sum.forEach((v, i) => {
      const want = alpha0 * A0[i] + alpha1 * A1[i];
      expect(v).toBeCloseTo(want, 12);
      expect(map[i]).toBeCloseTo(Math.max(0, want), 12);
    });
    expect(example).toContain(`\\Sigma[0, 1] = 0.5 \\cdot ${A0[1]} - 0.3 \\cdot ${A1[1]} = ${sum[1]}`);
  });

  it('the words and the exercises follow', () => {
    expect(Math.max(...A1)).toBe(A1[1]);
    expect([alpha1 < 0, w1[1] > 0, map[1]]).toEqual([true, true, 0]);
    const [own, opposite] = numbersAsked(text);
    expect(own).toBe(map[3]);
    expect(opposite).toBeCloseTo(Math.max(0, -sum[1]), 12);
  });
});
