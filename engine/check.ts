import { UserError } from './user_error.ts';

/** A value as it is shown in a message: short, and of every kind. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (Array.isArray(value)) return `[${value.slice(0, 8).map(show).join(', ')}${value.length > 8 ? ', ...' : ''}]`;
  if (typeof value === 'function') return 'a function';
  if (typeof value !== 'object' || value === null) return String(value);
  const kind = (value as { constructor?: { name?: string } }).constructor?.name ?? 'Object';
  return kind === 'Object' ? `{ ${Object.keys(value).join(', ')} }` : `${/^[AEIOU]/.test(kind) ? 'an' : 'a'} ${kind}`;
}

/** What to do about a value that should be another: the end of a sentence, or nothing. */
export function remedy(value: unknown): string {
  if (value instanceof Promise) return '; await it';
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return '; make a constant of it, or an input that is fed';
  return '';
}

/** The names of all options of a kind: one that is added to the interface and forgotten here does not compile. */
export type Known<Options extends object> = Readonly<Record<keyof Options, unknown>>;

const isPlain = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  !(Array.isArray(value) || ArrayBuffer.isView(value) || value instanceof Promise);

/**
 * Refuses what is no object of options, and options that `op` does not know: it would compute something else than was
 * asked for.
 */
export function checkOptions<Options extends object>(op: string, options: Options, known: Known<Options>): void {
  const names = Object.keys(known).join(', ');
  if (!isPlain(options))
    throw new UserError(
      `${op}: the options must be an object of ${names}, not ${show(options)}${(options as unknown) instanceof Promise ? remedy(options) : ''}`,
    );
  for (const name of Object.keys(options))
    if (!Object.hasOwn(known, name)) throw new UserError(`${op}: there is no option ${name}; it knows ${names}`);
}

/** Refuses a value that is none of those that there are; undefined is left to the default. */
export function checkOneOf(op: string, name: string, value: unknown, values: readonly unknown[]): void {
  if (value !== undefined && !values.includes(value))
    throw new UserError(`${op}: ${name} must be ${values.map(show).join(' or ')}, not ${show(value)}`);
}

/** Refuses what is no number; NaN is one. */
export function checkNumber(op: string, name: string, value: unknown): void {
  if (typeof value !== 'number') throw new UserError(`${op}: ${name} must be a number, not ${show(value)}`);
}

/** Refuses what is no whole number from `least` to `most`. */
export function checkWhole(op: string, name: string, value: unknown, least = 0, most = Number.MAX_SAFE_INTEGER): void {
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most) return;
  const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
  throw new UserError(`${op}: ${name} must be a whole number ${range}, not ${show(value)}`);
}
