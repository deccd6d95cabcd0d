import { open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../engine/user_error.ts';
import { syncFolder } from '../models/formats/atomic.node.ts';
import { fileError } from '../models/formats/file_error.node.ts';
import { fileChecksums } from './checksum.node.ts';

export interface FetchOptions {
  readonly url: string;
  /** Where the file ends up; until it is whole and verified it is `<to>.part`. */
  readonly to: string;
  /** Hexadecimal. Where neither is known only the size is checked. */
  readonly sha256?: string;
  readonly md5?: string;
  /** Bytes. */
  readonly size?: number;
  /** Bytes that a file of unknown size stays below. */
  readonly most?: number;
  /** Called after each piece; `total` is null where neither caller nor server told. */
  onProgress?(received: number, total: number | null): void;
  /** Attempts in a row that bring nothing new before giving up. */
  readonly attempts?: number;
  /** Before the second attempt; doubles with each, up to a minute. */
  readonly firstPauseMs?: number;
  /** A connection on which nothing arrives for so long is given up and tried anew. */
  readonly silenceMs?: number;
}

export interface Fetched {
  readonly bytes: number;
  readonly sha256: string;
  /** What the file was held against; `nothing` means that only the server's word vouches for it. */
  readonly verified: 'sha256' | 'md5' | 'size' | 'nothing';
  /** The file was there already and nothing was downloaded. */
  readonly present: boolean;
}

/** What ends an attempt but not the download: a dropped connection, a busy server. */
class Transient extends Error {}

/**
 * Downloads a file. An interrupted download goes on where it stopped, in this call or a later one, by an HTTP range
 * request; a server that ignores it, or whose file has changed meanwhile, is read from the start, and so is one of
 * which neither a checksum nor the server's mark of its version is known. The final name appears only when all bytes
 * are there, verified and on disk.
 * @throws UserError for a wrong address, a wrong checksum or more bytes than there can be (they are then deleted), a
 *   full disk (they are kept), or a server that does not answer.
 */
export async function fetchFile(options: FetchOptions): Promise<Fetched> {
  const { url, to, attempts = 6, firstPauseMs = 1000 } = options;
  const part = `${to}.part`;
  try {
    if (await exists(to)) return { ...(await verify(to, options)), present: true };
    let most = await sizeOf(part);
    for (let failures = 0; ; ) {
      try {
        await attempt(options, part);
        break;
      } catch (error) {
        if (!(error instanceof Transient)) throw error;
        const received = await sizeOf(part);
        failures = received > most ? 1 : failures + 1;
        most = Math.max(most, received);
        if (failures >= attempts) {
          throw new UserError(
            `${url}: ${error.message}, ${attempts} times in a row; ${(await resumes(options, part)) ? `${received} bytes are kept in ${part}, run the command again to go on from there` : 'run the command again later'}.`,
          );
        }
        await sleep(Math.min(firstPauseMs * 2 ** (failures - 1), 60_000));
      }
    }
    const result = await verify(part, options);
    await syncFile(part);
    await rename(part, to);
    await rm(tagFile(part), { force: true });
    await syncFolder(dirname(to));
    return { ...result, present: false };
  } catch (error) {
    throw fileError('write', to, error);
  }
}

/** One request, from where the partial file ends. Returns when nothing is missing. */
async function attempt(options: FetchOptions, part: string): Promise<void> {
  const { url, size } = options;
  let offset = (await resumes(options, part)) ? await sizeOf(part) : 0;
  if (offset > 0 && offset === size) return;
  if (size !== undefined && offset > size) offset = 0;
  const tag = offset ? await readTag(part) : '';
  const silence = new Silence(options.silenceMs ?? 60_000);
  try {
    const response = await request(url, offset, tag, silence);
    if (response.status === 416) return await afterUnsatisfiableRange(response, offset, part);
    checkStatus(response, url);
    const range =
      response.status === 206 ? /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '') : null;
    if (response.status === 206 && Number(range?.[1]) !== offset) {
      await rm(part, { force: true });
      throw new Transient('the server sent another part than was asked for');
    }
    const version = response.headers.get('etag');
    if (range && tag && version !== null && version !== tag) {
      await rm(part, { force: true });
      throw new Transient('the file has changed on the server');
    }
    const start = range ? offset : 0; // 200: the server ignores ranges or its file has changed, so all of it comes
    if (!start) await writeTag(part, version);
    const length = response.headers.has('content-encoding') ? null : response.headers.get('content-length');
    const total = size ?? (length === null ? null : start + Number(length));
    await receive(response, { part, start, total }, options, silence);
  } finally {
    silence.end();
  }
}

async function request(url: string, offset: number, tag: string, silence: Silence): Promise<Response> {
  const headers: Record<string, string> = { 'accept-encoding': 'identity' }; // a .gz is wanted as it is
  if (offset) headers.range = `bytes=${offset}-`;
  if (offset && tag) headers['if-range'] = tag;
  try {
    if (!/^https?:$/.test(new URL(url).protocol))
      throw new UserError(`${url}: only http and https addresses can be fetched.`);
    return await fetch(url, { headers, signal: silence.signal });
  } catch (error) {
    if (error instanceof UserError) throw error;
    if (error instanceof TypeError && (error as { code?: string }).code === 'ERR_INVALID_URL')
      throw new UserError(`'${url}' is not an address.`);
    throw new Transient(reason(error));
  }
}

