export interface AptEntry {
  readonly types: readonly string[];
  readonly uris: readonly string[];
  readonly suites: readonly string[];
  readonly components: readonly string[];
  /** A path, or a key of several lines; null where apt's own keyring is used. */
  readonly signedBy: string | null;
}
export function parseAptSources(text: string, name: string): AptEntry[];
export function readAptSources(root?: string): AptEntry[];
export function backportsSource(entries: readonly AptEntry[], codename: string): string | null;
