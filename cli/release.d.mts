/** What a release still lacks, a sentence each. */
export function lacking(state: {
  readonly version: string;
  readonly locked: string;
  readonly changelog: string;
  /** As `git status --porcelain` prints it. */
  readonly status: string;
  readonly tags: readonly string[];
}): string[];
