type Cleanup = () => void | Promise<void>;

const cleanups = new Set<Cleanup>();

/**
 * Registers what must happen before Ctrl-C ends the process (close a device, remove a temporary file); returns how to
 * unregister it.
 */
export function onInterrupt(cleanup: Cleanup): () => void {
  cleanups.add(cleanup);
  return () => cleanups.delete(cleanup);
}

/**
 * Ctrl-C: the newest clean-up first, then exit code 130, as a shell expects. A second Ctrl-C does not wait for any of
 * it.
 */
export function handleInterrupts(): void {
  process.on('SIGINT', async () => {
    const pending = [...cleanups].reverse();
    if (interrupted) process.exit(130);
    interrupted = true;
    for (const cleanup of pending) {
      try {
        await cleanup();
      } catch (error) {
        console.error(`tuningfork: while stopping: ${(error as Error).message}`);
      }
    }
    process.exit(130);
  });
}

let interrupted = false;
