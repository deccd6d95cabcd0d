/**
 * Unpacks zlib's format (RFC 1950), in Node and in a page alike.
 * @param most bytes that may come of it; what is beyond is not unpacked
 * @returns the bytes, or null where there are more than `most`
 * @throws the unpacker's error for damaged data
 */
export async function inflate(packed: readonly Uint8Array[], most: number): Promise<Uint8Array | null> {
  const stream = new Blob([...packed] as BlobPart[]).stream().pipeThrough(new DecompressionStream('deflate'));
  const reader = stream.getReader();
  const parts: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    length += value.length;
    if (length > most) {
      await reader.cancel().catch(() => {});
      return null;
    }
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
