/*
 * What a page and its worker say to each other. The engine lives in a worker: compiling, uploading and reading back
 * never hold up the page.
 */

/** A call of one of the worker's methods. */
export interface Call {
  readonly id: number;
  readonly method: string;
  readonly args: readonly unknown[];
}

/** What came of a call, or news that nobody asked for. */
export type Reply =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: string; readonly byUser: boolean }
  | { readonly event: string; readonly detail: unknown };

/**
 * The buffers of all typed arrays within a value, which are handed over instead of copied: the sender has them no more.
 */
export function buffersOf(value: unknown, found = new Set<ArrayBuffer>()): ArrayBuffer[] {
  if (ArrayBuffer.isView(value)) {
    if (value.buffer instanceof ArrayBuffer) found.add(value.buffer);
  } else if (value instanceof ArrayBuffer) found.add(value);
  else if (value instanceof Map) for (const entry of value.values()) buffersOf(entry, found);
  else if (
    typeof value === 'object' &&
    value !== null &&
    (Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype)
  ) {
    for (const entry of Object.values(value)) buffersOf(entry, found);
  }
  return [...found];
}
