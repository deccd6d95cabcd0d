import type { RgbImage } from '../../vision/data/rgb_image.ts';
import { binValues } from '../../vision/report/plots_histograms.ts';
import type { DataSummary, ReportData, VotedEvaluation } from '../../galaxies/report/data.ts';
import type { GradCamSummary, Mistake, Picture, TrainingSummary } from '../../vision/report/data.ts';
import { voteShares } from '../../galaxies/report/answer_colour.ts';
import { toDataUri } from '../../vision/report/encode.node.ts';

/** Repeatable numbers in 0..1 (mulberry32). */
export function sequence(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const blob = (size: number): RgbImage => ({
  width: size,
  height: size,
  data: Uint8Array.from({ length: size * size * 3 }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % size, Math.floor(i / 3 / size)];
    return 250 * Math.exp(-((x - size / 2) ** 2 + (y - size / 2) ** 2) / (size * 2));
  }),
});

export const madeUpPicture: Picture = { src: toDataUri(blob(24)), width: 24, height: 24 };
const classes = ['smooth', 'featured'];

export function madeUpData(): DataSummary {
  const next = sequence(1);
  const smooth = Array.from({ length: 900 }, () => (next() < 0.4 ? 0.65 + 0.3 * next() : 0.6 * next()));
  const artifact = smooth.map(() => 0.05 * next() ** 3);
  const featured = smooth.map((share, i) => Math.max(0, 1 - share - artifact[i]));
  return {
    dataset: 'made-up galaxies',
    classes,
    threshold: 0.6,
    splits: [
      { name: 'train', counts: [302, 1210] },
      { name: 'validation', counts: [75, 303] },
    ],
    ambiguous: 210,
    notes: ['3 images have no votes and are left out.'],
    votes: { smooth, featured, artifact },
    thresholds: [0.5, 0.6, 0.7, 0.8, 0.9].map((threshold) => {
      const counts = [smooth, featured].map((shares) => shares.filter((share) => share >= threshold).length);
      return { threshold, counts, ambiguous: 900 - counts[0] - counts[1] };
    }),
    sheets: classes.map((title) => ({ title, count: 12, picture: madeUpPicture })),
  };
}

export function madeUpTraining(): TrainingSummary {
  const next = sequence(2);
  const epochs = Array.from({ length: 15 }, (_, i) => {
    const fit = 1 - Math.exp(-(i + 1) / 4) + (i >= 10 ? 0.12 : 0);
    return {
      epoch: i + 1,
      phase: i < 10 ? 1 : 2,
      learningRate: i < 10 ? 1e-3 : 1e-4,
      seconds: i < 10 ? 14.2 : 181.5,
      train: { loss: 0.68 - 0.42 * fit + 0.02 * next(), accuracy: 0.58 + 0.32 * fit },
      validation: { loss: 0.66 - 0.38 * fit + 0.03 * next(), accuracy: 0.6 + 0.28 * fit + 0.01 * next() },
    };
  });
  return {
    epochs,
    bestEpoch: 14,
    configuration: [
      { name: 'image size', value: 224 },
      { name: 'batch size', value: 32 },
      { name: 'optimizer', value: 'adam' },
      { name: 'augment', value: true },
      { name: 'weights', value: 'efficientnet_b0_imagenet_notop.safetensors' },
    ],
  };
}

/** 378 answers of which 339 are right; everything else is derived from the same draw. */
export function madeUpEvaluation(): VotedEvaluation {
  const next = sequence(3);
  const right = Array.from({ length: 339 }, () => 1 - 0.5 * next() ** 3);
  const wrong = Array.from({ length: 39 }, () => 0.5 + 0.45 * next());
  const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
  const hits = binValues(right, 10, 0.5, 1);
  const misses = binValues(wrong, 10, 0.5, 1);
  return {
    measuredOn: 'the validation split, which took no part in training',
    classes,
    accuracy: { value: 339 / 378, low: 0.862, high: 0.924, n: 378, correct: 339 },
    confusion: [
      [60, 15],
      [24, 279],
    ],
    perClass: [
      {
        name: 'smooth',
        precision: 60 / 84,
        recall: 60 / 75,
        f1: 0.755,
        support: 75,
        precisionInterval: { low: 0.61, high: 0.8 },
        recallInterval: { low: 0.697, high: 0.874 },
      },
      {
        name: 'featured',
        precision: 279 / 294,
        recall: 279 / 303,
        f1: 0.935,
        support: 303,
        precisionInterval: { low: 0.918, high: 0.969 },
        recallInterval: { low: 0.885, high: 0.946 },
      },
    ],
    auc: 0.9412,
    aucInterval: { low: 0.905, high: 0.964 },
    roc: Array.from({ length: 101 }, (_, i) => ({ fpr: i / 100, tpr: Math.round(75 * (i / 100) ** 0.13) / 75 })),
    ece: 0.0312,
    reliability: hits.map(({ low, high, count }, i) => ({
      low,
      high,
      count: count + misses[i].count,
      confidence: (low + high) / 2,
      accuracy: count + misses[i].count > 0 ? count / (count + misses[i].count) : 0,
    })),
    confidence: { right, wrong, medianRight: median(right), medianWrong: median(wrong) },
    tradeOff: [
      [0.5, 420],
      [0.6, 378],
      [0.7, 290],
      [0.8, 190],
      [0.9, 71],
    ].map(([threshold, n]) => ({ threshold, n, accuracy: 0.8 + threshold / 6 })),
  };
}

export function madeUpGradCam(): GradCamSummary {
  const pairs = classes.flatMap((truth) => classes.map((predicted) => ({ truth, predicted })));
  return {
    layer: 'head',
    cases: pairs.flatMap((pair, i) =>
      [0, 1].map((k) => ({
        ...pair,
        id: String(100008 + 10 * i + k),
        score: 0.97 - 0.05 * i,
        input: madeUpPicture,
        maps: ['Grad-CAM', 'Grad-CAM++', 'Guided backprop'].map((method) => ({ method, picture: madeUpPicture })),
      })),
    ),
  };
}

export function madeUpMistakes(): Mistake[] {
  return Array.from({ length: 8 }, (_, i) => ({
    id: String(200000 + i),
    truth: classes[i % 2],
    predicted: classes[1 - (i % 2)],
    confidence: 0.98 - 0.02 * i,
    shares: voteShares({ smooth: i % 2 ? 0.3 : 0.62, featured: i % 2 ? 0.66 : 0.36, artifact: i % 2 ? 0.04 : 0.02 }),
    picture: madeUpPicture,
  }));
}

export const madeUpRun: ReportData['run'] = {
  name: 'runs/b0',
  model: 'EfficientNet-B0',
  adapter: 'llvmpipe (LLVM 15.0.6, 256 bits)',
  seconds: 2891,
  frontSeconds: 1451,
  seed: 7,
};

export function madeUpReport(): ReportData {
  return {
    run: madeUpRun,
    data: madeUpData(),
    training: madeUpTraining(),
    evaluation: madeUpEvaluation(),
    gradCam: madeUpGradCam(),
    mistakes: madeUpMistakes(),
  };
}
