import { describe, expect, it } from 'vitest';
import { explodedLoss } from '../../vision/train/exploded_loss.ts';

const history = (...losses: number[]) =>
  losses.map((loss, i) => ({
    epoch: i + 1,
    phase: 1,
    learningRate: 1e-3,
    seconds: 1,
    train: { loss },
    validation: { loss: Math.min(loss, 27.6) },
  }));

describe('a loss that explodes is warned of', () => {
  it.each([
    ['at the end of a run', [0.69, 0.6, 5.6e30], /the training loss is 5\.6e\+30 in epoch 3 after 0\.6 at best/],
    ['in its first epoch', [4.2e7], /the training loss is 42000000 in epoch 1: the training diverges/],
    ['a little above the limit', [0.5, 100.5], /the training loss is 101 in epoch 2 after 0\.5 at best/],
    ['where losses are large from the beginning', [7, 3, 301], /is 301 in epoch 3 after 3 at best/],
    ['and stays large', [0.7, 1e9, 1e8], /is 100000000 in epoch 3 after 0\.7 at best/],
  ])('%s', (_, losses, sentence) => expect(explodedLoss(history(...losses))).toMatch(sentence));

  it.each([
    ['no epoch', []],
    ['a guess', [Math.log(2)]],
    ['a loss that falls', [0.69, 0.5, 0.3]],
    ['one that rises a little', [0.3, 0.9, 2]],
    ['one that was nearly 0 and is no more', [1e-6, 0.2]],
    ['one at the limit', [0.5, 100]],
    ['a thousand classes', [6.9, 9]],
    ['one that came back', [0.7, 1e9, 0.7]],
  ])('but not %s', (_, losses) => expect(explodedLoss(history(...losses))).toBeNull());
});
