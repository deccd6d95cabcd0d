import { describe, expect, it } from 'vitest';
import { CHALLENGE_COLUMNS, firstColumn } from '../../galaxies/columns.ts';
import { QUESTIONS } from '../../galaxies/decision_tree.ts';
import { label, labelTable, softLabel } from '../../galaxies/labels.ts';

const votes = (smooth: number, featured: number) => ({ smooth, featured, artifact: 1 - smooth - featured });

describe('challenge columns', () => {
  it('are the 37 of the challenge, in its order', () => {
    expect(CHALLENGE_COLUMNS.join(',')).toBe(
      'Class1.1,Class1.2,Class1.3,Class2.1,Class2.2,Class3.1,Class3.2,Class4.1,Class4.2,Class5.1,Class5.2,Class5.3,' +
        'Class5.4,Class6.1,Class6.2,Class7.1,Class7.2,Class7.3,Class8.1,Class8.2,Class8.3,Class8.4,Class8.5,Class8.6,' +
        'Class8.7,Class9.1,Class9.2,Class9.3,Class10.1,Class10.2,Class10.3,Class11.1,Class11.2,Class11.3,Class11.4,' +
        'Class11.5,Class11.6',
    );
    expect(firstColumn(1)).toBe(0);
    expect(firstColumn(11)).toBe(31);
  });

  it('every question but the first is reached from another', () => {
    const reached = new Set(QUESTIONS.flatMap((q) => q.answers.map((a) => a.next)));
    for (const { number } of QUESTIONS.slice(1)) expect(reached).toContain(number);
    expect(reached).not.toContain(1);
  });
});

describe('label', () => {
  it('needs the threshold, and reaching it is enough', () => {
    expect(label(votes(0.6, 0.4))).toBe('smooth');
    expect(label(votes(0.4, 0.6))).toBe('featured');
    expect(label(votes(0.5999, 0.4))).toBeNull();
    expect(label(votes(0.65, 0.3), 0.7)).toBeNull();
  });

  it('takes the larger share under low thresholds, and no side of a tie', () => {
    expect(label(votes(0.45, 0.5), 0.4)).toBe('featured');
    expect(label(votes(0.5, 0.5), 0.4)).toBeNull();
  });

  it('softens to smooth / (smooth + featured)', () => {
    expect(softLabel(votes(0.6, 0.2))).toBeCloseTo(0.75, 12);
    expect(softLabel(votes(0, 0))).toBe(0.5);
  });

  it('counts classes, ambiguous and unlabelled ones', () => {
    const galaxies = [votes(0.9, 0.1), votes(0.7, 0.3), votes(0.1, 0.9), votes(0.5, 0.5), null].map((v, i) => ({
      id: String(i),
      votes: v,
    }));
    expect(labelTable({ examples: galaxies })).toEqual([
      { name: 'smooth', count: 2, share: 0.4 },
      { name: 'featured', count: 1, share: 0.2 },
      { name: 'ambiguous', count: 1, share: 0.2 },
      { name: 'unlabelled', count: 1, share: 0.2 },
    ]);
    expect(labelTable({ examples: [] }).map((row) => row.share)).toEqual([0, 0, 0, 0]);
  });
});
