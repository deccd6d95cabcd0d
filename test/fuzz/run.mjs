// Reads damaged files of every format: each must be accepted for what it is, or refused in a sentence, within limits of
// time and memory. `npm run fuzz -- --help` lists the options.
import { Command } from 'commander';
import { fuzz } from './fuzz.mjs';
import { NAMES } from './names.mjs';

const { cases, seed, format, only } = new Command('npm run fuzz --')
  .description('Mutates sound files of every format that is read, and reads them as the program does.')
  .option('--cases <n>', 'cases in all, shared by the formats', Number, 10_000)
  .option('--seed <n>', 'another seed, other cases', Number, 1)
  .option('--format <name>', 'this format only')
  .option('--only <n>', 'this case only: the number that a finding was told with', Number)
  .parse()
  .opts();

const formats = format === undefined ? NAMES : [format];
const { findings } = await fuzz({
  formats,
  seed,
  ...(only === undefined ? { cases: Math.ceil(cases / formats.length) } : { cases: 1, from: only }),
  onFormat: ({ format: name, accepted, refused, seconds, bytes }) =>
    console.log(
      `${name.padEnd(24)}${String(accepted).padStart(8)} accepted${String(refused).padStart(8)} refused, ${seconds.toFixed(1)} s and ${Math.round(bytes / 2 ** 20)} MiB at most`,
    ),
  onFinding: ({ format: name, number, how, finding }) =>
    console.log(
      `FOUND --seed ${seed} --format '${name}' --only ${number} (${how}):\n  ${finding.split('\n').slice(0, 6).join('\n  ')}`,
    ),
});
console.log(`${findings.length} findings`);
process.exitCode = findings.length > 0 ? 1 : 0;
