type Cleanup = () => void | Promise<void>;

const cleanups = new Set<Cleanup>();

/**
 * Registers what must happen before a signal ends the process (close a device, remove a temporary file); returns how to
 * unregister it.
 */
export function onInterrupt(cleanup: Cleanup): () => void {
  cleanups.add(cleanup);
  return () => cleanups.delete(cleanup);
}

/** SIGTERM asked the process to end. */
export class Stopped extends Error {
  /** What a shell expects: 128 and the signal's number. */
  static readonly exitCode = 143;
  override readonly name = 'Stopped';
}

const stop = new AbortController();
let saving = 0;

/** Aborted by SIGTERM, with a `Stopped` as the reason. */
export const stopSignal: AbortSignal = stop.signal;

/**
 * From here on SIGTERM does not end the process: the work looks at `stopSignal`, saves and throws its reason. Returns
 * how to end that.
 */
export function saveWhenStopped(): () => void {
  saving++;
  return () => void saving--;
}

/**
 * Ctrl-C and SIGTERM: the newest clean-up first, then exit code 130 or 143, as a shell expects. A second Ctrl-C does
 * not wait for any of it. SIGTERM, which a cluster sends some time before it kills, waits for work that saves.
 */
export function handleInterrupts(): void {
  process.on('SIGINT', () => end(130));
  process.on('SIGTERM', () => {
    stop.abort(new Stopped('stopped by SIGTERM; the same command goes on'));
    // A cluster sends it twice: to the script of a job, which passes it on, and to all processes of the job.
    if (saving === 0 && !interrupted) return end(Stopped.exitCode);
  });
}

let interrupted = false;

async function end(code: number): Promise<void> {
  if (interrupted) process.exit(code);
  interrupted = true;
  for (const cleanup of [...cleanups].reverse()) {
    try {
      await cleanup();
    } catch (error) {
      console.error(`tuningfork: while stopping: ${(error as Error).message}`);
    }
  }
  process.exit(code);
}
