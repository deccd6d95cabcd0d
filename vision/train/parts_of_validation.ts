import type { Task } from './task.ts';

/** What of the validation images a training uses beside judging on them; in words, as what it did and as doing it. */
export interface PartOfValidation {
  readonly did: string;
  readonly doing: string;
}

/** @param epochs that were trained, where that is known: one alone leaves no choice */
export function partsOfValidation(
  { keep, patience }: { readonly keep?: string; readonly patience?: number | null },
  { learns }: Pick<Task, 'learns'>,
  epochs = Number.MAX_SAFE_INTEGER,
): PartOfValidation[] {
  const parts: PartOfValidation[] = [];
  if (keep === 'best' && epochs > 1)
    parts.push({
      did: 'chose the epoch that was kept (--keep best)',
      doing: 'choosing the epoch that is kept (--keep best)',
    });
  if (patience != null && epochs > 1)
    parts.push({
      did: `said when training ended (--patience ${patience})`,
      doing: `saying when training ended (--patience ${patience})`,
    });
  if (learns)
    parts.push({
      did: 'fitted how sure shares of the votes make an answer',
      doing: 'saying how sure shares of the votes make an answer, in one number',
    });
  return parts;
}
