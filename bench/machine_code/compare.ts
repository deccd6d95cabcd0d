import type { Row } from './table.ts';

/** Of the share that is kept, what a kernel may not lose. */
const LOSS = 0.1;

export interface Comparison {
  /** A sentence each, with kernel and GPU. */
  readonly failures: readonly string[];
  readonly notes: readonly string[];
}

function failure(gpu: string, kept: Row, now: Row): string[] {
  const where = `${now.kernel} on ${gpu}`;
  const found: string[] = [];
  if (now.spills > 0 && kept.spills === 0) found.push(`${where} newly spills: ${now.spills}`);
  if (kept.share !== null && now.share === null) found.push(`${where} has no share any more; it was ${kept.share}`);
  if (kept.share !== null && now.share !== null && now.share < (1 - LOSS) * kept.share)
    found.push(`${where} lost a tenth of its share or more: ${kept.share} -> ${now.share}`);
  return found;
}

/** What got worse, and which rows are on one side only. */
export function compareRows(gpu: string, kept: readonly Row[], now: readonly Row[]): Comparison {
  const before = new Map(kept.map((row) => [row.kernel, row]));
  const after = new Set(now.map(({ kernel }) => kernel));
  return {
    failures: now.flatMap((row) => (before.has(row.kernel) ? failure(gpu, before.get(row.kernel)!, row) : [])),
    notes: [
      ...now.filter(({ kernel }) => !before.has(kernel)).map(({ kernel }) => `${kernel} on ${gpu} is new`),
      ...kept.filter(({ kernel }) => !after.has(kernel)).map(({ kernel }) => `${kernel} on ${gpu} is no longer used`),
    ],
  };
}
