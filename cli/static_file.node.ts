import type { BigIntStats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';

/** Why a file cannot be sent, as HTTP says it; by the system's codes. */
const STATUS: Readonly<Record<string, number>> = {
  ENOENT: 404,
  ENOTDIR: 404,
  ENAMETOOLONG: 404,
  EACCES: 403,
  EPERM: 403,
};

/** An answer that is not the file. */
export interface Refusal {
  readonly status: number;
}

interface Opened {
  readonly file: FileHandle;
  readonly stats: BigIntStats;
  readonly gzipped: boolean;
}

/**
 * Answers a GET or HEAD with a file as it is just now: whole, one range of it (RFC 9110, section 14), or 304 where the
 * asker has it already (section 13). With `packed`, `<path>.gz` is sent in its place where it is there and
 * the asker takes it. A file that ends or fails while it is sent ends the connection: whoever asked then knows that it
 * is not whole.
 * @returns what is left to answer: nothing, or why there is no such file to send
 */
export async function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  { type, packed }: { readonly type: string; readonly packed: boolean },
): Promise<Refusal | undefined> {
  if (packed) response.setHeader('Vary', 'Accept-Encoding');
  const opened = await openFile(path, packed && acceptsGzip(request.headers['accept-encoding']));
  if ('status' in opened) return opened;
  const { file, stats, gzipped } = opened;
  try {
    const etag = `"${stats.size.toString(36)}-${stats.mtimeNs.toString(36)}${gzipped ? '-gzip' : ''}"`;
    const modified = stats.mtime.toUTCString();
    const size = Number(stats.size);
    const headers: OutgoingHttpHeaders = {
      'Content-Type': type,
      'Accept-Ranges': 'bytes',
      ETag: etag,
      'Last-Modified': modified,
      ...(gzipped && { 'Content-Encoding': 'gzip' }),
    };
    if (isFresh(request, etag, stats.mtime)) return void response.writeHead(304, headers).end();
    const range = rangeOf(request, size, etag, modified);
    if (range === 'none')
      return void response.writeHead(416, { 'Content-Range': `bytes */${size}`, 'Content-Length': 0 }).end();
    const { start, end } = range ?? { start: 0, end: size - 1 };
    response.writeHead(range ? 206 : 200, {
      ...headers,
      'Content-Length': end + 1 - start,
      ...(range && { 'Content-Range': `bytes ${start}-${end}/${size}` }),
    });
    if (request.method === 'HEAD' || size === 0) return void response.end();
    const stream = file.createReadStream({ start, end, autoClose: false });
    await pipeline(stream, response, { end: false });
    if (stream.bytesRead < end + 1 - start) response.destroy();
    else response.end();
  } catch {
    // Whoever asked has gone, or the disk has: there is nobody or nothing to answer with.
    response.destroy();
  } finally {
    await file.close();
  }
}

/** Opens a file, or with `gzip` the packed one beside it where that is there. */
async function openFile(path: string, gzip: boolean): Promise<Opened | Refusal> {
  let file: FileHandle | undefined;
  try {
    file = await open(gzip ? `${path}.gz` : path);
    const stats = await file.stat({ bigint: true });
    if (stats.isFile()) return { file, stats, gzipped: gzip };
    await file.close();
  } catch (error) {
    await file?.close();
    if (!gzip) return { status: STATUS[(error as NodeJS.ErrnoException).code ?? ''] ?? 500 };
  }
  return gzip ? openFile(path, false) : { status: 404 };
}

/** Whether an Accept-Encoding names gzip, or `*`, without a weight of zero (RFC 9110, section 12.5.3). */
export function acceptsGzip(header: string | string[] | undefined): boolean {
  const weights = new Map<string, number>();
  for (const each of String(header ?? '').split(',')) {
    const [name, ...parameters] = each.split(';').map((part) => part.trim().toLowerCase());
    const weight = parameters.find((parameter) => parameter.startsWith('q='));
    weights.set(name, weight === undefined ? 1 : Number(weight.slice(2)));
  }
  return (weights.get('gzip') ?? weights.get('*') ?? 0) > 0;
}

/** Whether the asker has this version already: If-None-Match, and If-Modified-Since where that is not there. */
function isFresh({ headers }: IncomingMessage, etag: string, modified: Date): boolean {
  const tags = headers['if-none-match'];
  if (tags !== undefined)
    return tags.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag);
  const since = Date.parse(headers['if-modified-since'] ?? '');
  return Math.floor(modified.getTime() / 1000) * 1000 <= since; // headers know whole seconds; false for NaN
}

/**
 * The bytes that a Range header asks for; undefined for all of them, as where it asks for several ranges, is malformed,
 * or holds for another version of the file (If-Range); `none` where the file has no such bytes.
 */
function rangeOf(
  { method, headers }: IncomingMessage,
  size: number,
  etag: string,
  modified: string,
): { start: number; end: number } | 'none' | undefined {
  const version = headers['if-range'];
  if (method !== 'GET' || size === 0 || (version !== undefined && version !== etag && version !== modified)) return;
  return parseRange(headers.range, size);
}

/** One range of bytes within `size`, which is not 0; see `rangeOf`. */
export function parseRange(
  header: string | undefined,
  size: number,
): { start: number; end: number } | 'none' | undefined {
  const [, first, last] = /^bytes=\s*(\d*)-(\d*)\s*$/i.exec(header ?? '') ?? [];
  if (!first && !last) return undefined;
  if (!first) return Number(last) === 0 ? 'none' : { start: Math.max(0, size - Number(last)), end: size - 1 };
  if (last && Number(last) < Number(first)) return undefined;
  if (Number(first) >= size) return 'none';
  return { start: Number(first), end: last ? Math.min(Number(last), size - 1) : size - 1 };
}
