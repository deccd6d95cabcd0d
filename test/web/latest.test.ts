import { describe, expect, it } from 'vitest';
import { latest } from '../../web/look/latest.ts';
import { isGalaxyZoo } from '../../web/look/strip.ts';
import { CHALLENGE_COLUMNS } from '../../galaxies/columns.ts';

describe('work of which only the latest counts', () => {
  it('is done again after it has failed', async () => {
    const refused: unknown[] = [];
    const onRefused = (reason: unknown) => refused.push(reason);
    process.on('unhandledRejection', onRefused);
    let done = 0;
    const ask = latest(async () => {
      done++;
      if (done === 1) throw new Error('once');
    });
    ask();
    await new Promise((resolve) => setImmediate(resolve));
    ask();
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', onRefused);
    expect(done).toBe(2);
    expect(refused).toEqual([new Error('once')]);
  });
});

describe('shares of votes', () => {
  it("are shown as a way through Galaxy Zoo's tree only where all of its answers are there", () => {
    const all = Object.fromEntries(CHALLENGE_COLUMNS.map((name) => [name, 0.1]));
    expect(isGalaxyZoo(all)).toBe(true);
    const { 'Class11.6': _, ...some } = all;
    expect(isGalaxyZoo(some)).toBe(false);
    expect(isGalaxyZoo({ 'Class1.1': 0.5, 'Class1.2': 0.5 })).toBe(false);
  });
});
