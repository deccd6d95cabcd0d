import { fork, type ChildProcess } from 'node:child_process';
import { UserError } from '../engine/user_error.ts';
import type { Answer, Answers, Asked, Questions } from './contender.ts';

/** What drivers keep between runs, Mesa's and NVIDIA's: off for a first run that compiles everything. */
const WITHOUT_SHADER_CACHE = { MESA_SHADER_CACHE_DISABLE: 'true', __GL_SHADER_DISK_CACHE: '0' };

/**
 * A contender in a process of its own: its memory is its own, and a crash is no other's. Answers A to questions that
 * carry Q.
 */
export class ContenderProcess<A extends object = Answers, Q = Questions> implements Disposable {
  private readonly child: ChildProcess;
  private messages = '';

  /** @param program the file and arguments of a process that calls `serve` */
  constructor(
    readonly name: string,
    program: readonly string[],
    cold: boolean,
  ) {
    const [file, ...args] = program;
    this.child = fork(file, args, {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: { ...process.env, ...(cold ? WITHOUT_SHADER_CACHE : {}) },
    });
    this.child.stderr!.on('data', (text: Buffer) => (this.messages = (this.messages + text).slice(-2000)));
  }

  ask<K extends keyof A & string>(question: Asked<K, Q>): Promise<A[K]> {
    return new Promise((resolve, reject) => {
      const ended = (code: number | null, signal: string | null) =>
        reject(
          new UserError(
            `the process of ${this.name} ended (${signal ?? `exit code ${code}`}) when asked to ${question.ask}: ${this.messages.trim() || 'it said nothing'}`,
          ),
        );
      this.child.once('exit', ended);
      this.child.once('message', (answer: Answer) => {
        this.child.off('exit', ended);
        if ('error' in answer) reject(new UserError(`${this.name} could not ${question.ask}: ${answer.error}`));
        else resolve(answer.value as A[K]);
      });
      this.child.send(question, (error) => error && reject(error));
    });
  }

  /** Ends the process, whatever it is doing. */
  [Symbol.dispose](): void {
    this.child.kill('SIGKILL');
  }
}
