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

/** How many galaxies of each class (in the order of the classes) reach a label threshold, and how many reach none. */
export interface ThresholdCounts {
  readonly threshold: number;
  readonly counts: readonly number[];
  readonly ambiguous: number;
}

/** Galaxies per class in one part of the data: `train`, `validation`, or all of it. */
export interface SplitCounts {
  readonly name: string;
  readonly counts: readonly number[];
}

export interface ContactSheet {
  readonly className: string;
  /** How many galaxies the picture shows. */
  readonly count: number;
  readonly picture: Picture;
}

/** What `data stats` finds, and the first section of a training report. Empty lists leave their figures out. */
export interface DataSummary {
  /** What the dataset calls itself. */
  readonly dataset: string;
  readonly classes: readonly string[];
  /** The label threshold in use, 0..1. */
  readonly threshold: number;
  readonly splits: readonly SplitCounts[];
  /** Galaxies left out because no class reaches the threshold. */
  readonly ambiguous: number;
  /** What was left out while reading and why, one sentence each. */
  readonly notes: readonly string[];
  /** One entry a galaxy in each list: shares of votes in 0..1. null where nobody voted. */
  readonly votes: {
    readonly smooth: readonly number[];
    readonly featured: readonly number[];
    readonly artifact: readonly number[];
  } | null;
  readonly thresholds: readonly ThresholdCounts[];
  readonly sheets: readonly ContactSheet[];
}

export interface StatsData {
  /** What the page is called. */
  readonly title: string;
  readonly data: DataSummary;
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
  /** Every option of the run, in the order in which to show them. */
  readonly configuration: readonly { readonly name: string; readonly value: string | number | boolean }[];
}

/** Precision is null of a class that was never predicted, recall of one without galaxies, F1 where both hold. */
export interface ClassScores {
  readonly name: string;
  readonly precision: number | null;
  readonly recall: number | null;
  readonly f1: number | null;
  readonly support: number;
}

/** One bin of predicted confidence, `low` to `high`: mean confidence and share of right answers of its `count`. */
export interface ReliabilityBin {
  readonly low: number;
  readonly high: number;
  readonly confidence: number;
  readonly accuracy: number;
  readonly count: number;
}

/** Accuracy over the `n` galaxies that a label threshold leaves; null of none. */
export interface TradeOff {
  readonly threshold: number;
  readonly n: number;
  readonly accuracy: number | null;
}

export interface Evaluation {
  /** What the galaxies are: `the validation split, which took no part in training`. */
  readonly measuredOn: string;
  readonly classes: readonly string[];
  readonly accuracy: Interval;
  /** [true class][predicted class]. */
  readonly confusion: readonly (readonly number[])[];
  readonly perClass: readonly ClassScores[];
  /** null where a class is missing from the evaluated galaxies. */
  readonly auc: number | null;
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
  readonly tradeOff: readonly TradeOff[];
}

/** A question of the decision tree with, for each answer, what share of the votes each galaxy gave it. */
export interface QuestionVotes {
  readonly number: number;
  readonly text: string;
  readonly answers: readonly { readonly text: string; readonly shares: readonly number[] }[];
  /**
   * The mean share of the votes that reached the question, and how many galaxies it reached with half of the votes or
   * more.
   */
  readonly reached: number;
  readonly galaxies: number;
}

/** The first section of a report on vote fractions. */
export interface VoteSummary {
  /** What the dataset calls itself. */
  readonly dataset: string;
  readonly splits: readonly { readonly name: string; readonly galaxies: number }[];
  /** Galaxies of the dataset that are in none of these, for want of votes. */
  readonly leftOut: number;
  /** What was left out while reading and why, one sentence each. */
  readonly notes: readonly string[];
  readonly questions: readonly QuestionVotes[];
}

/**
 * A dot of predicted against true: which answer (its place from 0), the share of the votes that it got and that was
 * predicted.
 */
export interface SharePoint {
  readonly answer: number;
  readonly voted: number;
  readonly predicted: number;
}

/**
 * How far predicted vote fractions are from the votes: roots of mean squared errors, and those of answering each column
 * with its mean.
 */
export interface Fractions {
  readonly measuredOn: string;
  readonly galaxies: number;
  readonly rmse: number;
  readonly constant: number;
  readonly perQuestion: readonly {
    readonly number: number;
    readonly text: string;
    readonly rmse: number;
    readonly constant: number;
    readonly answers: readonly string[];
    readonly points: readonly SharePoint[];
  }[];
  readonly perColumn: readonly {
    readonly name: string;
    readonly answer: string;
    readonly rmse: number;
    readonly constant: number;
  }[];
  /** The RMSE of every galaxy by itself, and their median. */
  readonly own: { readonly values: readonly number[]; readonly median: number };
  /** Of how many galaxies the dots are. */
  readonly drawn: number;
}

/** A galaxy with the answers that matter to it, question after question: shares of the votes in 0..1. */
export interface FractionsCase {
  readonly id: string;
  /** Of this galaxy's fractions alone. */
  readonly rmse: number;
  readonly picture: Picture;
  readonly questions: readonly {
    readonly number: number;
    readonly text: string;
    /** `most`: more volunteers gave it than any other answer of the question. */
    readonly answers: readonly {
      readonly text: string;
      readonly voted: number;
      readonly predicted: number;
      readonly most: boolean;
    }[];
  }[];
}

/** The galaxies with the smallest error, smallest first, and with the largest, largest first. */
export interface Extremes {
  readonly best: readonly FractionsCase[];
  readonly worst: readonly FractionsCase[];
}

/** A picture of a galaxy with maps of what the network looked at. */
export interface Explained {
  readonly id: string;
  readonly input: Picture;
  /** One picture a method, named as it should be read: `Grad-CAM`, `Grad-CAM++`, `Guided backprop`. */
  readonly maps: readonly { readonly method: string; readonly picture: Picture }[];
}

/** What the network looked at when it predicted the share of one answer. */
export interface ShareCase extends Explained {
  readonly question: string;
  readonly answer: string;
  readonly voted: number;
  readonly predicted: number;
  /** The mean of what is predicted of this answer. */
  readonly mean: number;
}

export interface ShareMaps {
  /** The activation whose gradient was taken. */
  readonly layer: string;
  readonly cases: readonly ShareCase[];
}

/** One galaxy with what the network looked at. */
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

export interface Mistake {
  readonly id: string;
  readonly truth: string;
  readonly predicted: string;
  /** The probability of `predicted`, 0..1. */
  readonly confidence: number;
  readonly votes: { readonly smooth: number; readonly featured: number; readonly artifact: number } | null;
  readonly picture?: Picture;
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

/** All that a report shows. A section that is absent (or null) is left out. */
export interface ReportData {
  readonly run: {
    readonly name: string;
    readonly model: string;
    readonly adapter: string;
    /** Of the training; both absent where a model is only evaluated. */
    readonly seconds?: number;
    readonly seed?: number;
  };
  readonly data?: DataSummary | null;
  readonly votes?: VoteSummary | null;
  readonly training?: TrainingSummary | null;
  readonly evaluation?: Evaluation | null;
  readonly fractions?: Fractions | null;
  readonly gradCam?: GradCamSummary | null;
  readonly shareMaps?: ShareMaps | null;
  readonly extremes?: Extremes | null;
  /** Most confident first. */
  readonly mistakes?: readonly Mistake[] | null;
}
