import type { BuildOptions } from 'esbuild';
export interface Page {
  readonly name: string;
  readonly folder: string;
  readonly title: string;
  readonly early?: readonly string[];
}
export const PAGES: readonly Page[];
export function buildSite(common: BuildOptions, root: string): Promise<void>;
