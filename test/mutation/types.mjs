// Whether the faults type-check: what the compiler sees needs no test.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { whileFaulty } from './scratch.mjs';

/** What tsc says of the copy with the faults in it, as many at a time as are of different files. */
export async function typeErrors(folder, faults) {
  const rounds = [];
  const seen = new Map();
  for (const fault of faults.filter(({ file }) => file.endsWith('.ts'))) {
    const round = seen.get(fault.file) ?? 0;
    seen.set(fault.file, round + 1);
    (rounds[round] ??= []).push(fault);
  }
  const errors = [];
  for (const round of rounds) {
    await whileFaulty(folder, round, () => {
      const { stdout } = spawnSync(join('node_modules', '.bin', 'tsc'), ['-p', '.'], { cwd: folder, encoding: 'utf8' });
      for (const line of stdout.split('\n').filter((text) => /error TS/.test(text))) {
        const fault = round.find(({ file }) => line.startsWith(`${file}(`));
        errors.push(`${fault ? `${fault.number} ` : ''}${line}`);
      }
    });
  }
  return errors;
}
