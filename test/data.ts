import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * The folder of real galaxies and weights that some tests read, or null where there is none (those tests are then not
 * registered): TUNINGFORK_TEST_DATA, or `shared/data` beside the repository.
 */
export function testData(): string | null {
  const named = process.env.TUNINGFORK_TEST_DATA;
  if (named) return named;
  const beside = fileURLToPath(new URL('../../shared/data', import.meta.url));
  return existsSync(beside) ? beside : null;
}
