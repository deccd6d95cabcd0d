/**
 * What a library says of a damaged file, in brackets, to follow a word. Nothing where it fell over the file rather than
 * refuse it: "Cannot read properties of undefined" and pieces of the file in a SyntaxError help nobody.
 * @param who `its reader`, say
 */
export function librarySays(error: unknown, who: string): string {
  const plain = error instanceof Error ? error.name === 'Error' && error.message : String(error);
  return plain && !/\bundefined\b/.test(plain) ? ` (${who} says: ${plain.split('\n')[0]})` : '';
}
