import { UserError } from '../../engine/user_error.ts';
import { buffersOf, type Call, type Reply } from './worker_protocol.ts';

/** Methods that a worker offers; what they return must survive a structured clone. */
export type Methods = Readonly<Record<string, (...args: never[]) => unknown>>;

interface Scope {
  postMessage(message: Reply, transfer: ArrayBuffer[]): void;
  onmessage: ((event: MessageEvent<Call>) => void) | null;
}
const scope = globalThis as unknown as Scope;

/**
 * Answers the page's calls, one after another in their order: a method never meets another half done. Typed arrays in a
 * result are handed over, not copied: return copies of what must be kept.
 * @param atOnce methods that do not wait for their turn, and answer nothing: they tell the others to stop
 */
export function serve(methods: Methods, atOnce: Readonly<Record<string, (...args: never[]) => void>> = {}): void {
  let last: Promise<unknown> = Promise.resolve();
  scope.onmessage = ({ data: { id, method, args } }) => {
    if (method in atOnce) {
      (atOnce[method] as (...args: readonly unknown[]) => void)(...args);
      return;
    }
    last = last.then(async () => {
      try {
        const result = await (methods[method] as (...args: readonly unknown[]) => unknown)(...args);
        scope.postMessage({ id, result }, buffersOf(result));
      } catch (error) {
        scope.postMessage(
          { id, error: error instanceof Error ? error.message : String(error), byUser: error instanceof UserError },
          [],
        );
      }
    });
  };
}

/** Tells the page something that it did not ask for. */
export const emit = (event: string, detail: unknown): void => scope.postMessage({ event, detail }, buffersOf(detail));
