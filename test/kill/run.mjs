// Interrupts small trainings in two phases, cross-validations, predictions and embeddings at random moments: by
// SIGKILL, by SIGTERM, by the loss of the GPU, by a disk that is full. Each is started again until it ends, and must
// end with the bytes of one that nobody disturbed. `npm run kill -- --help` lists the options.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { crc32, deflateSync } from 'node:zlib';
import { Command } from 'commander';

const PROGRAM = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const preload = (name) => fileURLToPath(new URL(name, import.meta.url));
/** Exit codes that are right where it happened: a lost GPU is opened again, a full disk gets a sentence. */
const KINDS = {
  SIGKILL: { ended: ({ by }) => by === 'SIGKILL' },
  SIGTERM: { ended: ({ by, code }) => by === 'SIGTERM' || code === 143 },
  loss: { preload: 'lose_device.mjs', says: '[the device is lost]', ended: ({ code }) => code === 0 },
  full: {
    preload: 'full_disk.mjs',
    says: '[the disk is full]',
    ended: ({ code, stderr }) => code === 2 && FULL.test(stderr),
  },
};
/** The sentence about a full disk, and nothing else that is one of the program's own. */
const FULL = /\ntuningfork: Cannot write [^\n]*: the disk is full; free some space and run the command again\.\n$/;
/** Findings after which it ends. */
const MOST_FAULTS = 10;
/** Of a start that hangs: no start takes so long, however busy the machine is. */
const MOST_MS = 300_000;

const { times, seed, adapter, kinds, command } = new Command('npm run kill --')
  .description(
    'Interrupts trainings, cross-validations and predictions at random moments, and compares what they come to.',
  )
  .option('--times <n>', 'interruptions in all', Number, 20)
  .option('--seed <n>', 'another seed, other moments', Number, 1)
  .option('--adapter <name>', 'the GPU to use', 'lavapipe')
  .option('--kinds <names>', 'only these', (text) => text.split(','), Object.keys(KINDS))
  .option('--command <name>', 'only this: train, crossval, predict or embed')
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

/** A grey PNG of 32 by 32 pixels: a bright bar that stands or lies, with a noise of its own. */
function picture(i) {
  const chunk = (type, data) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const ends = [Buffer.alloc(4), Buffer.alloc(4)];
    ends[0].writeUInt32BE(data.length);
    ends[1].writeUInt32BE(crc32(body));
    return Buffer.concat([ends[0], body, ends[1]]);
  };
  const rows = Buffer.alloc(32 * 33);
  for (let y = 0; y < 32; y++)
    for (let x = 0; x < 32; x++)
      rows[y * 33 + 1 + x] =
        (Math.abs((i % 2 ? x : y) - 14 - (i % 5)) < 4 ? 180 : 30) + ((x * 7 + y * 13 + i * 29) % 31);
  const header = Buffer.from([0, 0, 0, 32, 0, 0, 0, 32, 8, 0, 0, 0, 0]);
  const parts = [chunk('IHDR', header), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))];
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), ...parts]);
}

