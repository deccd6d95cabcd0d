import type { Row } from './table.ts';

export interface Comparison {
  /** A sentence each, with kernel and GPU. */
  readonly failures: readonly string[];
  readonly notes: readonly string[];
}

/** Whether a tenth or more is gone. Shares are kept in thousandths, so that this is exact. */
function lostATenth(kept: number, now: number): boolean {
  const [before, after] = [kept, now].map((share) => Math.round(1000 * share));
  return after < before && 10 * after <= 9 * before;
}

function worse(gpu: string, kept: Row, now: Row): string[] {
  const where = `${now.kernel} on ${gpu}`;
  const found: string[] = [];
  if (now.spills > kept.spills)
    found.push(`${where} ${kept.spills === 0 ? 'newly spills' : 'spills more'}: ${kept.spills} -> ${now.spills}`);
  if (kept.share !== null && now.share === null) found.push(`${where} has no share any more; it was ${kept.share}`);
  if (kept.share !== null && now.share !== null && lostATenth(kept.share, now.share))
    found.push(`${where} lost a tenth of its share or more: ${kept.share} -> ${now.share}`);
  return found;
}

/** What got worse, and which rows are on one side only. */
export function compareRows(gpu: string, kept: readonly Row[], now: readonly Row[]): Comparison {
  const before = new Map(kept.map((row) => [row.kernel, row]));
  const after = new Set(now.map(({ kernel }) => kernel));
  return {
    failures: now.flatMap((row) => (before.has(row.kernel) ? worse(gpu, before.get(row.kernel)!, row) : [])),
    notes: [
      ...now.filter(({ kernel }) => !before.has(kernel)).map(({ kernel }) => `${kernel} on ${gpu} is new`),
      ...kept.filter(({ kernel }) => !after.has(kernel)).map(({ kernel }) => `${kernel} on ${gpu} is no longer used`),
    ],
  };
}
