/** A table for a terminal: the first `left` columns to the left, the others to the right. */
export function textTable(columns: readonly string[], rows: readonly (readonly string[])[], left = 1): string {
  const all = [columns, ...rows];
  const widths = columns.map((_, c) => Math.max(...all.map((row) => row[c].length)));
  return all
    .map((row) =>
      row
        .map((cell, c) => (c < left ? cell.padEnd(widths[c]) : cell.padStart(widths[c])))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
