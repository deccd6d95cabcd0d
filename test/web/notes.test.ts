import { describe, expect, it } from 'vitest';
import { diverging, notesOn, overfitting } from '../../web/learn/notes.ts';
import type { StepResult } from '../../web/learn/view.ts';

/** A run from its losses; held-out ones at every tenth step. */
const run = (
  losses: readonly number[],
  heldOut: readonly number[] = [],
  last: Partial<StepResult> = {},
): StepResult[] =>
  losses.map((loss, i) => {
    const step = i + 1;
    const judged = step % 10 === 0 ? heldOut[step / 10 - 1] : undefined;
    return {
      step,
      loss,
      accuracy: loss < 0.2 ? 1 : 0.75,
      changed: true,
      silent: [],
      ...(judged !== undefined && { heldOutLoss: judged, heldOut: 0.78 }),
      ...(i === losses.length - 1 && last),
    };
  });
const times = (count: number, loss: number): number[] => Array.from({ length: count }, () => loss);
const notes = (results: readonly StepResult[]) => notesOn(results, 2, (layer) => `ReLU ${layer}`);

describe('notes on a run', () => {
  it('are none before the first step, and none where nothing is the matter', () => {
    expect(notes([])).toEqual([]);
    for (let step = 1; step <= 60; step++)
      expect(
        notes(
          run(
            Array.from({ length: step }, (_, i) => 0.7 / (1 + i / 10)),
            [0.7, 0.6, 0.5, 0.45, 0.4, 0.38],
          ),
        ),
      ).toEqual([]);
  });

  it('say that a network overfits, in its numbers', () => {
    const results = run([...times(20, 0.6), ...times(30, 0.05)], [0.6, 0.5, 0.52, 0.7, 0.9]);
    expect(overfitting(results)).toEqual({
      training: { loss: expect.closeTo(0.05, 12), accuracy: 1 },
      heldOut: { loss: expect.closeTo(0.8, 12), accuracy: 0.78 },
      best: { loss: 0.5, step: 20 },
    });
    expect(notes(results)).toEqual([
      expect.stringMatching(
        /^The network overfits: 100 % of the training images are right with a loss of 0\.05, and 78 % of the held-out ones with 0\.8\. The held-out loss was least at step 20, 0\.5, and has risen since\./,
      ),
    ]);
  });

  it.each([
    ['training is no better', run(times(50, 0.6), [0.6, 0.5, 0.52, 0.7, 0.9])],
    ['the held-out loss falls', run([...times(20, 0.6), ...times(30, 0.05)], [0.6, 0.55, 0.52, 0.5, 0.48])],
    ['it rose once only', run([...times(20, 0.6), ...times(30, 0.05)], [0.6, 0.55, 0.5, 0.5, 0.9])],
    ['it rose by less than a tenth', run([...times(20, 0.6), ...times(30, 0.05)], [0.6, 0.5, 0.5, 0.54, 0.54])],
    ['it was judged twice only', run([...times(10, 0.6), ...times(10, 0.05)], [0.5, 0.9])],
  ])('say nothing of overfitting where %s', (_, results) => {
    expect(overfitting(results)).toBeUndefined();
    expect(notes(results)).toEqual([]);
  });

  it('say that the loss diverges: above three times log K, and above three times the least before', () => {
    expect(diverging(run([...times(4, 0.7), ...times(4, 2.2)]), 2)).toBeCloseTo(2.2, 12);
    expect(notes(run([...times(4, 0.7), ...times(4, 2.2)]))).toEqual([
      expect.stringMatching(/^The loss diverges: its mean over the last 4 batches is 2\.2, while 0\.693 is what/),
    ]);
    expect(diverging(run([...times(4, 0.7), ...times(4, 2.05)]), 2)).toBeUndefined(); // 3 log 2 is 2.08
    expect(diverging(run([...times(4, 0.7), ...times(4, 2.2)]), 3)).toBeUndefined(); // 3 log 3 is 3.30
    expect(diverging(run([...times(4, 8), ...times(4, 5)]), 2)).toBeUndefined(); // it begins badly and falls
    expect(diverging(run(times(4, 90)), 2)).toBeUndefined(); // nothing to compare with
  });

  it('say that a step changed nothing, and which was the last that did', () => {
    const results = run([0.7, 30, NaN], [], { changed: false });
    expect(notes(results)).toEqual([expect.stringMatching(/no longer a finite number.*Step 2 was the last/)]);
  });

  it('name the layers whose outputs are all 0', () => {
    expect(notes(run([0.7, 0.7], [], { silent: [2, 5] }))).toEqual([
      expect.stringMatching(/^Every output of ReLU 2 and ReLU 5 is 0 on the whole batch\./),
    ]);
    // As it is now: what was silent before may have come back.
    const [first, second] = run([0.7, 0.7]);
    expect(notes([{ ...first, silent: [2] }, second])).toEqual([]);
  });
});
