import { fork, spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';

export interface Ended {
  /** null where a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The built program. */
export const PROGRAM = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

/** Runs the built program as a user does. Variables given as undefined are taken out of the environment. */
export async function tuningfork(
  args: readonly string[],
  env: Record<string, string | undefined> = {},
): Promise<Ended> {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    env: { ...process.env, TUNINGFORK_DEBUG: undefined, TUNINGFORK_DATA: undefined, ...env },
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
  // Dawn's own lines, which nothing silences, are no output of ours.
  return { code, stdout, stderr: stderr.replace(/^Warning: maxDynamic.*\n/gm, '') };
}

const HOST = fileURLToPath(new URL('./host.mjs', import.meta.url));
let host: ChildProcess | undefined;
let isBusy = false;

/**
 * The same in a process that runs one command after another and ends with the tests of a file. Where it is busy, in a
 * process of its own.
 */
async function inHost(args: readonly string[]): Promise<Ended> {
  if (isBusy) return tuningfork(args);
  isBusy = true;
  const env = { ...process.env, TUNINGFORK_DEBUG: undefined, TUNINGFORK_DATA: undefined };
  const child = (host ??= fork(HOST, [PROGRAM], { env, stdio: ['ignore', 'ignore', 'ignore', 'ipc'], execArgv: [] }));
  // It is not what keeps the tests from ending.
  child.unref();
  try {
    return await new Promise((resolve, reject) => {
      child.once('message', (ended) => resolve(ended as Ended));
      child.once('exit', (code, signal) =>
        reject(new Error(`${args.join(' ')}: its process ended: ${code ?? signal}`)),
      );
      child.send(args);
    });
  } catch (error) {
    host = undefined;
    throw error;
  } finally {
    child.removeAllListeners();
    isBusy = false;
  }
}

const onLavapipe = (args: readonly string[]) => inHost([...args, '--adapter', 'lavapipe']);

/** Runs a command on lavapipe that must succeed and returns what it printed. */
export async function succeed(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await onLavapipe(args);
  expect(code, stderr).toBe(0);
  return stdout;
}

/** Runs a command on lavapipe that must end with exit code 2 and one sentence, and returns that. */
export async function fail(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await onLavapipe(args);
  expect([code, stdout], stderr).toEqual([2, '']);
  // Training names a software adapter first.
  const sentence = stderr.replace(/^computing on .*\n/, '');
  expect(sentence).toMatch(/^tuningfork: [^\n]+\n$/);
  return sentence;
}
