// Makes the release of the version that package.json names: `npm run release`. It checks, tests, packs and tags, and
// publishes nothing: at the end it prints the two commands that do. Where something is missing it says so first, and
// changes nothing.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');

/** What a release still lacks, a sentence each. */
export function lacking({ version, locked, changelog, status, tags }) {
  const found = [];
  if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)) found.push(`package.json: ${version} is no version; write 1.2.3`);
  if (locked !== version)
    found.push(`package-lock.json has the version ${locked}, and package.json ${version}; run npm install`);
  const [, date] = changelog.match(new RegExp(`^## \\[${version.replaceAll('.', '\\.')}\\] - (.*)$`, 'm')) ?? [];
  if (date === undefined) found.push(`CHANGELOG.md has no section [${version}]`);
  else if (!/^\d{4}-\d\d-\d\d$/.test(date))
    found.push(`CHANGELOG.md: [${version}] is dated "${date}"; write the day, such as 2030-01-31`);
  if (tags.includes(`v${version}`)) found.push(`the tag v${version} is there already; choose the next version`);
  if (status !== '') found.push(`the working tree has changes; commit them first:\n${status}`);
  return found;
}

/** What a command prints. @throws Error where it fails */
function output(command, ...args) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: ROOT, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed: ${stderr}`);
  return stdout.trimEnd();
}

function release() {
  const read = (name) => readFileSync(join(ROOT, name), 'utf8');
  const { version } = JSON.parse(read('package.json'));
  const problems = lacking({
    version,
    locked: JSON.parse(read('package-lock.json')).version,
    changelog: read('CHANGELOG.md'),
    status: output('git', 'status', '--porcelain'),
    tags: output('git', 'tag', '--list').split('\n'),
  });
  if (problems.length > 0) {
    for (const problem of problems) console.error(problem);
    return 2;
  }
  const { status } = spawnSync('npm', ['test'], { cwd: ROOT, stdio: 'inherit' });
  if (status !== 0) {
    console.error('The tests failed: nothing is packed or tagged.');
    return 1;
  }
  const file = output('npm', 'pack', '--silent').split('\n').at(-1);
  output('git', 'tag', '--annotate', `v${version}`, '--message', `Version ${version}`);
  console.log(`${file} is packed and v${version} is tagged. To publish them:`);
  console.log(`  npm publish ${file}\n  git push origin v${version}`);
  return 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = release();
