import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * The folder of real galaxies and weights that some tests read: TUNINGFORK_TEST_DATA, or `shared/data` beside the
 * repository. null where there is none; tests that need it then do not run.
 */
export function testData(): string | null {
  const named = process.env.TUNINGFORK_TEST_DATA;
  if (named) {
    if (!existsSync(named)) throw new Error(`TUNINGFORK_TEST_DATA names ${named}, which does not exist`);
    return named;
  }
  const beside = fileURLToPath(new URL('../../shared/data', import.meta.url));
  return existsSync(beside) ? beside : null;
}
