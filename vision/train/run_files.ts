/** The files of a run directory. */
export const RUN_FILES = {
  config: 'config.json',
  checkpoint: 'checkpoint.safetensors',
  best: 'best.safetensors',
  model: 'model.safetensors',
  metrics: 'metrics.json',
  /** In which each judged image has a row. */
  predictions: 'predictions.csv',
  report: 'report.html',
  tuning: 'tuning.json',
  origin: 'origin.json',
  network: 'network.onnx',
  cache: 'cache',
  lock: '.lock',
} as const;
