import { describe, expect, it } from 'vitest';
import { FIRST_STATE, fromHash, sameRun, toHash, type PageState } from '../../web/learn/link.ts';
import { layersFromText } from '../../web/learn/layer_spec.ts';
import { DEFAULT_SETTINGS, runningOf } from '../../web/learn/settings.ts';

const state: PageState = {
  settings: { ...DEFAULT_SETTINGS, filterSize: 5, padding: 'valid', batchNorm: true, learningRate: 0.0125, seed: 7 },
  changes: [
    { step: 20, running: { ...runningOf(DEFAULT_SETTINGS), learningRate: 1e-4 } },
    { step: 31, running: { ...runningOf(DEFAULT_SETTINGS), learningRate: 1e-4, optimizer: 'sgd', augmentation: true } },
  ],
  step: 40,
  galaxy: 130,
  selection: { layer: 3, part: 'w', at: [0, 1, 2, 3] },
  following: true,
};

describe('a link to a state of Learn', () => {
  it('is nothing for the first state', () => {
    expect(toHash(FIRST_STATE)).toBe('');
    expect(fromHash('')).toEqual(FIRST_STATE);
    // A place in the page is no state.
    expect(fromHash('#main')).toEqual(FIRST_STATE);
  });

  it('says in words what differs from it', () => {
    expect(toHash(state)).toBe(
      '#filterSize=5&padding=valid&batchNorm=true&learningRate=0.0125&seed=7&change=20,learningRate:0.0001&change=31,optimizer:sgd,augmentation:true&step=40&galaxy=130&layer=3&part=w&at=0,1,2,3&view=step',
    );
  });

  it('is read back to the same state', () => {
    expect(fromHash(toHash(state))).toEqual(state);
    const layers = layersFromText('conv filters=6 size=5;activation name=silu;pool;dense');
    const own = { ...state, settings: { ...state.settings, layers } };
    expect(toHash(own)).toContain('layers=conv+filters=6+size=5;activation+name=silu;pool;dense&');
    expect(fromHash(toHash(own))).toEqual(own);
    expect(sameRun(state, own)).toBe(false);
    expect(sameRun(state, { ...state, step: 1, galaxy: 0 })).toBe(true);
  });

  it('goes to step 200 at most', () => {
    expect(fromHash(toHash({ ...state, step: 345 })).step).toBe(200);
  });

  it.each([
    ['#colour=red', 'the link says colour=red, and colour is nothing that it can say'],
    ['#step=201', 'the link says step=201; it must be a whole number from 0 to 200'],
    ['#step=1.5', 'the link says step=1.5; it must be a whole number from 0 to 200'],
    ['#galaxy=160', 'the link says galaxy=160; it must be a whole number from 0 to 159'],
    ['#seed=', 'the seed must be a whole number from 0 to 2147483647, not NaN'],
    ['#batchNorm=perhaps', 'batch norm must be one of false, true, not perhaps'],
    ['#layer=1&at=0,0', 'the link says part=; it can be y, dy, w, b, gamma, beta'],
    ['#layer=1&part=w&at=0,-1', 'the link says at=-1; it must be a whole number from 0 to 99999'],
    ['#change=3,stride:2', 'the link changes stride, which cannot change while the run goes on'],
    ['#change=3,learningRate:7', 'the learning rate must be a number from 0 to 1, not 7'],
    ['#view=up', 'the link says view=up; it can only be step'],
    ['#layers=cone', 'layer 1: there is no kind cone'],
  ])('refuses %s in a sentence', (hash, sentence) => {
    expect(() => fromHash(hash)).toThrow(sentence);
  });
});
