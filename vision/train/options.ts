import type { Precision } from '../../engine/program/precision.ts';
import type { MemoryLevel } from '../../engine/program/recompute.ts';
import type { Normalisation } from '../../models/normalisation.ts';
import type { Stretch } from '../data/stretch.ts';
import type { AugmentationOptions } from '../view/view.ts';
import type { SplitOptions, TaskOptions } from './task.ts';

export interface PhaseOptions {
  readonly epochs: number;
  readonly learningRate: number;
}

/** Every number of a training. What `RUN/config.json` holds; a run resumes with the options it was begun with. */
export interface TrainOptions<T extends TaskOptions = TaskOptions> extends SplitOptions {
  readonly task: T;
  readonly data: string;
  /** How `data` is read where it is a table, or parquet files. */
  readonly table?: {
    readonly image?: string;
    readonly label?: string;
    readonly targets?: readonly string[];
    readonly split?: string;
    readonly images?: string;
  };
  /** How samples of more than 8 bits become 8; absent: see `decodeImage`. */
  readonly stretch?: Stretch;
  /** A name, or the path of an ONNX file. */
  readonly model: string;
  /** Channels in shares of what the model has; absent: all. */
  readonly width?: number;
  readonly weights: string | null;
  /** How the network of an ONNX file wants its pixels; absent: as ImageNet's. */
  readonly preprocessing?: Normalisation;
  /** In which order an ONNX file takes images; absent: seen by its lengths. */
  readonly layout?: 'NCHW' | 'NHWC';
  readonly skipBad: boolean;
  /** Only so many of the labelled images, chosen by a hash of their ids; absent: all. */
  readonly limit?: number;
  readonly seed: number;
  /** Side of the network's input, and of the central square of the original that it shows, in pixels. */
  readonly size: number;
  readonly crop: number;
  /** See ViewGeometry; absent where images are as large as they are. */
  readonly shortSide?: number;
  readonly batch: number;
  /** Random views an image; the frozen front computes each once. */
  readonly views: number;
  /** Plain views over which the final predictions of a validation image are averaged: 1 to 16. */
  readonly tta: number;
  readonly augmentation: AugmentationOptions;
  /** Phase 1: the last layer on frozen features. */
  readonly head: PhaseOptions;
  /** Phase 2: the end of the network, or all of it, and the classifier. Without weights: the whole network. */
  readonly tune: PhaseOptions;
  /** Where the end of the network begins: see `cutOf`. */
  readonly unfreeze: number | string;
  /** What a training step may hold: all that the gradients need, or less for more time. Absent: full. */
  readonly memory?: MemoryLevel;
  /** How a training step stores activations and their cotangents. Absent: f32. */
  readonly precision?: Precision;
  readonly batchNorm: 'running' | 'batch';
  readonly schedule: 'constant' | 'cosine';
  readonly warmup: number;
  readonly weightDecay: number;
  readonly clip: number | null;
  readonly dropout: number;
  readonly dropPath: number;
  /** Epochs without a better validation loss after which a phase ends; null: never. */
  readonly patience: number | null;
  /** Which weights are kept at the end. */
  readonly keep: 'best' | 'last';
  /** Steps between checkpoints; an epoch's end is always one. */
  readonly checkpointSteps: number;
}
