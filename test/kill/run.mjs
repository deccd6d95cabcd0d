// Interrupts a small training, and a prediction with its model, at random moments: by SIGKILL, by SIGTERM, by the loss
// of the GPU. Each is started again until it ends, and must end with the bytes of one that nobody disturbed.
// `npm run kill -- --help` lists the options.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';

const PROGRAM = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const LOSE = fileURLToPath(new URL('lose_device.mjs', import.meta.url));
const KINDS = ['SIGKILL', 'SIGTERM', 'loss'];
/** Of a start that hangs: no start takes so long, however busy the machine is. */
const MOST_MS = 300_000;

const { times, seed, adapter } = new Command('npm run kill --')
  .description('Interrupts a training and a prediction at random moments, and compares what they come to.')
  .option('--times <n>', 'interruptions in all', Number, 20)
  .option('--seed <n>', 'another seed, other moments', Number, 1)
  .option('--adapter <name>', 'the GPU to use', 'lavapipe')
  .parse()
  .opts();

const folder = mkdtempSync(join(tmpdir(), 'tuningfork-kill-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

let state = seed >>> 0;
/** mulberry32, in [0, 1). */
function random() {
  state = (state + 0x6d2b79f5) >>> 0;
  let t = state;
  t = Math.imul(t ^ (t >>> 15), t | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}

/** Starts a command, and sends it a signal after so many milliseconds, or loses its GPU at a submit. */
async function start(args, { signal, after, loseAt } = {}) {
  const preload = loseAt === undefined ? [] : ['--import', LOSE];
  const child = spawn(process.execPath, [...preload, PROGRAM, ...args, '--adapter', adapter], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...(loseAt !== undefined && { LOSE_AT: String(loseAt) }) },
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
  const begun = performance.now();
  const interrupt = signal && setTimeout(() => child.kill(signal), after);
  const hang = setTimeout(() => {
    stderr += '[hangs]';
    child.kill('SIGKILL');
  }, MOST_MS);
  const [code, by] = await new Promise((resolve, reject) =>
    child.on('error', reject).on('close', (...how) => resolve(how)),
  );
  clearTimeout(interrupt);
  clearTimeout(hang);
  return { code, by, stderr, ms: performance.now() - begun };
}

/** The files of a folder, or the one of that path, by name. */
const filesOf = (path) =>
  new Map(
    existsSync(path) && !path.endsWith('.csv')
      ? [['model', readFileSync(join(path, 'model.safetensors'))]]
      : [['predictions', readFileSync(path)]],
  );

const counts = Object.fromEntries(KINDS.map((kind) => [kind, 0]));
const faults = [];
let done = 0;

/** Interrupts a command until it ends; says where what it wrote is other than `wanted`. */
async function disturbed(args, out, wanted, ms, submits) {
  for (;;) {
    const kind = done < times ? KINDS[Math.floor(random() * KINDS.length)] : undefined;
    const how =
      kind === undefined
        ? {}
        : kind === 'loss'
          ? { loseAt: 1 + Math.floor(random() * submits) }
          : { signal: kind, after: random() * ms };
    const { code, by, stderr } = await start([...args, '--out', out], how);
    const lost = stderr.includes('[the device is lost]');
    const happened = kind === 'loss' ? lost : kind !== undefined && (by === kind || code === 143);
    if (happened) {
      counts[kind]++;
      done++;
    }
    if (code === 0) break;
    if (!happened || kind === 'loss' || stderr.includes('[hangs]')) {
      faults.push(`${args[0]} ended with ${code ?? by} after ${JSON.stringify(how)}: ${stderr.slice(-500)}`);
      return;
    }
  }
  for (const [name, bytes] of filesOf(out))
    if (!bytes.equals(wanted.get(name))) faults.push(`${args[0]}: ${name} has other bytes than undisturbed`);
}

const SMALL =
  '--data synthetic:48 --model vgg_small --width 0.25 --size 32 --batch 8 --epochs 3 --tta 1 --checkpoint-steps 1';
const train = ['train', ...SMALL.split(' ')];
const calm = join(folder, 'calm');
const first = await start([...train, '--out', calm]);
if (first.code !== 0) throw new Error(first.stderr);
const predict = ['predict', calm, '--data', 'synthetic:400:5'];
const rows = join(folder, 'calm.csv');
const second = await start([...predict, '--out', rows]);
if (second.code !== 0) throw new Error(second.stderr);
const [model, predictions] = [filesOf(calm), filesOf(rows)];

for (let round = 1; done < times && faults.length === 0; round++) {
  const out = join(folder, `run-${round}`);
  await disturbed(train, out, model, first.ms, 80);
  await disturbed(predict, `${out}.csv`, predictions, second.ms, 40);
  const left = [...readdirSync(folder), ...(existsSync(out) ? readdirSync(out) : [])].filter(
    (name) => /^\.|\.(lock|part|tmp|json)$/.test(name) && !/^(config|metrics|tuning|origin)\.json$/.test(name),
  );
  if (left.length > 0) faults.push(`left over: ${left.join(', ')}`);
  rmSync(out, { recursive: true, force: true });
  rmSync(`${out}.csv`, { force: true });
  console.log(`${done} of ${times} interruptions: ${KINDS.map((kind) => `${counts[kind]} ${kind}`).join(', ')}`);
}
for (const fault of faults) console.log(`FOUND --seed ${seed}: ${fault}`);
console.log(`${faults.length} findings`);
process.exitCode = faults.length > 0 ? 1 : 0;
