import { fileURLToPath } from 'node:url';
import { bundle } from '../cli/build.mjs';
import { bundlesAreStale } from '../cli/setup/freshness.mjs';

/** Before the first test, once: dist/ as the sources would have it. */
export default async function setup(): Promise<void> {
  if (bundlesAreStale(fileURLToPath(new URL('..', import.meta.url)))) await bundle();
}
