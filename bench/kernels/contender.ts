import type { AdapterSummary } from '../../engine/device/device.ts';
import type { Case } from './cases.ts';

/** A case that an engine has ready: operands uploaded, kernels compiled at the latest by the first `compute`. */
export interface Prepared {
  /**
   * Its kernels in the order in which they run, with how they are specialised; empty where the engine does not tell.
   */
  readonly kernels: readonly KernelName[];
  /** The results in the case's order. Asked for once, before anything else. */
  compute(): Promise<Float32Array[]>;
  /** Submits the work at least so many times and waits once, until all of it is done. Returns how many times it was. */
  run(times: number): Promise<number>;
  /**
   * Milliseconds of GPU time of one run, the mean of so many, by timestamps before and after; undefined where there are
   * none.
   */
  gpuTime(times: number): Promise<number | undefined>;
  release(): void;
}

export interface KernelName {
  readonly name: string;
  /** Values of the kernel's `override` declarations, and of those constants that are rewritten. */
  readonly overrides: Readonly<Record<string, number>>;
}

/** An engine that measures layer by layer. */
export interface KernelContender {
  readonly adapter: AdapterSummary;
  /** Bytes that one binding may have. */
  readonly maxStorageBinding: number;
  /**
   * Makes a case ready, or says in a sentence why this engine has no such computation. @throws Error for what the
   * adapter cannot do
   */
  prepare(c: Case): Promise<Prepared | string>;
  close(): void;
}

/** What goes with a question to a contender's process. */
export interface KernelQuestions {
  open: { readonly adapter?: string };
  prepare: { readonly case: Case };
  time: { readonly runs: number };
}

export interface KernelAnswers {
  open: { readonly adapter: AdapterSummary; readonly maxStorageBinding: number };
  /**
   * `samples`: of every result the elements that `sampledElements` names. `finite`: whether all elements of all results
   * are.
   */
  prepare:
    | {
        readonly kernels: readonly KernelName[];
        readonly samples: readonly (readonly number[])[];
        readonly finite: boolean;
      }
    | { readonly unsupported: string };
  /**
   * Milliseconds of one run, the mean of those asked for: wall time, CPU time of all threads, GPU time of as many more.
   */
  time: { readonly wall: number; readonly cpu: number | null; readonly gpu: number | null };
  release: null;
}
