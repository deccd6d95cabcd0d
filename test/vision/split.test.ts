import { describe, expect, it } from 'vitest';
import { hashId, parseIdRanges, split } from '../../vision/data/split.ts';

const ids = Array.from({ length: 20_000 }, (_, i) => String(100_000 + 7 * i));
const labels = ids.map((_, i) => (i % 10 < 3 ? 'smooth' : i % 10 < 8 ? 'featured' : null));
const idsOf = (indices: number[], from: readonly string[]) => indices.map((i) => from[i]);

describe('split', () => {
  it('keeps the asked share of every class, within four standard deviations', () => {
    for (const seed of [0, 1, 2]) {
      const { train, validation } = split(ids, labels, { valFraction: 0.2, seed });
      expect(train.length + validation.length).toBe(16_000);
      for (const [name, count] of [
        ['smooth', 6000],
        ['featured', 10_000],
      ] as const) {
        const share = validation.filter((i) => labels[i] === name).length / count;
        expect(Math.abs(share - 0.2)).toBeLessThan(4 * Math.sqrt((0.2 * 0.8) / count));
      }
    }
  });

  it('does not move a galaxy when others are added or the order changes', () => {
    const few = split(ids.slice(0, 500), labels.slice(0, 500), { valFraction: 0.2 });
    const all = split(ids, labels, { valFraction: 0.2 });
    expect(all.validation.filter((i) => i < 500)).toEqual(few.validation);
    const turned = split(ids.toReversed(), labels.toReversed(), { valFraction: 0.2 });
    expect(new Set(idsOf(turned.validation, ids.toReversed()))).toEqual(new Set(idsOf(all.validation, ids)));
  });

  it('grows with the fraction: nobody leaves validation when it is enlarged', () => {
    const small = split(ids, labels, { valFraction: 0.1 }).validation;
    const large = new Set(split(ids, labels, { valFraction: 0.3 }).validation);
    expect(small.every((i) => large.has(i))).toBe(true);
  });

  it('depends on the seed: two seeds agree on about 4 % of the galaxies, as independent draws would', () => {
    const a = new Set(split(ids, labels, { valFraction: 0.2, seed: 1 }).validation);
    const both = split(ids, labels, { valFraction: 0.2, seed: 2 }).validation.filter((i) => a.has(i));
    expect(both.length / 16_000).toBeGreaterThan(0.032);
    expect(both.length / 16_000).toBeLessThan(0.048);
  });

  it('leaves unlabelled and train-only galaxies out of validation', () => {
    const fair = parseIdRanges('100000-150000');
    const { train, validation } = split(ids, labels, { valFraction: 0.2, trainOnly: (id) => !fair(id) });
    expect(validation.length).toBeGreaterThan(500);
    expect(validation.every((i) => labels[i] !== null && Number(ids[i]) <= 150_000)).toBe(true);
    expect(train.length + validation.length).toBe(16_000);
  });

  it('gives the same hash for ever: a changed hash would mix old validation galaxies into training', () => {
    expect([hashId('100008'), hashId('100023'), hashId('100008', 1), hashId('')]).toEqual([
      3298248355, 2634964780, 1726081590, 2872998923,
    ]);
  });

  it('refuses fractions outside 0..1', () => {
    for (const valFraction of [-0.1, 1, Number.NaN]) expect(() => split([], [], { valFraction })).toThrow(/validation/);
  });
});

describe('parseIdRanges', () => {
  it('takes both ends, single ids and 18-digit ids', () => {
    const fair = parseIdRanges('100008-108649, 945990-999967,7');
    expect(['100008', '108649', '945990', '999967', '7'].every(fair)).toBe(true);
    expect(['100007', '108650', '945989', '999968', '8', 'x', ''].some(fair)).toBe(false);
    const long = parseIdRanges('587722981736579107-587722981736579107');
    expect(long('587722981736579107')).toBe(true);
    expect(long('587722981736579108')).toBe(false);
    // Of a path the name of the file counts.
    expect(['cats/7.jpg', 'a/b/108649.fits', '7.png', '3.1/007.tif'].every(fair)).toBe(true);
    expect(['cats/8.jpg', '7/cat.jpg', 'cats/7', 'cats/x7.jpg', 'cats/7.5.jpg', '7/'].map(fair)).toEqual([
      false,
      false,
      true,
      false,
      false,
      false,
    ]);
  });

  it('names what it cannot read', () => {
    expect(() => parseIdRanges('1-2,abc')).toThrow(/"abc"/);
    expect(() => parseIdRanges('9-2')).toThrow(/ends before/);
  });
});
