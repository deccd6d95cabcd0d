// The faults, one file a room: what the mutation run puts in, and which tests are to notice.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('faults', import.meta.url));

/** All rows in the order of their files: { room, area, file, text, replacement, tests, grep }. */
export const readFaults = () =>
  readdirSync(FOLDER)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .flatMap((name) =>
      JSON.parse(readFileSync(join(FOLDER, name), 'utf8')).map((fault) => ({ room: name.slice(0, -5), ...fault })),
    );
