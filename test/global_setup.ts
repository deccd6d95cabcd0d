import { fileURLToPath } from 'node:url';
import { bundle } from '../cli/build.mjs';
import { bundlesAreStale } from '../cli/setup/freshness.mjs';

/**
 * Before the first test, once: dist/ as the sources would have it. TUNINGFORK_TEST_BUILD=none leaves it as it is, for
 * the mutation run, which knows which tests start the built program.
 */
export default async function setup(): Promise<void> {
  if (process.env['TUNINGFORK_TEST_BUILD'] === 'none') return;
  if (bundlesAreStale(fileURLToPath(new URL('..', import.meta.url)))) await bundle();
}
