import type { AdapterSummary } from '../engine/device/device.ts';
import type { Precision } from '../engine/program/precision.ts';
import type { MemoryLevel } from '../engine/program/recompute.ts';

/** What every contender does, with the same weights and the same input. */
export interface Job {
  /**
   * `forward`: inference with running statistics. `train`: loss, all gradients and Adam, with the batch's own
   * statistics. `fit`: an epoch of tfjs's `model.fit`.
   */
  readonly work: 'forward' | 'train' | 'fit';
  /**
   * A name of `buildModel`, an ONNX file, or of `fit` a network of tfjs; EfficientNet-B0, which other engines have too,
   * when absent.
   */
  readonly model?: string;
  readonly batch: number;
  /** Height and width of the images in pixels. */
  readonly size: number;
  /** As `--adapter`; the system's choice when absent. */
  readonly adapter?: string;
  /** What `tuningfork tune` wrote, as text; this engine's defaults when absent. */
  readonly tuning?: string;
  /** How much a training step of this engine may hold. */
  readonly memory?: MemoryLevel;
  /** How this engine stores activations; f32 when absent. */
  readonly precision?: Precision;
}

/** Batches of an epoch of the job `fit`. */
export const FIT_BATCHES = 4;

/** The GPU time of all steps of one kernel in one run, in milliseconds. */
export interface KernelTime {
  readonly kernel: string;
  readonly steps: number;
  readonly milliseconds: number;
}

/** An engine that has a job ready to run. */
export interface Contender {
  readonly adapter: AdapterSummary;
  /**
   * Does the job once, upload of the input and download of the result included: the logits, or the loss before the
   * update. Returns when all is submitted.
   */
  run(): Promise<Float32Array>;
  /** Bytes of GPU buffers that it holds by its own count. */
  gpuBytes(): number;
  /** Undefined where the engine or the adapter cannot tell. */
  profile(): Promise<readonly KernelTime[] | undefined>;
  close(): void;
}

/** What the measuring process asks of a contender's process, in this order, and the answers. */
export interface Answers {
  open: { readonly adapter: AdapterSummary; readonly milliseconds: number; readonly output: readonly number[] };
  /**
   * `issue`: milliseconds until the program's own thread has handed everything to the driver. `cpu`: milliseconds of
   * CPU time of all threads of the process; on a software adapter these do the computing.
   */
  run: {
    readonly milliseconds: number;
    readonly issue: number;
    readonly cpu: number;
    readonly output: readonly number[];
  };
  memory: { readonly resident: number; readonly peak: number; readonly gpu: number };
  profile: readonly KernelTime[] | null;
}

/** What goes with a question. */
export interface Questions {
  open: { readonly job: Job };
}

/** Question K as it is sent: its name, and what goes with it. */
export type Asked<K, Q> = { readonly ask: K } & (K extends keyof Q ? Q[K] : unknown);
/** What answers each question. */
export type Handlers<A, Q> = { readonly [K in keyof A]: (question: Asked<K, Q>) => A[K] | Promise<A[K]> };
export type Answer = { readonly value: unknown } | { readonly error: string };
