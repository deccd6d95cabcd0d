/** An epoch and the figures of a run as its JSON files hold them: sound samples for tests that damage them. */
export const EPOCH = {
  epoch: 1,
  phase: 1,
  learningRate: 1e-3,
  seconds: 2,
  train: { loss: 0.5, accuracy: 0.7 },
  validation: null,
};

export const METRICS = {
  history: [EPOCH],
  bestEpoch: 1,
  keep: 'best',
  seconds: 10,
  parameters: 1000,
  counts: { train: 8, validation: 2 },
  accuracy: { value: 0.5 },
  auc: null,
  ece: 0.1,
};
