import { describe, expect, it } from 'vitest';
import { UserError } from '../../engine/user_error.ts';
import { sidesOf, stratifiedFolds } from '../../vision/data/folds.ts';
import { voteStratum } from '../../galaxies/vote_stratum.ts';

const ids = Array.from({ length: 1003 }, (_, i) => String(100_000 + 7 * i));
const strata = ids.map((_, i) =>
  i % 11 === 10 ? null : ['large', 'large', 'large', 'middle', 'rare'][i % 17 === 0 ? 4 : i % 4],
);
const member = (folds: readonly number[][]) => new Map(folds.flatMap((fold, f) => fold.map((i) => [i, f] as const)));

describe('stratified folds', () => {
  it.each([2, 3, 5, 10, 97])('%d of them hold every galaxy with a stratum once, ascending', (folds) => {
    const got = stratifiedFolds(ids, strata, { folds });
    expect(got.length).toBe(folds);
    expect(got.flat().sort((a, b) => a - b)).toEqual(strata.flatMap((s, i) => (s === null ? [] : [i])));
    for (const fold of got) expect(fold).toEqual([...fold].sort((a, b) => a - b));
  });

  it.each([2, 3, 5, 10, 97])('sizes of %d folds differ by at most 1, in each stratum and in all', (folds) => {
    const got = stratifiedFolds(ids, strata, { folds, seed: 3 });
    for (const name of ['large', 'middle', 'rare', undefined]) {
      const sizes = got.map((fold) => fold.filter((i) => name === undefined || strata[i] === name).length);
      expect(Math.max(...sizes) - Math.min(...sizes), `${name}: ${sizes}`).toBeLessThanOrEqual(1);
    }
  });

  it('do not depend on the order in which galaxies are given', () => {
    const forward = member(stratifiedFolds(ids, strata, { folds: 5 }));
    const backward = member(stratifiedFolds(ids.toReversed(), strata.toReversed(), { folds: 5 }));
    ids.forEach((_, i) => expect(backward.get(ids.length - 1 - i)).toBe(forward.get(i)));
  });

  it('are the same for a seed and others for another, as if drawn: about one in five stays', () => {
    const [first, again, other] = [1, 1, 2].map((seed) => stratifiedFolds(ids, strata, { folds: 5, seed }));
    expect(again).toEqual(first);
    const [a, b] = [member(first), member(other)];
    const share = [...a].filter(([i, f]) => b.get(i) === f).length / a.size;
    // Binomial, five standard deviations.
    expect(Math.abs(share - 0.2)).toBeLessThan(5 * Math.sqrt((0.2 * 0.8) / a.size));
  });

  it('one galaxy each is the most there can be', () => {
    expect(stratifiedFolds(['a', 'b', 'c'], ['x', 'y', 'x'], { folds: 3 }).map((fold) => fold.length)).toEqual([
      1, 1, 1,
    ]);
    expect(() => stratifiedFolds(['a', 'b', 'c'], ['x', 'y', null], { folds: 3 })).toThrow(
      /^3 folds of 2 images: .*fewer folds/,
    );
    expect(() => stratifiedFolds(['a'], ['x'], { folds: 2 })).toThrow(/2 folds of 1 image:/);
    expect(() => stratifiedFolds([], [], { folds: 2 })).toThrow(UserError);
  });

  it.each([1, 0, -2, 2.5, Number.NaN])('refuse %d as their number', (folds) =>
    expect(() => stratifiedFolds(ids, strata, { folds })).toThrow(/whole number of at least 2/),
  );
});

it('the sides of fold i are the i-th fold and all else', () => {
  const votes = { smooth: 0.9, featured: 0.1, artifact: 0 };
  const galaxies = ids.map((id, i) => ({ id, votes: strata[i] === null ? null : votes }));
  const labels = galaxies.map((galaxy) => galaxy.votes && 'smooth');
  const folds = stratifiedFolds(
    ids,
    labels.map((name) => name && voteStratum(votes)),
    { folds: 3, seed: 8 },
  );
  folds.forEach((fold, i) => {
    const options = { valFraction: 0.2, trainOnly: null, fold: { index: i + 1, of: 3, seed: 8 } };
    const { train, validation } = sidesOf(
      { name: 'sky', examples: galaxies },
      labels.map((name) => name && voteStratum(votes)),
      options,
    );
    expect(validation).toEqual(fold);
    expect(train).toEqual(labels.flatMap((name, k) => (name === null || fold.includes(k) ? [] : [k])));
  });
});

it.each([
  [0.9, 0.1, 0, 'smooth high'],
  [0.8, 0.2, 0, 'smooth high'],
  [0.79, 0.21, 0, 'smooth middle'],
  [0.3, 0.6, 0.1, 'featured middle'],
  [0.4, 0.35, 0.25, 'smooth low'],
  [0.1, 0.1, 0.8, 'artifact high'],
  [0.5, 0.5, 0, 'smooth middle'],
  [0, 0, 0, 'smooth low'],
])('votes of %d smooth, %d featured, %d artifact are the stratum %4$s', (smooth, featured, artifact, stratum) => {
  expect(voteStratum({ smooth, featured, artifact })).toBe(stratum);
});

describe('images kept for a test', () => {
  const examples = Array.from({ length: 2000 }, (_, i) => ({ id: `img/${i}.jpg` }));
  const all = examples.map((_, i) => (i % 10 === 0 ? null : `s${i % 3}`));
  const sides = (options: object) =>
    sidesOf({ name: 'd', examples }, all, { valFraction: 0.2, trainOnly: null, ...options });
  const whole = sides({});
  const part = sides({ testFraction: 0.25 });

  it('take no part, and change no side of the others', () => {
    const inPart = new Set([...part.train, ...part.validation]);
    const kept = [...whole.train, ...whole.validation].filter((i) => !inPart.has(i));
    // Binomial: 1800 images, a quarter of them, within five deviations.
    expect(Math.abs(kept.length - 450)).toBeLessThan(5 * Math.sqrt(1800 * 0.25 * 0.75));
    const test = new Set(kept);
    for (const side of ['train', 'validation'] as const)
      expect(part[side]).toEqual(whole[side].filter((i) => !test.has(i)));
    // Those of the validation side are no more likely to be kept than others.
    const share = whole.validation.filter((i) => test.has(i)).length / whole.validation.length;
    expect(Math.abs(share - 0.25)).toBeLessThan(5 * Math.sqrt((0.25 * 0.75) / whole.validation.length));
  });

  it('are in no fold', () => {
    const folds = [1, 2, 3].map((index) => sides({ testFraction: 0.25, fold: { index, of: 3, seed: 1 } }).validation);
    expect(folds.flat().sort((a, b) => a - b)).toEqual([...part.train, ...part.validation].sort((a, b) => a - b));
  });
});
