// Reads the machine's apt sources (sources.list(5), both formats) to learn which mirror it uses, so that a further
// suite of the same distribution is fetched from where this machine already fetches. Used before anything is installed.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const words = (text) => text.trim().split(/\s+/).filter(Boolean);

/** One line `deb [ key=value ... ] uri suite component ...`; null for comments and blank lines. */
function parseLine(line) {
  const match = /^\s*(deb|deb-src)\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)\s*([^#]*)/.exec(line);
  if (!match) return null;
  const [, type, options = '', uri, suite, components] = match;
  const signedBy = words(options).find((option) => option.toLowerCase().startsWith('signed-by='));
  return {
    types: [type],
    uris: [uri],
    suites: [suite],
    components: words(components),
    signedBy: signedBy?.slice('signed-by='.length) ?? null,
  };
}

/** One stanza of `Field: value` lines; a line that begins with a blank continues the field above it. */
function parseStanza(stanza) {
  const fields = new Map();
  let field = null;
  for (const line of stanza.split('\n')) {
    if (line.startsWith('#')) continue;
    const match = /^([\w-]+)\s*:\s*(.*)$/.exec(line);
    if (match) fields.set((field = match[1].toLowerCase()), match[2]);
    else if (field && /^\s/.test(line)) fields.set(field, `${fields.get(field)}\n${line}`);
  }
  if (!fields.has('uris') || /^(no|false|0)$/i.test((fields.get('enabled') ?? '').trim())) return null;
  const list = (name) => words(fields.get(name) ?? '');
  return {
    types: list('types'),
    uris: list('uris'),
    suites: list('suites'),
    components: list('components'),
    signedBy: fields.get('signed-by') ?? null,
  };
}

/**
 * The enabled entries of one file of apt sources.
 * @param {string} text its contents
 * @param {string} name its name: `.sources` is the deb822 format, anything else has an entry a line
 */
export function parseAptSources(text, name) {
  const parts = name.endsWith('.sources') ? text.split(/\n[ \t]*\n/).map(parseStanza) : text.split('\n').map(parseLine);
  return parts.filter((entry) => entry !== null);
}

/** The enabled entries of all the machine's apt sources; empty where there is no apt. */
export function readAptSources(root = '/etc/apt') {
  const folder = join(root, 'sources.list.d');
  const files = [join(root, 'sources.list')];
  try {
    files.push(
      ...readdirSync(folder)
        .filter((name) => /\.(list|sources)$/.test(name))
        .sort()
        .map((name) => join(folder, name)),
    );
  } catch {
    // No such folder: sources.list may still be there.
  }
  return files.flatMap((file) => {
    try {
      return parseAptSources(readFileSync(file, 'utf8'), file);
    } catch {
      return [];
    }
  });
}

/**
 * A sources file (deb822) for the backports of a Debian release, from the mirror that the release itself comes from.
 * `present` where the suite is there already, null where no entry for the release is found.
 */
export function backportsSource(entries, codename) {
  const suite = `${codename}-backports`;
  const binary = entries.filter((entry) => entry.types.includes('deb'));
  if (binary.some((entry) => entry.suites.includes(suite))) return 'present';
  const release = binary.find((entry) => entry.suites.includes(codename) && entry.components.includes('main'));
  if (!release) return null;
  const lines = ['Types: deb', `URIs: ${release.uris[0]}`, `Suites: ${suite}`, 'Components: main'];
  if (release.signedBy) lines.push(`Signed-By: ${release.signedBy}`);
  return `${lines.join('\n')}\n`;
}
