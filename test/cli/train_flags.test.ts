import { expect, it } from 'vitest';
import { trainFlags } from '../../cli/commands/train.ts';
import { checkTrainFlags, trainOptions } from '../../cli/train.node.ts';

// What a sweep and a job array look at before any image is opened.
it.each<string[]>([
  ['--data', 'x.parquet', '--target-columns', 'a,b'],
  ['--table', 'x.csv', '--label-column', 'a'],
  ['--data', 'pets/', '--task', 'classes'],
  ['--data', 'x.zip'],
  ['--task', 'challenge', '--head', 'independent'],
])('flags that go together are let pass: %s %s %s %s', (...args) => {
  expect(() => checkTrainFlags(trainFlags(args))).not.toThrow();
});

it.each<[string[], RegExp]>([
  [
    ['--task', 'challenge', '--threshold', '0.7'],
    /^--threshold says nothing to --task challenge: .* smooth-or-featured$/,
  ],
  [['--task', 'challenge', '--learn', 'class'], /^--learn says nothing to --task challenge: .* smooth-or-featured$/],
  [['--learn', 'votes', '--soft-labels'], /^--soft-labels says how the class is learnt, and --learn votes learns/],
  [['--table', 'x.csv', '--label-column', 'a', '--soft-labels'], /^--soft-labels says nothing to --task classes/],
  [['--table', 'x.csv', '--target-columns', 'a', '--label-smoothing', '0.1'], /^--label-smoothing .* --task targets/],
])('flags that do not are refused: %j', (args, message) => {
  expect(() => checkTrainFlags(trainFlags(args))).toThrow(message);
});

it('a fold or a test share of the images is an option of the run', () => {
  const options = trainOptions(trainFlags(['--data', 'x', '--test-fraction', '0.25']), 'images');
  expect(options).toMatchObject({
    testFraction: 0.25,
    task: { name: 'classes' },
    size: 128,
    crop: 128,
    shortSide: 146,
  });
  expect(trainOptions(trainFlags(['--data', 'x']), 'images')).not.toHaveProperty('testFraction');
});

it('images without an up are turned, and seen as large as they are', () => {
  const { crop, tta, augmentation, ...options } = trainOptions(trainFlags(['--data', 'x', '--no-up']), 'images');
  expect({ crop, tta, rotation: augmentation.rotation }).toEqual({ crop: 128, tta: 4, rotation: 180 });
  expect(options).not.toHaveProperty('shortSide');
  expect(trainOptions(trainFlags(['--data', 'x', '--no-up', '--rotation', '20']), 'images').augmentation.rotation).toBe(
    20,
  );
});
