/** A cross-validation that takes seconds, but for its folds, data and folder. */
export const SMALL_CROSSVAL = [
  'crossval',
  '--model',
  'vgg_small',
  '--size',
  '32',
  '--crop',
  '200',
  '--batch',
  '8',
  '--epochs',
  '2',
  '--tta',
  '1',
  '--checkpoint-steps',
  '1',
];

/** Of three folds of the Galaxy Challenge. */
export const VOTES = [...SMALL_CROSSVAL, '--task', 'challenge', '--data', 'synthetic:18', '--folds', '3'];
