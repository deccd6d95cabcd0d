import { expect } from 'vitest';

// Element by element `toEqual` takes 5 us for each of an array: half a minute of the suite for weights that are the
// same. Where all bytes are, so are all elements; where they are not, or the types differ, it looks for itself.
expect.addEqualityTesters([
  (a: unknown, b: unknown) => {
    if (
      !ArrayBuffer.isView(a) ||
      !ArrayBuffer.isView(b) ||
      a.constructor !== b.constructor ||
      a.byteLength !== b.byteLength
    )
      return undefined;
    const bytes = (view: ArrayBufferView) => Buffer.from(view.buffer, view.byteOffset, view.byteLength);
    return bytes(a).equals(bytes(b)) || undefined;
  },
]);
