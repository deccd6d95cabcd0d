const NAMED = 3;

/** How many paths there are, in words for one or for several, and the first of them; nothing where there is none. */
export function counted(paths: readonly string[], one: string, several: string): string[] {
  if (paths.length === 0) return [];
  const first = `${paths.slice(0, NAMED).join(', ')}${paths.length > NAMED ? ', …' : ''}`;
  return [`${paths.length} ${paths.length === 1 ? one : several}: ${first}`];
}
