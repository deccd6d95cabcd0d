type Cleanup = () => void | Promise<void>;

/**
 * What asks a program to end, and the exit code that a shell expects then, 128 and the signal's number: Ctrl-C, a
 * scheduler, a terminal that is closed.
 */
const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

const cleanups = new Set<Cleanup>();
let interrupted = false;

/** Whether the process is about to end by a signal: what fails from then on is no news. */
export const isInterrupted = (): boolean => interrupted;

/**
 * Registers what must happen before a signal ends the process (save a checkpoint, close a device, remove a temporary
 * file); returns how to unregister it.
 */
export function onInterrupt(cleanup: Cleanup): () => void {
  cleanups.add(cleanup);
  return () => cleanups.delete(cleanup);
}

/** At a signal: the newest clean-up first, then its exit code. A second Ctrl-C does not wait for any of it. */
export function handleInterrupts(): void {
  for (const [signal, code] of Object.entries(SIGNALS)) {
    process.on(signal, () => {
      if (!interrupted) void end(code);
      // A cluster sends SIGTERM twice: to a job's script, which passes it on, and to all processes of the job.
      else if (signal === 'SIGINT') process.exit(code);
    });
  }
}

async function end(code: number): Promise<void> {
  interrupted = true;
  process.exitCode = code;
  for (const cleanup of [...cleanups].reverse()) {
    try {
      await cleanup();
    } catch (error) {
      console.error(`tuningfork: while stopping: ${(error as Error).message}`);
    }
  }
  process.exit(code);
}
