// Makes a machine ready: npm packages, a WebGPU adapter, the built program. Runs before anything is installed, so it is
// plain JavaScript on Node's own modules, and it does nothing where all is there.
//   node cli/setup.mjs            for the demo: any adapter will do
//   node cli/setup.mjs --tests    for the tests: lavapipe and SwiftShader, to compare them
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SOFTWARE_ADAPTER_NAMES, SOFTWARE_DRIVERS } from '../engine/device/software_drivers.mjs';
import { backportsSource, readAptSources } from './setup/apt_sources.mjs';
import { describeRemedy, lavapipeRemedy, readDistribution, swiftshaderRemedy } from './setup/distribution.mjs';
import { bundlesAreStale, dependenciesAreStale } from './setup/freshness.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const OLDEST_NODE = [20, 19];
const BACKPORTS_FILE = '/etc/apt/sources.list.d/tuningfork-backports.sources';

const say = (sentence) => console.error(`setup: ${sentence}`);

/** Ends the script: 2 where the user has to do something, 1 where a command failed. */
function stop(code, ...lines) {
  for (const line of lines) say(line);
  process.exit(code);
}

/** Runs a command out of sight; where it fails, everything it said is shown. */
function runQuietly(command, args, options = {}) {
  const { input, env, shell } = options;
  const result = spawnSync(command, args, {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    input,
    env: { ...process.env, ...env },
    shell,
  });
  const log = result.error ? result.error.message : `${result.stdout}${result.stderr}`;
  return { ok: result.status === 0, log, stdout: result.stdout ?? '' };
}

function demand(result, what) {
  if (!result.ok) stop(1, `${what} failed. What it said:`, result.log);
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1])) {
    stop(
      2,
      `Node ${process.versions.node} is too old: install Node ${OLDEST_NODE.join('.')} or later (nodejs.org, or your distribution's package)`,
    );
  }
}

function installDependencies() {
  if (!dependenciesAreStale(ROOT)) return;
  say('installing the npm packages (npm ci)');
  demand(
    runQuietly('npm', ['ci', '--include=dev', '--no-audit', '--no-fund'], { shell: process.platform === 'win32' }),
    'npm ci',
  );
}

/** The adapters of these names, or the system's choice; null for each that is not there. */
function probe(names, env) {
  const result = runQuietly(process.execPath, [join(ROOT, 'cli/setup/probe.mjs'), ...names], { env });
  // A crash in a driver counts as no adapter; a binding that does not load is told as such.
  if (!result.ok && /Cannot find (module|package)|ERR_DLOPEN/.test(result.log))
    stop(1, 'the Dawn binding (npm package webgpu) does not load on this machine. What it said:', result.log);
  return result.ok ? JSON.parse(result.stdout) : names.map(() => null);
}

const driverFile = (name) => SOFTWARE_DRIVERS[name].find((path) => existsSync(path));

/** Whether this software adapter is installed and opens. */
function opens(name) {
  const file = driverFile(name);
  return file !== undefined && Boolean(probe([SOFTWARE_ADAPTER_NAMES[name]], { VK_DRIVER_FILES: file })[0]);
}

/** How to run a command as root: as it is, through sudo where that asks for no password, or not at all (null). */
function asRoot() {
  if (process.getuid?.() === 0) return [];
  return runQuietly('sudo', ['-n', 'true']).ok ? ['sudo', '-n'] : null;
}

function installPackages({ packages, suite }, remedy) {
  const prefix = asRoot();
  if (!prefix) stop(2, `${packages.join(' ')} must be installed, and this is not root; run: ${remedy}`);
  const root = (...command) => {
    const [program, ...args] = [...prefix, 'env', 'DEBIAN_FRONTEND=noninteractive', ...command];
    return runQuietly(program, args);
  };
  const apt = (...args) => root('apt-get', '-q', '-o', 'Acquire::Retries=4', '-o', 'DPkg::Lock::Timeout=180', ...args);

  if (suite) {
    const source = backportsSource(readAptSources(), suite.replace(/-backports$/, ''));
    if (source === null)
      stop(2, `${suite} is needed, and the apt sources of this machine name no mirror to take it from; run: ${remedy}`);
    if (source !== 'present') {
      say(`adding ${suite} to the apt sources (${BACKPORTS_FILE})`);
      const folder = mkdtempSync(join(tmpdir(), 'tuningfork-'));
      writeFileSync(join(folder, 'backports.sources'), source);
      demand(
        root('install', '-m', '644', join(folder, 'backports.sources'), BACKPORTS_FILE),
        `writing ${BACKPORTS_FILE}`,
      );
      rmSync(folder, { recursive: true });
    }
  }
  say(`installing ${packages.join(' ')} (apt-get; a minute or two)`);
  // An update fails when any source of the machine does, ours or not: what counts is whether the packages then install.
  const update = apt('update');
  const install = apt('install', '-y', '--no-install-recommends', ...(suite ? ['-t', suite] : []), ...packages);
  if (!install.ok)
    stop(
      1,
      `apt-get could not install ${packages.join(' ')}. What it said:`,
      ...(update.ok ? [] : [update.log]),
      install.log,
    );
}

/** Installs what `remedy` names, and makes sure that it helped. */
function mend(what, remedy, works) {
  const mirror = readAptSources().find((entry) => entry.suites.includes(readDistribution().codename))?.uris[0];
  const advice = describeRemedy(remedy, mirror);
  if (!remedy.packages) stop(2, `${what} is missing; ${advice}`);
  installPackages(remedy, advice);
  if (!works())
    stop(
      2,
      `${what} was installed and still does not open; run: node dist/cli.js doctor, with VK_LOADER_DEBUG=error for the loader's own words`,
    );
}

/** Any adapter, so that the program runs. */
function provideAdapter(distribution) {
  const works = () => Boolean(probe([])[0]);
  if (works()) return;
  const named = ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES'].find((name) => process.env[name]);
  if (named && probe([], { [named]: undefined })[0])
    stop(2, `no WebGPU adapter is found because ${named} is set to ${process.env[named]}; unset it`);
  mend('a WebGPU adapter', lavapipeRemedy(distribution), works);
}

/** Both software adapters, so that the tests compare two implementations. */
function provideTestAdapters(distribution) {
  if (!opens('lavapipe')) mend('lavapipe', lavapipeRemedy(distribution), () => opens('lavapipe'));
  if (opens('swiftshader')) return;
  const remedy = swiftshaderRemedy(distribution);
  if (remedy.packages) mend('SwiftShader', remedy, () => opens('swiftshader'));
  else say(`the tests run on lavapipe alone: ${describeRemedy(remedy)}`);
}

async function buildWhenStale() {
  if (!bundlesAreStale(ROOT)) return;
  say('building dist/');
  const { bundle } = await import('./build.mjs');
  await bundle();
}

checkNode();
installDependencies();
const distribution = readDistribution();
if (process.argv.includes('--tests')) provideTestAdapters(distribution);
else provideAdapter(distribution);
await buildWhenStale();