/** Starts a command, and sends it a signal after so many milliseconds, or preloads what makes it fail at a moment. */
async function start(args, { signal, after, module, env } = {}) {
  const imports = module === undefined ? [] : ['--import', preload(module)];
  const child = spawn(process.execPath, [...imports, PROGRAM, ...args, '--adapter', adapter], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...env },
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

/** The files that must be the same, by their paths below `path`. */
function filesOf(path, names) {
  return new Map(names.map((name) => [name, readFileSync(join(path, name))]));
}

const counts = {};
const faults = [];
let done = 0;
function found(fault) {
  faults.push(fault);
  console.log(`FOUND --seed ${seed}: ${fault}`);
}

/** Interrupts a job until it ends; says where what it wrote is other than what it writes undisturbed. */
async function disturbed({ name, args, out, files, wanted, ms, submits, bytes }, path) {
  for (;;) {
    const kind = done < times ? kinds[Math.floor(random() * kinds.length)] : undefined;
    const { preload: module, says, ended } = KINDS[kind] ?? { ended: () => false };
    const at = random();
    const how =
      kind === undefined
        ? {}
        : kind === 'loss'
          ? { module, env: { LOSE_AT: String(1 + Math.floor(at * submits)) } }
          : kind === 'full'
            ? { module, env: { FULL_AT: String(Math.floor(at * bytes)) } }
            : { signal: kind, after: at * ms };
    const result = await start([...args, '--out', out(path)], how);
    const { code, by, stderr } = result;
    const happened = kind !== undefined && (says ? stderr.includes(says) : code !== 0);
    if (happened) {
      const what = `${name} ${kind}`;
      counts[what] = (counts[what] ?? 0) + 1;
      done++;
    }
    if (stderr.includes('[hangs]') || (happened ? !ended(result) : code !== 0)) {
      found(`${name} ended with ${code ?? by} after ${JSON.stringify(how)}: ${stderr.slice(-500)}`);
      return;
    }
    if (code === 0) break;
  }
  for (const [file, bytes] of filesOf(path, files))
    if (!bytes.equals(wanted.get(file))) found(`${name}: ${file} has other bytes than undisturbed`);
}

/** What is left in a folder that no finished command leaves. */
const leftIn = (path) =>
  readdirSync(path, { recursive: true }).filter((name) =>
    /(^|\/)\.|\.(lock|part|tmp|taking|state\.json)$|\.lock\./.test(name),
  );

const images = join(folder, 'images');
for (let i = 0; i < 24; i++) {
  const kind = join(images, i % 2 ? 'standing' : 'lying');
  mkdirSync(kind, { recursive: true });
  writeFileSync(join(kind, `${i}.png`), picture(i));
}
const many = join(folder, 'many');
mkdirSync(many);
for (let i = 0; i < 400; i++) writeFileSync(join(many, `${i}.png`), picture(i));

async function calm(args) {
  const { code, stderr, ms } = await start(args);
  if (code !== 0) throw new Error(stderr);
  return ms;
}

const small = `--data ${images} --size 32 --batch 8 --tta 1 --checkpoint-steps 1`.split(' ');
const scratch = [...small, '--model', 'vgg_small', '--width', '0.1', '--epochs', '2'];
const [first, network] = [join(folder, 'first'), join(folder, 'first.onnx')];
await calm(['train', ...scratch, '--out', first]);
await calm(['export', first, '--to', network]);
const run = ['model.safetensors', 'predictions.csv'];
const jobs = [
  {
    name: 'train',
    args: ['train', ...small, '--model', network, '--views', '1', '--epochs-head', '1', '--epochs', '2'],
    out: (path) => path,
    files: run,
    submits: 100,
    bytes: 600_000,
  },
  {
    name: 'crossval',
    args: ['crossval', ...scratch, '--folds', '2'],
    out: (path) => path,
    files: [1, 2].flatMap((fold) => run.map((name) => join(`fold-${fold}`, name))),
    submits: 100,
    bytes: 600_000,
  },
  {
    name: 'predict',
    args: ['predict', first, '--data', many],
    out: (path) => join(path, 'rows.csv'),
    files: ['rows.csv'],
    submits: 40,
    bytes: 60_000,
  },
  {
    name: 'embed',
    args: ['embed', first, '--data', many],
    out: (path) => join(path, 'rows.npy'),
    files: ['rows.npy', 'rows.npy.ids.txt'],
    submits: 40,
    bytes: 30_000,
  },
].filter(({ name }) => command === undefined || name === command);

for (const job of jobs) {
  const path = join(folder, `calm-${job.name}`);
  if (['predict', 'embed'].includes(job.name)) mkdirSync(path);
  job.ms = await calm([...job.args, '--out', job.out(path)]);
  job.wanted = filesOf(path, job.files);
}

for (let round = 0; done < times && faults.length < MOST_FAULTS; round++) {
  const job = jobs[round % jobs.length];
  const path = join(folder, `run-${round}`);
  if (['predict', 'embed'].includes(job.name)) mkdirSync(path);
  const before = faults.length;
  await disturbed(job, path);
  const left = faults.length === before ? leftIn(path) : [];
  if (left.length > 0) found(`${job.name} left ${left.join(', ')}`);
  rmSync(path, { recursive: true, force: true });
  const told = Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1));
  console.log(`${done} of ${times} interruptions: ${told.map(([what, n]) => `${n} ${what}`).join(', ')}`);
}
console.log(`${faults.length} findings`);
process.exitCode = faults.length > 0 ? 1 : 0;
