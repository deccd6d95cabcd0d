import { comparable, speedOf, type Speed } from '../../bench/kernels/figures.ts';
import type { CaseResult, Clock, KernelFigures } from '../../bench/kernels/result.ts';
import { median } from '../../bench/statistics.ts';
import manifest from '../../package.json' with { type: 'json' };
import type { Opened } from './benchmark.ts';
import type { Settings } from './choice.ts';

/** A case with what follows from its times; null where an engine did not measure it. */
export interface ReportedCase extends CaseResult {
  readonly speeds: Readonly<Record<string, Speed | null>>;
  /** As `share` in `speeds`, but by wall time, which all engines have. */
  readonly wallShares: Readonly<Record<string, number | null>>;
  /** This engine's median wall time over tfjs's. */
  readonly ratio: number | null;
}

/** All that is shown, and what is needed to judge it: what Copy and Download give. */
export interface Report extends KernelFigures {
  readonly tuningfork: string;
  readonly browser: string;
  /** When it was begun. */
  readonly date: string;
  readonly settings: Settings;
  /** Whether all cases of the choice are here: false after a stop. */
  readonly complete: boolean;
  readonly notes: readonly string[];
  /** Median of the cases' ratios; null without a comparison. */
  readonly ratio: number | null;
  readonly cases: readonly ReportedCase[];
}

/** A case of a report. */
export function reportedCase(c: CaseResult, figures: Omit<KernelFigures, 'cases'>): ReportedCase {
  const [own, peer] = figures.engines;
  const speedsBy = (clock: Clock) =>
    figures.engines.map((name): [string, Speed | null] => {
      const outcome = c.outcomes[name];
      return [name, outcome?.status === 'measured' ? speedOf(c, outcome.timing, { ...figures, clock }) : null];
    });
  const speeds = Object.fromEntries(speedsBy(figures.clock));
  const wallShares = Object.fromEntries(speedsBy('wall').map(([name, speed]) => [name, speed?.share ?? null]));
  const [ours, theirs] = [own, peer].map((name) => comparable(c, name, figures));
  return { ...c, speeds, wallShares, ratio: ours !== undefined && theirs !== undefined ? ours / theirs : null };
}

/** What is measured so far as a report. */
export function makeReport(run: {
  settings: Settings;
  date: Date;
  browser: string;
  opened: Opened;
  cases: readonly CaseResult[];
  notes: readonly string[];
}): Report {
  const {
    settings,
    opened: { adapter, cores, engines, roofline, cases: all },
  } = run;
  const figures = {
    adapter,
    cores,
    batch: settings.batch,
    repeats: settings.repeats,
    engines,
    clock: 'gpu',
    roofline,
  } as const;
  const cases = run.cases.map((c) => reportedCase(c, figures));
  const ratios = cases.map(({ ratio }) => ratio).filter((ratio) => ratio !== null);
  return {
    tuningfork: manifest.version,
    browser: run.browser,
    date: run.date.toISOString(),
    settings,
    complete: cases.length === all,
    notes: run.notes,
    ...figures,
    ratio: ratios.length ? median(ratios) : null,
    cases,
  };
}
