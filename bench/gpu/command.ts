import { spawn } from 'node:child_process';
import { UserError } from '../../engine/user_error.ts';

/** Says that the time that was given is over. */
export class TimeOver extends UserError {}

/** What a command with `--json` printed, and the last sentence that it said of itself. */
export interface Ended {
  /** Undefined where it printed nothing. */
  readonly output: unknown;
  readonly code: number | null;
  readonly said: string;
}

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds that it may take. */
  readonly limit: number;
  /** Is told each line that it prints on its way. */
  readonly onLine: (line: string) => void;
}

/**
 * Runs a command of this program in a process of its own: what crashes or hangs there ends there.
 * @param program the file and first arguments of the process
 * @throws TimeOver where it was stopped because its time was over
 * @throws UserError where it printed something else than JSON
 */
export async function runCommand(
  program: readonly string[],
  args: readonly string[],
  { env, limit, onLine }: CommandOptions,
): Promise<Ended> {
  const child = spawn(process.execPath, [...program, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stop = () => child.kill('SIGKILL');
  process.once('exit', stop);
  let [stdout, line, said, stopped] = ['', '', '', false];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    const lines = (line + text).split('\n');
    line = lines.pop()!;
    for (const each of lines) {
      said = each || said;
      onLine(each);
    }
  });
  const timer = setTimeout(() => {
    stopped = true;
    stop();
  }, limit);
  try {
    const [code, signal] = await new Promise<[number | null, string | null]>((resolve, reject) =>
      child.on('error', reject).on('close', (...how) => resolve(how)),
    );
    if (stopped) throw new TimeOver('it was stopped because the time was over');
    const ended = signal === null ? '' : `the process of \`${args.slice(0, 2).join(' ')}\` ended (${signal})`;
    return { output: parse(stdout, args), code, said: ended || (line || said).replace(/^tuningfork: /, '') };
  } finally {
    clearTimeout(timer);
    process.off('exit', stop);
  }
}

function parse(text: string, args: readonly string[]): unknown {
  if (text.trim() === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new UserError(`\`${args.join(' ')}\` printed something else than JSON: ${text.slice(0, 80)}`);
  }
}
