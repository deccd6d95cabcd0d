/**
 * Work that is asked for more often than it can be done: one at a time, and after it only what was asked for last. What
 * a slider passes over on its way is never computed.
 */
export function latest(work: () => Promise<void>): () => void {
  let running = false;
  let again = false;
  const run = async (): Promise<void> => {
    running = true;
    try {
      do {
        again = false;
        await work();
      } while (again);
    } finally {
      // Work that throws is not the end of all work.
      running = false;
    }
  };
  return () => {
    if (running) again = true;
    else void run();
  };
}
