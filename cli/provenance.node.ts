import manifest from '../package.json' with { type: 'json' };

/** A word of a command line as a shell takes it. */
const quoted = (word: string): string => (/^[\w./:=,@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

/** By which version and command something is made, and on which day. */
export const provenance = (args: readonly string[] = process.argv.slice(2)) => ({
  version: manifest.version,
  date: new Date().toISOString().slice(0, 10),
  command: ['tuningfork', ...args].map(quoted).join(' '),
});
