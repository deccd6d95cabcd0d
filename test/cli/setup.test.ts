import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { backportsSource, parseAptSources, readAptSources } from '../../cli/setup/apt_sources.mjs';
import { describeRemedy, lavapipeRemedy, readDistribution, swiftshaderRemedy } from '../../cli/setup/distribution.mjs';
import { bundlesAreStale, dependenciesAreStale, sourcesFingerprint, stampFile } from '../../cli/setup/freshness.mjs';

const folders: string[] = [];
let folder: string;
beforeEach(() => folders.push((folder = mkdtempSync(join(tmpdir(), 'tuningfork-')))));
afterAll(() => folders.forEach((each) => rmSync(each, { recursive: true })));

const DEB822 = `Types: deb
# http://snapshot.example/archive/20250520
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main

Enabled: no
Types: deb
URIs: http://mirror.example/debian
Suites: bookworm-backports
Components: main
`;

describe('apt sources', () => {
  it('are read in the deb822 format', () => {
    expect(parseAptSources(DEB822, 'debian.sources')).toEqual([
      {
        types: ['deb'],
        uris: ['http://mirror.example/debian'],
        suites: ['bookworm', 'bookworm-updates'],
        components: ['main'],
        signedBy: '/usr/share/keyrings/debian-archive-keyring.gpg',
      },
      {
        types: ['deb'],
        uris: ['http://mirror.example/debian-security'],
        suites: ['bookworm-security'],
        components: ['main'],
        signedBy: null,
      },
    ]);
  });

  it('are read in the format of a line an entry', () => {
    const text =
      '# the mirror\ndeb [arch=amd64 signed-by=/k.gpg] https://m.example/debian bookworm main contrib # fast\n\n#deb http://old.example/ bookworm main\ndeb-src http://m.example/debian bookworm main\ndeb http://m.example/debian bookworm-backports main\n';
    expect(parseAptSources(text, 'sources.list')).toEqual([
      {
        types: ['deb'],
        uris: ['https://m.example/debian'],
        suites: ['bookworm'],
        components: ['main', 'contrib'],
        signedBy: '/k.gpg',
      },
      {
        types: ['deb-src'],
        uris: ['http://m.example/debian'],
        suites: ['bookworm'],
        components: ['main'],
        signedBy: null,
      },
      {
        types: ['deb'],
        uris: ['http://m.example/debian'],
        suites: ['bookworm-backports'],
        components: ['main'],
        signedBy: null,
      },
    ]);
  });

  it('give the backports of the mirror in use, with its key', () => {
    expect(backportsSource(parseAptSources(DEB822, 'x.sources'), 'bookworm')).toBe(
      'Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm-backports\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n',
    );
  });

  it('keep a key that is written out', () => {
    const key =
      'Types: deb\nURIs: http://m.example/debian\nSuites: bookworm\nComponents: main\nSigned-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQINBF\n';
    const source = backportsSource(parseAptSources(key, 'x.sources'), 'bookworm');
    expect(source).toContain('Signed-By: \n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQINBF\n');
    expect(parseAptSources(source!, 'again.sources')[0].suites).toEqual(['bookworm-backports']);
  });

  it('that have the backports already need nothing, those without the release cannot tell', () => {
    expect(
      backportsSource(parseAptSources('deb http://m.example/debian bookworm-backports main', 'a.list'), 'bookworm'),
    ).toBe('present');
    expect(
      backportsSource(parseAptSources('deb-src http://m.example/debian bookworm main', 'a.list'), 'bookworm'),
    ).toBeNull();
    expect(backportsSource([], 'bookworm')).toBeNull();
  });

  it('are collected from all files of the folder', () => {
    mkdirSync(join(folder, 'sources.list.d'));
    writeFileSync(join(folder, 'sources.list'), 'deb http://a.example/ x main\n');
    writeFileSync(join(folder, 'sources.list.d', 'b.list'), 'deb http://b.example/ x main\n');
    writeFileSync(join(folder, 'sources.list.d', 'c.sources'), DEB822);
    writeFileSync(join(folder, 'sources.list.d', 'd.list.disabled'), 'deb http://d.example/ x main\n');
    expect(readAptSources(folder).map(({ uris }) => uris[0])).toEqual([
      'http://a.example/',
      'http://b.example/',
      'http://mirror.example/debian',
      'http://mirror.example/debian-security',
    ]);
    expect(readAptSources(join(folder, 'nowhere'))).toEqual([]);
  });
});

