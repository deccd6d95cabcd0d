// Puts the faults of faults/ into a copy of this tree, one at a time, and sees whether the tests named with each
// notice. `npm run mutation -- --help` lists the options.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { dependencies } from './dependencies.mjs';
import { readFaults } from './faults.mjs';
import { keepResult, readResults } from './results.mjs';
import { score } from './score.mjs';
import { scratchCopy, whileFaulty, withFault } from './scratch.mjs';
import { typeErrors } from './types.mjs';
import { runTests, stopAll } from './vitest.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** A test with a fault may take longer than without one; an endless loop is to be noticed. */
const LIMIT = { atLeast: 120, times: 5 };
const BASELINE_LIMIT = 900;

const numbers = (text) =>
  text.split(',').flatMap((part) => {
    const [from, to = from] = part.split('-').map(Number);
    return Array.from({ length: to - from + 1 }, (_, i) => from + i);
  });

const options = new Command('npm run mutation --')
  .description('Puts faults into a copy of the sources, one at a time, and reports those that no test notices.')
  .option('--area <name>', 'faults of this area only')
  .option('--only <numbers>', 'faults of these numbers only, such as 3,10-12', numbers)
  .option('--match <text>', 'faults whose file, text or tests hold this only')
  .option('--no-gpu', 'leave out faults whose tests open a GPU device or start the built program')
  .option('--jobs <n>', 'faults at a time, each in a copy of its own', Number, 1)
  .option('--prefix <command>', 'goes before vitest where it opens a GPU device, such as "flock /tmp/gpu"')
  .option('--again', 'run what earlier runs have results of too')
  .option('--types', 'only see that every fault type-checks')
  .option('--score', 'run nothing: show what earlier runs found')
  .option('--json', 'print the results as JSON; progress goes to the standard error stream')
  .parse()
  .opts();

const say = options.json ? console.error : console.log;
const hashOf = (value) => createHash('sha256').update(JSON.stringify(value)).digest('hex');
const known = new Map();
const dependenciesOf = (test) => known.get(test) ?? known.set(test, dependencies(ROOT, test)).get(test);

const faults = readFaults()
  .map((fault, i) => {
    const needs = fault.tests.map(dependenciesOf);
    return {
      ...fault,
      number: i + 1,
      built: needs.some(({ built }) => built),
      gpu: fault.gpu ?? needs.some(({ gpu }) => gpu),
      key: hashOf([
        fault.text,
        fault.replacement,
        fault.tests,
        fault.grep,
        readFileSync(join(ROOT, fault.file), 'utf8'),
        needs.map(({ fingerprint }) => fingerprint),
      ]),
    };
  })
  .filter(
    ({ number, area, file, text, tests, gpu }) =>
      (!options.area || area === options.area) &&
      (!options.only || options.only.includes(number)) &&
      (!options.match || [file, text, ...tests].some((part) => part.includes(options.match))) &&
      (options.gpu || !gpu),
  );

/** The tests of faults, each once, and what they are called with. */
function distinctTests(of) {
  const runs = of.flatMap(({ tests, grep, gpu }) =>
    tests.map((test) => {
      const needs = dependenciesOf(test);
      return { ...needs, tests: [test], grep, gpu: gpu && needs.gpu };
    }),
  );
  return [...new Map(runs.map((run) => [baselineKey(run), run])).values()];
}

const baselineKey = ({ tests, grep, fingerprint }) => hashOf(['unharmed', tests, grep, fingerprint]);

const callOf = ({ tests, grep, built, gpu }, limitSeconds) => ({
  tests,
  grep,
  built,
  limitSeconds,
  root: ROOT,
  prefix: gpu ? options.prefix : undefined,
});

/** Each test without a fault: it must pass. Gives how long each takes. */
async function runUnharmed(folder, of) {
  const results = readResults();
  const wanted = distinctTests(of);
  const failures = [];
  for (const [i, run] of wanted.entries()) {
    const key = baselineKey(run);
    if (results[key] && !options.again) continue;
    const { text, ...result } = await runTests(folder, callOf(run, BASELINE_LIMIT));
    const { ended, seconds } = result;
    const name = `${run.tests[0]}${run.grep ? ` -t '${run.grep}'` : ''}`;
    say(`unharmed ${i + 1}/${wanted.length} ${ended.padEnd(10)} ${seconds.toFixed(1).padStart(6)} s  ${name}`);
    if (ended === 'passed') keepResult(key, result);
    else failures.push(`${name}\n${text.trim().split('\n').slice(-40).join('\n')}`);
  }
  return failures;
}

/** Runs the faults that are left, each worker in its copy. */
async function runFaults(folders, of) {
  const results = readResults();
  const secondsOf = ({ tests, grep }) =>
    tests.reduce(
      (sum, test) => sum + results[baselineKey({ tests: [test], grep, ...dependenciesOf(test) })].seconds,
      0,
    );
  const queue = of.map((fault) => ({ ...fault, usual: secondsOf(fault) })).sort((a, b) => a.usual - b.usual);
  let done = 0;
  const work = async (folder) => {
    for (let fault = queue.shift(); fault; fault = queue.shift()) {
      const { usual, number, file, text: old, key } = fault;
      const limit = Math.max(LIMIT.atLeast, LIMIT.times * usual);
      const { text, ...result } = await whileFaulty(folder, [fault], () => runTests(folder, callOf(fault, limit)));
      keepResult(key, result);
      const what = { passed: 'SURVIVED', failed: 'noticed', late: 'late', unreadable: 'UNREADABLE' }[result.ended];
      say(
        `${++done}/${of.length} ${what.padEnd(10)} ${result.seconds.toFixed(1).padStart(6)} s  ${number} ${file}: ${old.trim().split('\n')[0]}`,
      );
    }
  };
  await Promise.all(folders.map(work));
}

async function main() {
  for (const fault of faults) withFault(readFileSync(join(ROOT, fault.file), 'utf8'), fault);
  if (options.types) {
    const errors = await typeErrors(scratchCopy(ROOT), faults);
    for (const line of errors) say(line);
    say(`${faults.length} faults, ${errors.length} type errors`);
    return errors.length ? 1 : 0;
  }
  const before = readResults();
  const left = options.score ? [] : faults.filter(({ key }) => options.again || !before[key]);
  if (left.length > 0) {
    say(`${faults.length} faults, ${left.length} of them to run`);
    const folders = Array.from({ length: Math.min(options.jobs, left.length) }, () => scratchCopy(ROOT));
    const failures = await runUnharmed(folders[0], left);
    if (failures.length > 0) {
      say(`\nThese fail without a fault; mend them first:\n\n${failures.join('\n\n')}`);
      return 2;
    }
    await runFaults(folders, left);
  }
  const results = readResults();
  const { lines, complete } = score(faults.map((fault) => ({ ...fault, result: results[fault.key] })));
  for (const line of lines) say(line);
  if (options.json)
    console.log(
      JSON.stringify(
        faults.map(({ key, built, gpu, ...fault }) => ({ ...fault, result: results[key] ?? null })),
        null,
        2,
      ),
    );
  return complete ? 0 : 1;
}

process.on('exit', stopAll);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));
process.exitCode = await main();
