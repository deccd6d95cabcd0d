import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { build } from 'esbuild';
import { wgslEsbuild } from '../../kernels/wgsl_plugin.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Seconds that a case may take on a busy machine, and bytes that the process may take beyond those at the start. */
const LIMIT = { seconds: 30, bytes: 2 ** 30 };

/** Bundles the worker, and the one that it starts itself, to where packages are found; returns its path. */
async function bundled() {
  const outdir = join(ROOT, 'node_modules', '.cache', `tuningfork-fuzz-${process.pid}`);
  mkdirSync(outdir, { recursive: true });
  writeFileSync(join(outdir, 'package.json'), '{ "type": "module" }');
  await build({
    entryPoints: {
      worker: join(ROOT, 'test/fuzz/worker.ts'),
      weights_worker: join(ROOT, 'models/formats/weights_worker.node.ts'),
    },
    outdir,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    plugins: [wgslEsbuild],
    logLevel: 'error',
  });
  return join(outdir, 'worker.js');
}

/** Reads cases of a format in a worker thread until it ends, or is at one for too long, or with too much memory. */
function runCases(worker, job, tell) {
  return new Promise((resolve) => {
    const thread = new Worker(worker, { workerData: job, resourceLimits: { maxOldGenerationSizeMb: 768 } });
    const atStart = process.memoryUsage.rss();
    let [current, begun, how, ended] = [job.from - 1, performance.now(), 'the sound files', false];
    const end = (finding) => {
      if (ended) return;
      ended = true;
      clearInterval(watch);
      if (finding !== undefined) tell.finding({ format: job.format, number: current, how, finding });
      void thread.terminate().then(() => resolve(finding === undefined ? job.to : Math.max(current, job.from) + 1));
    };
    const watch = setInterval(() => {
      const bytes = process.memoryUsage.rss() - atStart;
      tell.bytes(bytes);
      if (performance.now() - begun > LIMIT.seconds * 1000) end(`takes more than ${LIMIT.seconds} s`);
      else if (bytes > LIMIT.bytes) end(`takes more than ${LIMIT.bytes / 2 ** 20} MiB`);
    }, 50);
    thread.on('message', (said) => {
      if ('begun' in said) {
        current = said.begun;
        how = said.how;
        begun = performance.now();
        return;
      }
      tell.ended(said.refused, (performance.now() - begun) / 1000);
      if (said.finding !== undefined) tell.finding({ format: job.format, number: current, how, finding: said.finding });
      begun = performance.now();
    });
    thread.on('error', (error) => end(error.stack ?? String(error)));
    thread.on('exit', (code) => end(code === 0 ? undefined : `the thread ended with ${code}`));
  });
}

/**
 * Reads `cases` mutated files of each format.
 * @returns a row a format (how many were accepted and refused, the longest in seconds, the most bytes), and findings
 */
export async function fuzz({ formats, cases, seed, from = 0, onFormat = () => {}, onFinding = () => {} }) {
  const worker = await bundled();
  const scratch = mkdtempSync(join(tmpdir(), 'tuningfork-fuzz-'));
  const findings = [];
  const rows = [];
  try {
    for (const format of formats) {
      const row = { format, accepted: 0, refused: 0, seconds: 0, bytes: 0 };
      const tell = {
        ended(refused, seconds) {
          row[refused ? 'refused' : 'accepted']++;
          row.seconds = Math.max(row.seconds, seconds);
        },
        bytes: (bytes) => (row.bytes = Math.max(row.bytes, bytes)),
        finding(found) {
          findings.push(found);
          onFinding(found);
        },
      };
      for (let next = from; next < from + cases; ) {
        const folder = mkdtempSync(join(scratch, 'case-'));
        next = await runCases(worker, { format, seed, from: next, to: from + cases, folder }, tell);
        rmSync(folder, { recursive: true, force: true });
      }
      rows.push(row);
      onFormat(row);
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
    rmSync(dirname(worker), { recursive: true, force: true });
  }
  return { rows, findings };
}
