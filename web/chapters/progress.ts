const KEY = 'tuningfork.solved';

/** Numbers of the exercises that are solved, by page. Kept in this browser alone. */
type Solved = Readonly<Record<string, readonly number[]>>;

/** What the browser keeps; nothing where it keeps nothing (private windows, another program's data). */
export function solved(): Solved {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? '{}');
    if (typeof kept !== 'object' || kept === null) return {};
    return Object.fromEntries(
      Object.entries(kept).filter((entry): entry is [string, number[]] => Array.isArray(entry[1])),
    );
  } catch {
    return {};
  }
}

export function keepSolved(page: string, exercise: number): void {
  const all = solved();
  const numbers = [...new Set([...(all[page] ?? []), exercise])].sort((a, b) => a - b);
  try {
    localStorage.setItem(KEY, JSON.stringify({ ...all, [page]: numbers }));
  } catch {
    // The mark in the contents is a convenience; the answer was right all the same.
  }
}