describe('remedies', () => {
  const distribution = (text: string) => {
    const file = join(folder, 'os-release');
    writeFileSync(file, text);
    return readDistribution(file, 'linux');
  };
  const bookworm =
    'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\nID=debian\n';

  it('know the distribution', () => {
    expect(distribution(bookworm)).toEqual({
      id: 'debian',
      version: 12,
      codename: 'bookworm',
      name: 'Debian GNU/Linux 12 (bookworm)',
    });
    expect(readDistribution(join(folder, 'none'), 'linux').id).toBe('linux');
    expect(readDistribution('', 'darwin')).toMatchObject({ id: 'darwin', name: 'macOS' });
  });

  it('take lavapipe from the backports on Debian 12 only', () => {
    expect(lavapipeRemedy(distribution(bookworm)).suite).toBe('bookworm-backports');
    for (const text of [
      'ID=debian\nVERSION_ID="13"\nVERSION_CODENAME=trixie',
      'ID=debian\nVERSION_CODENAME=forky',
      'ID=ubuntu\nVERSION_ID="24.04"',
    ]) {
      expect(lavapipeRemedy(distribution(text))).toEqual({ packages: ['mesa-vulkan-drivers', 'libvulkan1'] });
    }
  });

  it('are words where a script should not do it', () => {
    expect(lavapipeRemedy(distribution('ID=fedora\nVERSION_ID=41')).advice).toContain('sudo dnf install');
    for (const text of ['ID=ubuntu\nVERSION_ID="22.04"', 'ID=debian\nVERSION_ID="11"', 'ID=nixos', ''])
      expect(lavapipeRemedy(distribution(text)).advice).toContain('lavapipe');
    expect(swiftshaderRemedy(distribution('ID=ubuntu\nVERSION_ID="24.04"')).advice).toContain('snap');
    expect(swiftshaderRemedy(distribution(bookworm)).packages).toEqual(['chromium']);
  });

  it('are a whole command', () => {
    expect(describeRemedy(lavapipeRemedy(distribution(bookworm)), 'http://m.example/debian')).toBe(
      "echo 'deb http://m.example/debian bookworm-backports main' | sudo tee /etc/apt/sources.list.d/bookworm-backports.list && sudo apt-get update && sudo apt-get install -y -t bookworm-backports mesa-vulkan-drivers libvulkan1",
    );
  });
});

describe('what is installed and built', () => {
  const lock = (packages: object) => JSON.stringify({ packages });
  const write = (installed: object | null, wanted: object) => {
    mkdirSync(join(folder, 'node_modules'), { recursive: true });
    writeFileSync(join(folder, 'package-lock.json'), lock({ '': { name: 'x' }, ...wanted }));
    if (installed) writeFileSync(join(folder, 'node_modules', '.package-lock.json'), lock(installed));
    return dependenciesAreStale(folder);
  };
  const a = { version: '1.0.0', integrity: 'sha512-a' };

  it('is compared with the lock file by contents', () => {
    expect(write(null, { 'node_modules/a': a })).toBe(true);
    expect(write({ 'node_modules/a': a }, { 'node_modules/a': a })).toBe(false);
    expect(write({ 'node_modules/a': a }, { 'node_modules/a': { ...a, version: '1.0.1' } })).toBe(true);
    expect(write({ 'node_modules/a': a }, { 'node_modules/a': a, 'node_modules/b': a })).toBe(true);
    // Another platform's package, which npm leaves out.
    expect(write({ 'node_modules/a': a }, { 'node_modules/a': a, 'node_modules/b': { ...a, optional: true } })).toBe(
      false,
    );
    expect(write({ 'node_modules/b': a }, { 'node_modules/b': { ...a, version: '2.0.0', optional: true } })).toBe(true);
  });

  it('is compared with the sources by contents', () => {
    mkdirSync(join(folder, 'engine'));
    mkdirSync(join(folder, 'dist'));
    writeFileSync(join(folder, 'engine', 'a.ts'), 'a');
    expect(bundlesAreStale(folder)).toBe(true);
    writeFileSync(stampFile(folder), sourcesFingerprint(folder));
    expect(bundlesAreStale(folder)).toBe(false);
    writeFileSync(join(folder, 'engine', 'b.ts'), '');
    expect(bundlesAreStale(folder)).toBe(true);
    rmSync(join(folder, 'engine', 'b.ts'));
    expect(bundlesAreStale(folder)).toBe(false);
    writeFileSync(join(folder, 'engine', 'a.ts'), 'b');
    expect(bundlesAreStale(folder)).toBe(true);
  });
});

describe('the set-up script', () => {
  const script = fileURLToPath(new URL('../../cli/setup.mjs', import.meta.url));
  const run = (env: Record<string, string>, ...args: string[]) =>
    spawnSync(process.execPath, [script, ...args], { encoding: 'utf8', env: { ...process.env, ...env } });

  it('does and says nothing where all is there', () => {
    expect(run({})).toMatchObject({ status: 0, stdout: '', stderr: '' });
  });

  // Without a PATH it could not install anything either, should it try.
  it('installs nothing where an environment variable hides the drivers, and names it', () => {
    const { status, stderr } = run({ VK_DRIVER_FILES: '/nonexistent.json', PATH: '/nonexistent' });
    expect(status).toBe(2);
    expect(stderr).toMatch(
      /^setup: no WebGPU adapter is found because VK_DRIVER_FILES is set to \/nonexistent\.json; unset it\n$/,
    );
  });
});
