import type { Findings } from '../../cli/doctor/examine.node.ts';
import type { TuningReport } from '../../cli/show_tuning.ts';
import type { AdapterFacts } from '../../engine/device/adapters.node.ts';
import type { KernelBenchResult } from '../kernels/result.ts';
import type { ModelBenchResult } from '../models.ts';

/** Of `gpu.json`: goes up when a field changes its meaning or goes away. */
export const SCHEMA = 1;

/** How activations are stored, and what multiplies. */
export type Arithmetic = 'f32' | 'f16' | 'tensor cores';

/** What became of a part. */
export interface PartRecord {
  readonly name: string;
  /** `left out`: the adapter lacks what it needs, or the time was over. */
  readonly status: 'done' | 'failed' | 'left out';
  readonly seconds: number;
  /** The sentence that says why it is not done. */
  readonly why?: string;
}

/** A training step as measured. */
export interface Training {
  readonly model: string;
  readonly arithmetic: Arithmetic;
  readonly imagesPerSecond: number;
  readonly measured: ModelBenchResult;
}

/** A batch that was asked for and does not fit. */
export interface TooLarge {
  readonly model: string;
  readonly arithmetic: Arithmetic;
  readonly batch: number;
  readonly why: string;
}

/** All that `bench gpu` found, part by part. */
export interface GpuBenchResult {
  readonly schema: typeof SCHEMA;
  /** The version of this program. */
  readonly version: string;
  /** When it began, as ISO 8601. */
  readonly date: string;
  /** The time that it was given. */
  readonly minutes: number;
  readonly seconds: number;
  /** Images at once in a training step; larger ones are tried after it. */
  readonly batch: number;
  readonly machine: { readonly processor: string; readonly cores: number; readonly platform: string };
  /** The adapter that was measured: name, driver, features, limits. Null where there is none. */
  readonly adapter: AdapterFacts | null;
  readonly parts: readonly PartRecord[];
  readonly doctor: Findings | null;
  /** Every layer, checked and timed; null where that part is not done. */
  readonly layers: Readonly<Record<Arithmetic, KernelBenchResult | null>>;
  readonly tuning: TuningReport | null;
  readonly training: readonly Training[];
  readonly tooLarge: readonly TooLarge[];
  /** EfficientNet-B0's training step beside tfjs. */
  readonly tfjs: ModelBenchResult | null;
}
