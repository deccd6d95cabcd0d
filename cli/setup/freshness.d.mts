export function dependenciesAreStale(root: string): boolean;
export function sourcesFingerprint(root: string): string;
export function bundlesAreStale(root: string): boolean;
export function stampFile(root: string): string;
