import { describe, expect, it } from 'vitest';
import { RunHistory, type Snapshot } from '../../web/learn/run_history.ts';
import { batchOf, turned } from '../../web/learn/batches.ts';
import { DEFAULT_SETTINGS, runningOf, sameStructure, checkSettings } from '../../web/learn/settings.ts';
import { COLOURS, PIXELS, SIDE, TRAINING } from '../../web/learn/sky.ts';

const snapshot = (step: number): Snapshot => ({ step, drawn: 0, arrays: new Map() });
const running = runningOf(DEFAULT_SETTINGS);
const slow = { ...running, learningRate: 1e-4 };
const sgd = { ...running, optimizer: 'sgd' as const };

describe('the history of a run', () => {
  const made = (steps: number, depth = 10) => {
    const history = new RunHistory(snapshot(0), running, depth);
    for (let step = 1; step <= steps; step++) history.add(snapshot(step));
    return history;
  };

  it('keeps as many steps as one can go back', () => {
    const history = made(15);
    expect(history.range).toEqual({ first: 5, last: 15 });
    expect(history.at(5).step).toBe(5);
    expect(() => history.at(4)).toThrow('step 4 is not kept; one can go to steps 5 to 15');
  });

  it('says with which settings each step is made, however often one goes back', () => {
    const history = made(3);
    history.change(3, slow);
    for (let step = 4; step <= 6; step++) history.add(snapshot(step));
    history.change(6, sgd);
    expect([0, 2, 3, 5, 6, 9].map((step) => history.runningAfter(step))).toEqual([
      running,
      running,
      slow,
      slow,
      sgd,
      sgd,
    ]);
    expect(history.changes.map(({ step }) => step)).toEqual([0, 3, 6]);
    // The same settings again are no change: nothing is forgotten.
    history.change(4, slow);
    expect(history.range.last).toBe(6);
    expect(history.changes).toHaveLength(3);
  });

  it('forgets what came after a change that was made at an earlier step', () => {
    const history = made(6);
    history.change(4, slow);
    history.add(snapshot(5));
    history.change(2, sgd);
    expect(history.range).toEqual({ first: 0, last: 2 });
    expect(history.changes).toEqual([
      { step: 0, running },
      { step: 2, running: sgd },
    ]);
  });

  it('takes changes of steps that are still to come', () => {
    const history = new RunHistory(snapshot(0), running, 10, [{ step: 2, running: slow }]);
    for (let step = 1; step <= 4; step++) history.add(snapshot(step));
    expect([1, 2, 4].map((step) => history.runningAfter(step))).toEqual([running, slow, slow]);
  });
});

describe('settings', () => {
  it('tell running ones from those that need a new run', () => {
    expect(sameStructure(DEFAULT_SETTINGS, { ...DEFAULT_SETTINGS, ...sgd, dropout: 0.5, augmentation: true })).toBe(
      true,
    );
    expect(sameStructure(DEFAULT_SETTINGS, { ...DEFAULT_SETTINGS, seed: 1 })).toBe(false);
    expect(sameStructure(DEFAULT_SETTINGS, { ...DEFAULT_SETTINGS, batchNorm: true })).toBe(false);
  });

  it.each([
    [{ optimizer: 'rmsprop' as 'sgd' }, 'the optimiser must be one of sgd, momentum, adam, not rmsprop'],
    [{ dropout: 1 }, 'the dropout must be a number from 0 to 0.9, not 1'],
    [{ momentum: 1 }, 'the momentum must be a number from 0 to 0.999, not 1'],
    [{ weightDecay: -0.1 }, 'the weight decay must be a number from 0 to 1, not -0.1'],
    [{ trainingSize: 129 }, 'the number of training images must be a whole number from 1 to 128, not 129'],
    [{ augmentation: 'on' as unknown as boolean }, 'the augmentation must be one of false, true, not on'],
  ])('are refused with a sentence: %o', (wrong, sentence) => {
    expect(() => checkSettings({ ...DEFAULT_SETTINGS, ...wrong })).toThrow(sentence);
  });
});

describe('batches', () => {
  it('go on in their epoch when the size of a batch changes', () => {
    const [first, second] = [batchOf(DEFAULT_SETTINGS, 0), batchOf({ ...DEFAULT_SETTINGS, batchSize: 48 }, 16)];
    const all = batchOf({ ...DEFAULT_SETTINGS, batchSize: 64 }, 0);
    expect([...first, ...second]).toEqual(all);
    expect(all.every(({ symmetry }) => symmetry === 0)).toBe(true);
  });

  it('take the first training images only where the training set is smaller', () => {
    const images = batchOf({ ...DEFAULT_SETTINGS, trainingSize: 12, batchSize: 36 }, 0).map(({ image }) => image);
    const first = Array.from({ length: 12 }, (_, i) => i);
    for (let epoch = 0; epoch < 3; epoch++)
      expect(images.slice(12 * epoch, 12 * (epoch + 1)).sort((a, b) => a - b)).toEqual(first);
  });

  it('turn images by the seed and what was drawn alone, all symmetries equally often', () => {
    const settings = { ...DEFAULT_SETTINGS, augmentation: true, batchSize: 64 };
    const turns = Array.from({ length: 25 }, (_, step) => batchOf(settings, 64 * step)).flat();
    expect(turns.map(({ image }) => image)).toEqual(
      Array.from({ length: 25 }, (_, step) => batchOf({ ...settings, augmentation: false }, 64 * step))
        .flat()
        .map(({ image }) => image),
    );
    const counts = Array.from({ length: 8 }, (_, k) => turns.filter(({ symmetry }) => symmetry === k).length);
    // 1,600 draws of eight: 200 each, five standard deviations of 13.2 on either side.
    for (const count of counts) expect(Math.abs(count - 200)).toBeLessThan(66);
    expect(new Set(turns.filter(({ image }) => image === 3).map(({ symmetry }) => symmetry)).size).toBeGreaterThan(1);
    expect(turns).toHaveLength(25 * 64);
    expect(TRAINING).toBe(128);
  });

  it('turns an image by the symmetries of a square', () => {
    const image = Float32Array.from({ length: PIXELS }, (_, i) => i);
    const at = (values: Float32Array, row: number, column: number, colour = 0) =>
      values[(row * SIDE + column) * COLOURS + colour];
    const last = SIDE - 1;
    // Where the pixel of row 2, column 5 goes to.
    const places = [
      [2, 5],
      [2, last - 5],
      [5, last - 2],
      [last - 5, last - 2],
      [last - 2, last - 5],
      [last - 2, 5],
      [last - 5, 2],
      [5, 2],
    ];
    const found = places.map((_, symmetry) => turned(image, symmetry));
    places.forEach(([row, column], symmetry) => {
      for (let colour = 0; colour < COLOURS; colour++)
        expect(at(found[symmetry], row, column, colour), `symmetry ${symmetry}`).toBe(at(image, 2, 5, colour));
      expect([...found[symmetry]].sort((a, b) => a - b)).toEqual([...image]);
    });
    expect(new Set(found.map((values) => values.join())).size).toBe(8);
  });
});
