import { UserError } from '../../engine/user_error.ts';

/** What a WebP file says of itself. */
export interface WebpHeader {
  readonly width: number;
  readonly height: number;
  /** Exif data, a TIFF file of its own; null without. */
  readonly exif: Uint8Array | null;
}

const MAX_CHUNKS = 1000;

/**
 * Reads the chunks of a WebP file (RFC 9649) without decoding its image, whose own size counts.
 * @param file what errors call it
 * @throws UserError for a file that is cut off, without an image, or animated
 */
export function readWebpHeader(bytes: Uint8Array, file: string): WebpHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 20) throw new UserError(`${file} is cut off before its image begins`);
  const total = 8 + view.getUint32(4, true);
  if (total > bytes.length)
    throw new UserError(`${file} is cut off: ${total} bytes are announced, and ${bytes.length} are there`);
  let size: { width: number; height: number } | null = null;
  let exif: Uint8Array | null = null;
  for (let at = 12, n = 0; at + 8 <= total && n < MAX_CHUNKS; n++) {
    const name = String.fromCharCode(...bytes.subarray(at, at + 4));
    const end = at + 8 + view.getUint32(at + 4, true);
    if (end > total) throw new UserError(`${file} is damaged: its chunk ${JSON.stringify(name)} goes beyond its end`);
    const body = bytes.subarray(at + 8, end);
    if (name === 'ANIM' || name === 'ANMF')
      throw new UserError(`${file} is an animated WebP image; save one frame of it`);
    if (name === 'VP8 ' || name === 'VP8L') size ??= name === 'VP8 ' ? lossySize(body) : losslessSize(body);
    if (name === 'EXIF') exif ??= body;
    at = end + (end & 1);
  }
  if (!size) throw new UserError(`${file} is damaged: a WebP file without an image`);
  return { ...size, exif };
}

/** 14 bits each behind a frame's tag and start code (RFC 6386, 9.1). */
function lossySize(body: Uint8Array): { width: number; height: number } | null {
  if (body.length < 10 || body[3] !== 0x9d || body[4] !== 0x01 || body[5] !== 0x2a) return null;
  return { width: (body[6] | (body[7] << 8)) & 0x3fff, height: (body[8] | (body[9] << 8)) & 0x3fff };
}

/** 14 bits each, less one, behind the signature (RFC 9649, 3.4). */
function losslessSize(body: Uint8Array): { width: number; height: number } | null {
  if (body.length < 5 || body[0] !== 0x2f) return null;
  const bits = body[1] | (body[2] << 8) | (body[3] << 16) | (body[4] << 24);
  return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
}
