// C0 without tab and newline, DEL, C1, and what turns the direction of writing.
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const STEERING = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/**
 * A text with every character that would steer a terminal written as \uXXXX, as JSON writes it: names, ids and cells of
 * files may hold any, and a file is not to move the cursor, colour a line or rename a window.
 */
export const printable = (text: string): string => text.replace(STEERING, escaped);

/** How much of the beginning and of the end of a line is shown: a cell of a damaged file may be a megabyte. */
const SHOWN = [3000, 800] as const;

/** The same for what must stay one line, of a length that a person can read. */
export function printableLine(text: string): string {
  const [head, tail] = SHOWN;
  const some = text.length > head + tail ? `${text.slice(0, head)} ... ${text.slice(-tail)}` : text;
  return printable(some).replace(/[\t\n]/g, escaped);
}

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/**
 * Makes whatever is said through `console` printable. All messages and results of commands are; what is written to
 * stdout past it is data, such as a csv, and goes out as it is.
 */
export function guardConsole(): void {
  for (const method of ['log', 'info', 'warn', 'error'] as const) {
    const say = console[method].bind(console);
    console[method] = (...values: unknown[]) =>
      say(...values.map((value) => (typeof value === 'string' ? printable(value) : value)));
  }
}