/** The partial file reaches the end already, or is longer than the server's file has become. */
async function afterUnsatisfiableRange(response: Response, offset: number, part: string): Promise<void> {
  await response.body?.cancel();
  const whole = /^bytes \*\/(\d+)$/.exec(response.headers.get('content-range') ?? '')?.[1];
  if (whole !== undefined && Number(whole) === offset) return;
  await rm(part, { force: true });
  throw new Transient('the server refused to go on from where the download stopped');
}

function checkStatus(response: Response, url: string): void {
  const { status } = response;
  if (status === 200 || status === 206) return;
  const answer = `the server answers ${status} ${response.statusText}`.trimEnd();
  if (status === 408 || status === 429 || status >= 500) throw new Transient(answer);
  throw new UserError(`${url}: ${answer}; check the address, the file may have moved.`);
}

async function receive(
  response: Response,
  { part, start, total }: { readonly part: string; readonly start: number; readonly total: number | null },
  options: FetchOptions,
  silence: Silence,
): Promise<void> {
  const { url, size, most } = options;
  const limit = size ?? most ?? Infinity;
  let received = start;
  let written = start;
  const file = await open(part, start ? 'a' : 'w');
  try {
    const reader = response.body!.getReader();
    for (;;) {
      const piece = await reader.read().catch((error) => {
        throw new Transient(reason(error));
      });
      if (piece.done) break;
      silence.heard();
      received += piece.value.byteLength;
      if (received > limit) break;
      await file.writeFile(piece.value);
      written = received;
      options.onProgress?.(written, total);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    throw new UserError(
      `Cannot write ${part}: the disk is full after ${written} bytes${total === null ? '' : ` of ${total}`}; free some space and run the command again${(await resumes(options, part)) ? ', it goes on from there' : ''}.`,
    );
  } finally {
    await file.close();
  }
  if (received > limit) {
    await forget(part);
    throw new UserError(
      `${url}: the server sends more than the ${limit} bytes that this file ${size === undefined ? 'can have' : 'has'}; what arrived was deleted. Try again, and if that is no help the file there has changed.`,
    );
  }
  if (total !== null && received < total)
    throw new Transient(`the connection ended after ${received} of ${total} bytes`);
}

/** Aborts a request on which nothing has been heard for a while, and one whose answer is not read to its end. */
class Silence {
  readonly #abort = new AbortController();
  readonly #timer: NodeJS.Timeout;

  constructor(ms: number) {
    this.#timer = setTimeout(() => this.#abort.abort(new Error(`nothing arrived for ${ms / 1000} s`)), ms);
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  heard(): void {
    this.#timer.refresh();
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#abort.abort();
  }
}

/**
 * Holds a file against what is known of it; one that is wrong is deleted if it is a download, and kept if it was there
 * before.
 */
async function verify(path: string, options: FetchOptions): Promise<Omit<Fetched, 'present'>> {
  const bytes = await sizeOf(path);
  const sums = await fileChecksums(path);
  const checks = [
    ['sha256', sums.sha256, options.sha256?.toLowerCase()],
    ['md5', sums.md5, options.md5?.toLowerCase()],
    ['size', bytes, options.size],
  ] as const;
  for (const [what, found, expected] of checks) {
    if (expected === undefined || found === expected) continue;
    if (path === options.to) {
      throw new UserError(
        `${path} is there already, but its ${what} is ${found} where ${expected} is expected; move it away to download it anew.`,
      );
    }
    await forget(path);
    throw new UserError(
      `${options.url}: what arrived has ${what} ${found}, and ${expected} is expected; it was deleted. Try again, and if that is no help the file there has changed.`,
    );
  }
  const verified = checks.find(([, , expected]) => expected !== undefined)?.[0] ?? 'nothing';
  return { bytes, sha256: sums.sha256, verified };
}

/** Where the server's mark of the version begun is kept, so that two versions are never joined into one file. */
function tagFile(part: string): string {
  return `${part}.etag`;
}

async function readTag(part: string): Promise<string> {
  return readFile(tagFile(part), 'utf8').catch(() => '');
}

/** Whether a download may go on from its partial file: something must notice where the rest is of another version. */
async function resumes({ sha256, md5 }: FetchOptions, part: string): Promise<boolean> {
  return sha256 !== undefined || md5 !== undefined || (await readTag(part)) !== '';
}

async function forget(part: string): Promise<void> {
  await rm(part, { force: true });
  await rm(tagFile(part), { force: true });
}

async function writeTag(part: string, etag: string | null): Promise<void> {
  // A weak tag (W/...) does not promise equal bytes and cannot be used with a range.
  if (etag && !etag.startsWith('W/')) await writeFile(tagFile(part), etag);
  else await rm(tagFile(part), { force: true });
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+');
  await file.sync().finally(() => file.close());
}

/** `fetch failed` alone says nothing: the cause underneath does. */
function reason(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error && cause.message ? cause.message : message || 'the connection failed';
}
