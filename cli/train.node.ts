import { basename } from 'node:path';
import type { ClassifyOptions } from '../galaxies/classify/options.ts';
import type { Judgement } from '../galaxies/classify/evaluate.ts';
import { RUN_FILES, trainClassifier } from '../galaxies/classify/train.node.ts';
import { reportRun } from '../galaxies/classify/report.node.ts';
import type { GlobalOptions } from './options.ts';
import { openGalaxies } from './open_galaxies.node.ts';
import { terminalProgress } from './progress.node.ts';
import { openSession } from './session.node.ts';
import { showHeadline } from './show_judgement.ts';

/** The flags of `tuningfork train` as commander gives them. */
export interface TrainFlags extends GlobalOptions {
  data: string; out: string; model?: string; weights?: string; threshold: number; softLabels?: boolean; labelSmoothing: number;
  valFraction: number; trainOnly?: string; skipBad?: boolean; limit?: number; seed: number; size: number; crop: number; batch: number; views: number; tta: number;
  epochsHead: number; lrHead: number; epochs?: number; lr?: number; unfreeze: number; batchNorm?: 'running' | 'batch';
  schedule: 'constant' | 'cosine'; warmup: number; weightDecay: number; clip?: number; dropout: number; dropPath: number; patience?: number;
  keep: 'best' | 'last'; rotation: number; flip: boolean; zoom: number; shift: number; jitter: number; hue: number; checkpointSteps: number;
}

/** The options of a training as its flags say, with defaults for fine-tuning where there are weights and for training from scratch where not. */
export function classifyOptions(flags: TrainFlags): ClassifyOptions {
  const pretrained = flags.weights !== undefined;
  const { data, threshold, labelSmoothing, valFraction, seed, size, crop, batch, views, tta, unfreeze, schedule, warmup, weightDecay, dropout, dropPath, keep, checkpointSteps } = flags;
  return {
    data, model: flags.model ?? (pretrained ? 'efficientnet_b0' : 'vgg_small'), weights: flags.weights ?? null, threshold,
    softLabels: flags.softLabels ?? false, labelSmoothing, valFraction, trainOnly: flags.trainOnly ?? null, skipBad: flags.skipBad ?? false,
    ...(flags.limit !== undefined && { limit: flags.limit }),
    seed, size, crop, batch, views, tta,
    augmentation: {
      rotation: flags.rotation, flip: flags.flip, scale: flags.zoom, shift: flags.shift,
      brightness: flags.jitter, contrast: flags.jitter, saturation: flags.jitter, hue: flags.hue,
    },
    head: { epochs: flags.epochsHead, learningRate: flags.lrHead },
    tune: { epochs: flags.epochs ?? (pretrained ? 5 : 15), learningRate: flags.lr ?? (pretrained ? 1e-4 : 1e-3) },
    unfreeze, batchNorm: flags.batchNorm ?? (pretrained ? 'running' : 'batch'), schedule, warmup, weightDecay, clip: flags.clip ?? null,
    dropout, dropPath, patience: flags.patience ?? null, keep, checkpointSteps,
  };
}

/** Trains, evaluates and reports; prints where everything is. */
export async function train(flags: TrainFlags): Promise<void> {
  const judgement = await runTraining(classifyOptions(flags), flags.out, flags);
  if (flags.json) {
    const { accuracy, auc, ece } = judgement.evaluation;
    console.log(JSON.stringify({ accuracy, auc, ece, logLoss: judgement.logLoss, report: `${flags.out}/${RUN_FILES.report}`, model: `${flags.out}/${RUN_FILES.model}`, metrics: `${flags.out}/${RUN_FILES.metrics}` }, null, 2));
    return;
  }
  console.log(showHeadline(judgement));
  console.log(`Report: ${flags.out}/${RUN_FILES.report}`);
  console.log(`Model:  ${flags.out}/${RUN_FILES.model}`);
}

/** The whole job in a run directory: training, evaluation, report. */
export async function runTraining(options: ClassifyOptions, out: string, global: GlobalOptions): Promise<Judgement> {
  using device = await openSession(global);
  const progress = terminalProgress();
  const dataset = await openGalaxies(options.data, options.skipBad, progress, options.limit);
  try {
    for (const note of dataset.notes) progress.line(note);
    if (device.adapter.software) progress.line(`computing on ${device.adapter.description}, a software adapter: a GPU would be much faster`);
    using trained = await trainClassifier(device, dataset, options, out, progress);
    return await reportRun(device, trained, options, out, basename(out), progress);
  } finally {
    progress.end();
    await dataset.close();
  }
}
