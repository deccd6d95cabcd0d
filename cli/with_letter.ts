/** An amount with three digits and a letter: 0.77 G, 12.3 M. */
export function withLetter(n: number): string {
  for (const [size, letter] of [
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const)
    if (n >= size) return `${Number((n / size).toPrecision(3))} ${letter}`;
  return `${Math.round(n)} `;
}
