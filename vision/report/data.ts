import type { Ends } from '../judge/metrics.ts';

/** A picture ready for a page. `src` is a `data:image/...` URI: a report fetches nothing. */
export interface Picture {
  readonly src: string;
  readonly width: number;
  readonly height: number;
}

/** A number of correct answers out of `n` as a share, with its 95 % interval, all in 0..1. */
export interface Interval {
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly n: number;
  readonly correct: number;
}

/** Images per class in one part of the data: `train`, `validation`, or all of it. */
export interface SplitCounts {
  readonly name: string;
  readonly counts: readonly number[];
}

export interface ContactSheet {
  readonly title: string;
  /** How many images the picture shows. */
  readonly count: number;
  readonly picture: Picture;
}

/** The first section of a report on classes. */
export interface ClassSummary {
  /** What the dataset calls itself. */
  readonly dataset: string;
  readonly classes: readonly string[];
  readonly splits: readonly SplitCounts[];
  readonly unlabelled: number;
  /** What was left out while reading and why, one sentence each. */
  readonly notes: readonly string[];
  readonly sheets: readonly ContactSheet[];
}

/** The loss and what else a task measures of an epoch, by name: `accuracy`, or `RMSE`. */
export type Figures = Readonly<Record<string, number>> & { readonly loss: number };

export interface Epoch {
  /** Counted from 1 over all phases. */
  readonly epoch: number;
  /** 1: frozen backbone. 2: its last stages unfrozen. */
  readonly phase: number;
  readonly learningRate: number;
  readonly seconds: number;
  readonly train: Figures;
  /** null where the epoch was not validated. */
  readonly validation: Figures | null;
}

export interface TrainingSummary {
  readonly epochs: readonly Epoch[];
  /** The epoch whose weights were kept. */
  readonly bestEpoch?: number;
  /** What had changed when the run was gone on with all the same: a sentence each time. */
  readonly changes?: readonly string[];
  /** Every option of the run, in the order in which to show them. */
  readonly configuration: readonly { readonly name: string; readonly value: string | number | boolean }[];
}

/** Precision is null of a class that was never predicted, recall of one without images, F1 where both hold. */
export interface ClassScores {
  readonly name: string;
  readonly precision: number | null;
  readonly recall: number | null;
  readonly f1: number | null;
  readonly support: number;
  /** 95 % intervals; 0..1 where there is no value. */
  readonly precisionInterval: Ends;
  readonly recallInterval: Ends;
}

/** One bin of predicted confidence, `low` to `high`: mean confidence and share of right answers of its `count`. */
export interface ReliabilityBin {
  readonly low: number;
  readonly high: number;
  readonly confidence: number;
  readonly accuracy: number;
  readonly count: number;
}

export interface Evaluation {
  /** What the images are: `the validation split, which took no part in training`. */
  readonly measuredOn: string;
  readonly classes: readonly string[];
  readonly accuracy: Interval;
  /** [true class][predicted class]. */
  readonly confusion: readonly (readonly number[])[];
  readonly perClass: readonly ClassScores[];
  /** Of more than two classes: means over those that have images. */
  readonly macro?: { readonly precision: number; readonly recall: number; readonly f1: number };
  /** Of more than five classes: whether the right one is among the five most probable. */
  readonly top5?: Interval;
  /** Of two classes; null where one is missing from the evaluated images, or where there are more. */
  readonly auc: number | null;
  /** Its 95 % interval; null where there is no value. */
  readonly aucInterval: Ends | null;
  readonly roc: readonly { readonly fpr: number; readonly tpr: number }[];
  readonly ece: number;
  readonly reliability: readonly ReliabilityBin[];
  /** Confidences of the right and the wrong answers with their medians, null where there are none. */
  readonly confidence: {
    readonly right: readonly number[];
    readonly wrong: readonly number[];
    readonly medianRight: number | null;
    readonly medianWrong: number | null;
  };
}

/** A picture of an image with maps of what the network looked at. */
export interface Explained {
  readonly id: string;
  readonly input: Picture;
  /** One picture a method, named as it should be read: `Grad-CAM`, `Grad-CAM++`, `Guided backprop`. */
  readonly maps: readonly { readonly method: string; readonly picture: Picture }[];
}

/** One image with what the network looked at. */
export interface GradCamCase extends Explained {
  readonly truth: string;
  readonly predicted: string;
  /** The probability of `predicted`, 0..1. */
  readonly score: number;
}

export interface GradCamSummary {
  /** The activation whose gradient was taken. */
  readonly layer: string;
  readonly cases: readonly GradCamCase[];
}

/** Parts of a whole: what they are, and each with its share in 0..1 and a colour of its own. */
export interface Shares {
  readonly title: string;
  readonly parts: readonly { readonly name: string; readonly share: number; readonly colour: string }[];
}

export interface Mistake {
  readonly id: string;
  readonly truth: string;
  readonly predicted: string;
  /** The probability of `predicted`, 0..1. */
  readonly confidence: number;
  readonly picture?: Picture;
  /** What else is known of the image. */
  readonly shares?: Shares;
}

/** Trainings beside each other. */
export interface ComparisonData {
  readonly title: string;
  /** Why figures cannot be compared, a sentence each. */
  readonly warnings: readonly string[];
  /** A row a run. */
  readonly runs: { readonly columns: readonly string[]; readonly rows: readonly (readonly string[])[] };
  /** A row an option in which they differ. */
  readonly options: { readonly columns: readonly string[]; readonly rows: readonly (readonly string[])[] };
  readonly names: readonly string[];
  /** For each task its runs, by their places among the names, with what their epochs measured. */
  readonly curves: readonly {
    readonly task: string;
    readonly runs: readonly { readonly place: number; readonly epochs: readonly Epoch[] }[];
  }[];
}

/** What a run is called and what it was made with, for the head of a page. */
export interface RunFacts {
  readonly name: string;
  readonly model: string;
  readonly adapter: string;
  /** Of the program, the day, and what was typed. */
  readonly version?: string;
  readonly date?: string;
  readonly command?: string;
  /** Of the training; absent where a model is only evaluated. What of the seconds went into a frozen front, if any. */
  readonly seconds?: number;
  readonly frontSeconds?: number;
  readonly seed?: number;
}
