import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * The folder with `galaxies/`, `weights/` and `golden/` that tests on real data read: TUNINGFORK_TEST_DATA, or
 * `../shared/data` beside the repository. null where there is none; such tests then report themselves skipped:
 * `it.skipIf(testData() === null)(...)`.
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
