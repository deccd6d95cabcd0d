import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readAptSources, type AptEntry } from '../../cli/setup/apt_sources.mjs';
import { readDistribution, type Distribution } from '../../cli/setup/distribution.mjs';
import { UserError } from '../../engine/user_error.ts';

/** One release for all, so that its compilers are the same wherever the table is made: Debian 13 and its backports. */
const RELEASE = 'trixie';
const SUITES = [RELEASE, `${RELEASE}-backports`];
const MESA = 'mesa-vulkan-drivers';
const PACKAGES = [MESA, 'mesa-drm-shim', 'libvulkan1', 'libvulkan-dev', 'libstdc++6'];
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** What was fetched. */
export interface Drivers {
  /** Where the packages are unpacked, as if it were the root of a system. */
  readonly root: string;
  /** Mesa's version. */
  readonly mesa: string;
}

function run(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    env: { ...process.env, ...env },
  });
  if (error) throw new UserError(`${command} does not start: ${error.message}`);
  if (status !== 0) throw new UserError(`${command} ${args[0]} failed: ${stderr.trim() || stdout.trim()}`);
  return stdout;
}

/**
 * The mirror that a machine fetches Debian from, by its apt sources: other archives may have suites of these names too.
 * @throws UserError where this is no Debian on x86-64, or no mirror is named
 */
export function mirrorOf({ id, codename, name }: Distribution, arch: string, sources: readonly AptEntry[]): string {
  if (id !== 'debian' || arch !== 'x64')
    throw new UserError(
      `the compilers are packages of Debian for x86-64, and this is ${name} on ${arch}; run this in a container of Debian`,
    );
  const releases = [codename, 'stable', 'testing', 'unstable', 'sid'];
  const uri = sources
    .filter(({ types, components }) => types.includes('deb') && components.includes('main'))
    .filter(({ suites }) => suites.some((suite) => releases.includes(suite)))
    .flatMap(({ uris }) => uris)
    .find((each) => /\/debian\/?$/.test(each));
  if (uri === undefined)
    throw new UserError('the apt sources of this machine name no mirror of Debian; add one to /etc/apt/sources.list.d');
  return uri;
}

/** Settings for an apt that has its own sources, lists and packages, and leaves the system's alone. */
function privateApt(folder: string): string {
  const uri = mirrorOf(readDistribution(), process.arch, readAptSources());
  mkdirSync(join(folder, 'lists/partial'), { recursive: true });
  mkdirSync(join(folder, 'archives/partial'), { recursive: true });
  writeFileSync(join(folder, 'status'), '');
  const sources = SUITES.map((suite) => `deb [arch=amd64 signed-by=${KEYRING}] ${uri} ${suite} main\n`);
  writeFileSync(join(folder, 'sources.list'), sources.join(''));
  const settings = {
    'Dir::Etc::SourceList': join(folder, 'sources.list'),
    'Dir::Etc::SourceParts': '/dev/null',
    'Dir::Etc::PreferencesParts': '/dev/null',
    'Dir::State::Lists': join(folder, 'lists'),
    'Dir::State::Status': join(folder, 'status'),
    'Dir::Cache::Archives': join(folder, 'archives'),
    'Dir::Cache::PkgCache': '',
    'Dir::Cache::SrcPkgCache': '',
    'APT::Install-Recommends': '0',
    'Acquire::Retries': '4',
    'Debug::NoLocking': '1',
    // apt would fetch as another user, who may not write here.
    ...(process.getuid?.() === 0 && { 'APT::Sandbox::User': 'root' }),
  };
  const file = join(folder, 'apt.conf');
  writeFileSync(
    file,
    Object.entries(settings)
      .map(([name, value]) => `${name} "${value}";\n`)
      .join(''),
  );
  return file;
}

/**
 * Mesa's drivers, drm-shim, the Vulkan loader with its headers, and the C library that they need, unpacked into a
 * folder. The system is not changed. What was fetched before is not fetched again, whole packages neither.
 * @throws UserError where this is no Debian on x86-64, or apt fails
 */
export function fetchDrivers(folder: string, say: (sentence: string) => void): Drivers {
  const [root, stamp, apt] = ['root', 'fetched.json', 'apt'].map((name) => join(folder, name));
  if (existsSync(stamp)) return { root, mesa: JSON.parse(readFileSync(stamp, 'utf8')).mesa };
  const env = { APT_CONFIG: privateApt(apt) };
  say('fetching the compilers (apt-get, 80 MB)');
  run('apt-get', ['update', '-q'], env);
  const fetching = ['install', '-y', '-q', '--download-only', '-t', SUITES[1], ...PACKAGES];
  run('apt-get', fetching, env);
  const archives = readdirSync(join(apt, 'archives')).filter((name) => name.endsWith('.deb'));
  const unpacked = `${root}.part`;
  rmSync(unpacked, { recursive: true, force: true });
  for (const name of archives) run('dpkg-deb', ['-x', join(apt, 'archives', name), unpacked]);
  rmSync(root, { recursive: true, force: true });
  renameSync(unpacked, root);
  const packed = archives.find((name) => name.startsWith(`${MESA}_`))!;
  const mesa = run('dpkg-deb', ['-f', join(apt, 'archives', packed), 'Version']).trim();
  writeFileSync(stamp, JSON.stringify({ mesa }));
  rmSync(apt, { recursive: true });
  return { root, mesa };
}
