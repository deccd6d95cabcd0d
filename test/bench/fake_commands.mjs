// Answers as the commands that `bench gpu` runs do, without a GPU. Its first argument: a file that each command is
// added to as a line of JSON. FAKE_COMMANDS, as JSON: what the adapter lacks, and how a command goes wrong.
import { appendFileSync } from 'node:fs';

const [log, ...args] = process.argv.slice(2);
const { missing = [], wrong, hangs, most = Infinity } = JSON.parse(process.env['FAKE_COMMANDS'] ?? '{}');
const tensorCores = process.env['TUNINGFORK_TENSOR_CORES'] === '1';
appendFileSync(log, `${JSON.stringify({ args, tensorCores })}\n`);

const given = (name) => args[args.indexOf(name) + 1];
const summary = (ms) => ({ median: ms, min: ms, max: ms });
const adapter = { vendor: 'none', architecture: 'none', description: 'made-up driver', software: false };
const layer = { group: 'matmul', name: '256 x 256', kind: 'matmul', x: [256, 256], w: [256, 256] };
const measured = {
  status: 'measured',
  timing: { wall: summary(2), cpu: summary(2), gpu: summary(1), runs: 3 },
  kernels: [{ name: 'naive', overrides: {} }],
  difference: 0,
};
const failed = { status: 'failed', reason: 'y[0] is 1 and should be 2' };

const answers = {
  doctor: () => ({
    system: 'made-up system',
    adapters: [
      {
        name: 'made-up adapter',
        driver: 'made-up driver',
        vendor: 'none',
        type: 'hardware',
        f16: !missing.includes('f16'),
        subgroups: true,
        subgroupMatrix:
          tensorCores && !missing.includes('tensor cores') ? { M: 16, N: 16, K: 16, subgroupSize: 32 } : null,
        timestamps: true,
        limits: { maxBufferSize: 1 },
      },
    ],
    used: missing.includes('adapter') ? null : 'made-up driver',
    whyNone: missing.includes('adapter') ? 'no WebGPU adapter was found' : null,
    smokeTest: missing.includes('adapter') ? null : { ok: true, error: 0, milliseconds: 1 },
  }),
  kernels: () => ({
    adapter,
    cores: 2,
    load: [0, 0],
    batch: 4,
    repeats: 3,
    engines: ['tuningfork'],
    clock: 'gpu',
    roofline: { bandwidth: 1e9, flops: 1e10 },
    cases: [
      {
        layer,
        direction: 'forward',
        flops: 2 * 256 ** 3,
        bytes: 12 * 256 ** 2,
        outcomes: { tuningfork: wrong === 'layers' ? failed : measured },
      },
    ],
  }),
  train: () => ({
    job: { work: 'train', batch: Number(given('--batch')), size: Number(given('--size') ?? 224) },
    adapter,
    cores: 2,
    loadBefore: 0,
    cold: false,
    contenders: (args.includes('--vs') ? ['tuningfork', 'tfjs'] : ['tuningfork']).map((name) => ({
      name,
      run: summary(40),
      runs: [40],
      issue: summary(2),
      cpu: summary(5),
      cpuRuns: [5],
      firstRun: 1000,
      memory: { resident: 1, peak: 1, gpu: 2 ** 30 },
      difference: null,
    })),
    kernels: [
      { kernel: 'naive', steps: 4, milliseconds: 21 },
      { kernel: 'other', steps: 1, milliseconds: 9 },
    ],
  }),
  tune: () => ({
    model: 'efficientnet_b0',
    mode: 'training',
    batch: 32,
    size: 224,
    adapter: 'made-up driver',
    software: false,
    file: given('--tuning'),
    tasks: 2,
    tuned: [
      { op: 'matmul', inputs: [[2, 3]], output: [2], count: 1, usual: { a: 1 }, choice: { a: 2 }, before: 2, after: 1 },
    ],
    refused: [],
    run: { before: 50, after: 40 },
  }),
};

const command = args[0] === 'bench' ? args[1] : args[0];
process.stderr.write(`at work on ${command}\n`);
if (command === hangs) setInterval(() => {}, 1000);
else if (command === 'train' && Number(given('--batch')) > most) {
  process.stderr.write('tuningfork: tuningfork could not open: the program does not fit: use a smaller batch\n');
  process.exitCode = 2;
} else if (command === wrong) {
  process.stderr.write('tuningfork: the GPU went away\n');
  process.exitCode = 1;
} else {
  process.stdout.write(JSON.stringify(answers[command]()));
  if (wrong === 'layers' && command === 'kernels') process.exitCode = 1;
}
