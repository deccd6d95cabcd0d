import type {
  ContactSheet,
  Evaluation,
  Explained,
  GradCamSummary,
  Mistake,
  Picture,
  RunFacts,
  SplitCounts,
  TrainingSummary,
} from '../../vision/report/data.ts';

/** How many galaxies of each class (in the order of the classes) reach a label threshold, and how many reach none. */
export interface ThresholdCounts {
  readonly threshold: number;
  readonly counts: readonly number[];
  readonly ambiguous: number;
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
  /** Where votes were learnt: from how many of the galaxies without a label too, 0 where no training is told of. */
  readonly learntVotes?: { readonly unclear: number };
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

/** Accuracy over the `n` galaxies that a label threshold leaves; null of none. */
export interface TradeOff {
  readonly threshold: number;
  readonly n: number;
  readonly accuracy: number | null;
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

/** All that a report shows. A section that is absent (or null) is left out. */
export interface ReportData {
  readonly run: RunFacts;
  readonly data?: DataSummary | null;
  readonly votes?: VoteSummary | null;
  readonly training?: TrainingSummary | null;
  readonly evaluation?: VotedEvaluation | null;
  readonly fractions?: Fractions | null;
  readonly gradCam?: GradCamSummary | null;
  readonly shareMaps?: ShareMaps | null;
  readonly extremes?: Extremes | null;
  /** Most confident first. */
  readonly mistakes?: readonly Mistake[] | null;
}

/** An evaluation of classes that votes make: accuracy at several label thresholds too. */
export interface VotedEvaluation extends Evaluation {
  readonly tradeOff: readonly TradeOff[];
}

/** The three shares of the votes on a galaxy. */
export type VoteShares = { readonly smooth: number; readonly featured: number; readonly artifact: number };
