import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { UserError } from '../../engine/user_error.ts';
import { fetchFile } from '../../cli/fetch.node.ts';
import type { FetchOptions } from '../../cli/fetch.node.ts';

const CONTENT = Buffer.from(Uint32Array.from({ length: 100_000 }, (_, i) => i * 2654435761).buffer);
const SHA256 = createHash('sha256').update(CONTENT).digest('hex');
const MD5 = createHash('md5').update(CONTENT).digest('hex');

let folder: string;
let to: string;
let server: Server | null = null;
let asked: (string | undefined)[] = [];
/** Called with the bytes that the client holds, after each piece: who sends part of a file waits for it to arrive. */
let onHeld: (bytes: number) => void = () => undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tuningfork-fetch-'));
  to = join(folder, 'file.bin');
  asked = [];
  onHeld = () => undefined;
});
afterEach(async () => {
  server?.closeAllConnections();
  server?.close();
  server = null;
  await rm(folder, { recursive: true, force: true });
});

type Answer = (request: IncomingMessage, response: ServerResponse, count: number) => void;

/** A server on this machine that notes the ranges it was asked for. */
async function serve(answer: Answer): Promise<string> {
  server = createServer((request, response) => {
    asked.push(request.headers.range);
    answer(request, response, asked.length);
  });
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/file.bin`;
}

const rangeOf = (request: IncomingMessage): number =>
  Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);

/** Sends these bytes of the file from `start` on, and drops the connection once the client holds them. */
function sendAndDrop(response: ServerResponse, start: number, bytes: Buffer): void {
  onHeld = (held) => held === start + bytes.length && response.destroy();
  response.write(bytes);
}

/** Answers a range as a good server does, dropping the connection after `limit` bytes. */
function send(
  request: IncomingMessage,
  response: ServerResponse,
  limit = Infinity,
  etag = '"v1"',
  content = CONTENT,
): void {
  const changed = request.headers['if-range'] !== undefined && request.headers['if-range'] !== etag;
  const start = changed ? 0 : rangeOf(request);
  if (start >= content.length) {
    response.writeHead(416, { 'content-range': `bytes */${content.length}` }).end();
    return;
  }
  response.writeHead(start ? 206 : 200, {
    etag,
    'content-length': content.length - start,
    ...(start ? { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` } : {}),
  });
  if (start + limit >= content.length) response.end(content.subarray(start));
  else sendAndDrop(response, start, content.subarray(start, start + limit));
}

const get = (url: string, options: Partial<FetchOptions> = {}): ReturnType<typeof fetchFile> =>
  fetchFile({
    url,
    to,
    firstPauseMs: 1,
    ...options,
    onProgress(received, total) {
      options.onProgress?.(received, total);
      onHeld(received);
    },
  });
const isWhole = async (): Promise<void> => {
  expect((await readFile(to)).equals(CONTENT)).toBe(true);
  expect(await readdir(folder)).toEqual(['file.bin']);
};

describe('fetchFile', () => {
  it('downloads a file, verifies it, and tells of its progress', async () => {
    const url = await serve((request, response) => send(request, response));
    const progress: [number, number | null][] = [];
    const result = await get(url, {
      sha256: SHA256.toUpperCase(),
      md5: MD5,
      size: CONTENT.length,
      onProgress: (...step) => progress.push(step),
    });
    expect(result).toEqual({ bytes: 400_000, sha256: SHA256, verified: 'sha256', present: false });
    await isWhole();
    expect(progress.at(-1)).toEqual([400_000, 400_000]);
    expect(asked).toEqual([undefined]);
  });

  it('says what it could hold the file against', async () => {
    const url = await serve((request, response) => send(request, response));
    expect((await get(url)).verified).toBe('nothing');
    await rm(to);
    expect((await get(url, { size: 400_000 })).verified).toBe('size');
    await rm(to);
    expect((await get(url, { md5: MD5 })).verified).toBe('md5');
  });

  it('goes on where a dropped connection stopped, as often as it takes', async () => {
    const url = await serve((request, response) => send(request, response, 70_000));
    // Fewer attempts than drops: each brings something new, so none counts against it.
    const result = await get(url, { sha256: SHA256, attempts: 2 });
    expect(result.sha256).toBe(SHA256);
    await isWhole();
    expect(asked).toEqual([undefined, ...[70, 140, 210, 280, 350].map((thousand) => `bytes=${thousand}000-`)]);
  });

  it('goes on in a later call, from what the earlier one kept', async () => {
    let broken = true;
    const url = await serve((request, response) => {
      if (!broken) send(request, response);
      else if (rangeOf(request)) response.destroy();
      else send(request, response, 150_000);
    });
    const failure = get(url, { sha256: SHA256, attempts: 2 });
    await expect(failure).rejects.toThrow(UserError);
    await expect(failure).rejects.toThrow(/2 times in a row; 150000 bytes are kept in .*file\.bin\.part/);
    expect(existsSync(to)).toBe(false);
    broken = false;
    asked = [];
    await get(url, { sha256: SHA256 });
    expect(asked).toEqual(['bytes=150000-']);
    await isWhole();
  });

  it('starts over where the server ignores ranges', async () => {
    const url = await serve((_request, response, count) => {
      response.writeHead(200, { 'content-length': CONTENT.length });
      if (count > 1) response.end(CONTENT);
      else sendAndDrop(response, 0, CONTENT.subarray(0, 90_000));
    });
    await get(url, { sha256: SHA256 });
    expect(asked).toEqual([undefined, 'bytes=90000-']);
    await isWhole();
  });

  it('gives up on a server that ignores ranges and always drops at the same place', async () => {
    const url = await serve((request, response) => {
      delete request.headers.range;
      send(request, response, 90_000);
    });
    await expect(get(url, { attempts: 3 })).rejects.toThrow(/3 times in a row/);
    expect(asked).toEqual([undefined, 'bytes=90000-', 'bytes=90000-']);
  });

  it('does not join two versions of a file that changed on the server', async () => {
    const newer = Buffer.from(CONTENT).fill(7);
    const url = await serve((request, response, count) =>
      count === 1 ? send(request, response, 90_000) : send(request, response, Infinity, '"v2"', newer),
    );
    const { sha256 } = await get(url);
    expect(sha256).toBe(createHash('sha256').update(newer).digest('hex'));
  });

  it('goes on only where something would notice another version: a checksum, or the mark of the version', async () => {
    const older = Buffer.alloc(90_000, 7);
    const unmarked = await serve((_request, response) => {
      const start = rangeOf(_request);
      response.writeHead(start ? 206 : 200, {
        'content-length': CONTENT.length - start,
        ...(start ? { 'content-range': `bytes ${start}-${CONTENT.length - 1}/${CONTENT.length}` } : {}),
      });
      response.end(CONTENT.subarray(start));
    });
    // Unmarked, of known size or not: read from the start.
    for (const size of [undefined, CONTENT.length]) {
      await writeFile(`${to}.part`, older);
      await get(unmarked, { size });
      await isWhole();
      await rm(to);
    }
    await writeFile(`${to}.part`, Buffer.alloc(CONTENT.length));
    await get(unmarked, { size: CONTENT.length });
    await isWhole();
    expect(asked).toEqual([undefined, undefined, undefined]);
  });

  it('starts over where a server goes on with another version in spite of If-Range', async () => {
    const newer = Buffer.from(CONTENT).fill(7);
    const url = await serve((request, response, count) => {
      if (count > 1) delete request.headers['if-range'];
      send(
        request,
        response,
        count === 1 ? 90_000 : Infinity,
        count === 1 ? '"v1"' : '"v2"',
        count === 1 ? CONTENT : newer,
      );
    });
    expect((await get(url)).sha256).toBe(createHash('sha256').update(newer).digest('hex'));
    expect(asked).toEqual([undefined, 'bytes=90000-', undefined]);
  });

  it('stops a server that sends without end', async () => {
    for (const known of [{ size: 100_000 }, { most: 100_000 }]) {
      let sent = 0;
      const url = await serve((_request, response) => {
        const more = () => {
          sent += 50_000;
          if (!response.destroyed) response.write(Buffer.alloc(50_000), more);
        };
        more();
      });
      await expect(get(url, known)).rejects.toThrow(
        `the server sends more than the 100000 bytes that this file ${'size' in known ? 'has' : 'can have'}; what arrived was deleted`,
      );
      expect(sent).toBeLessThan(50_000_000);
      expect(await readdir(folder)).toEqual([]);
      server!.closeAllConnections();
      server!.close();
    }
  });

  it('takes 416 for done when nothing is missing, and else starts over', async () => {
    const url = await serve((request, response) => send(request, response));
    await writeFile(`${to}.part`, CONTENT);
    await get(url, { sha256: SHA256 });
    expect(asked).toEqual(['bytes=400000-']);
    await isWhole();
    await rm(to);
    await writeFile(`${to}.part`, Buffer.alloc(400_001));
    await get(url, { sha256: SHA256 });
    await isWhole();
  });

  it('asks nothing when the partial file is complete by its known size', async () => {
    const url = await serve((request, response) => send(request, response));
    await writeFile(`${to}.part`, CONTENT);
    await get(url, { sha256: SHA256, size: CONTENT.length });
    expect(asked).toEqual([]);
    await isWhole();
  });

  it('deletes what has a wrong checksum or size, and says both', async () => {
    const url = await serve((request, response) => send(request, response));
    await expect(get(url, { sha256: '0'.repeat(64) })).rejects.toThrow(
      `has sha256 ${SHA256}, and ${'0'.repeat(64)} is expected; it was deleted`,
    );
    expect(await readdir(folder)).toEqual([]);
    await expect(get(url, { md5: 'ab' })).rejects.toThrow(`has md5 ${MD5}, and ab is expected`);
    await expect(get(url, { sha256: SHA256, size: 3 })).rejects.toThrow('more than the 3 bytes that this file has');
    expect(await readdir(folder)).toEqual([]);
  });

  it('leaves a file that is there already, when it is the right one', async () => {
    const url = await serve((request, response) => send(request, response));
    await writeFile(to, CONTENT);
    expect(await get(url, { sha256: SHA256 })).toMatchObject({ present: true, verified: 'sha256' });
    await expect(get(url, { sha256: '1'.repeat(64) })).rejects.toThrow(/is there already, but its sha256/);
    expect(asked).toEqual([]);
    await isWhole();
  });

  it('stops at 404 at once and tries again at 503', async () => {
    const missing = await serve((_request, response) => response.writeHead(404).end('no'));
    await expect(get(missing)).rejects.toThrow(/answers 404 Not Found; check the address/);
    expect(asked).toHaveLength(1);
    expect(await readdir(folder)).toEqual([]);
    server!.close();
    asked = [];
    const busy = await serve((request, response, count) =>
      count < 3 ? response.writeHead(503).end() : send(request, response),
    );
    await get(busy, { sha256: SHA256 });
    expect(asked).toHaveLength(3);
  });

  it('gives up on a silent connection', async () => {
    // The clock of the download stands still but where the server moves it.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const url = await serve((_request, response, count) => {
        if (count === 1) {
          // What arrives in time begins the silence anew.
          vi.advanceTimersByTime(49);
          response.writeHead(200, { 'content-length': CONTENT.length, etag: '"v1"' }).write(CONTENT.subarray(0, 1000));
          onHeld = (held) => {
            vi.advanceTimersByTime(held === 1000 ? 49 : 50);
            if (held === 1000) response.write(CONTENT.subarray(1000, 2000));
          };
        } else vi.advanceTimersByTime(50);
      });
      await expect(get(url, { attempts: 2, silenceMs: 50 })).rejects.toThrow(
        /nothing arrived for 0\.05 s, 2 times in a row; 2000 bytes are kept/,
      );
      expect(asked).toEqual([undefined, 'bytes=2000-']);
    } finally {
      vi.useRealTimers();
    }
  });

  it('names a server that is not there, a wrong address, a missing folder', async () => {
    const url = await serve(() => undefined);
    await new Promise((resolve) => server!.close(resolve));
    await expect(get(url, { attempts: 2 })).rejects.toThrow(/ECONNREFUSED.*, 2 times in a row/);
    await expect(get('file:///etc/hosts')).rejects.toThrow(/only http and https/);
    await expect(get('no address')).rejects.toThrow(/'no address' is not an address/);
    const working = await serve((request, response) => send(request, response));
    await expect(get(working, { to: join(folder, 'none/file.bin') })).rejects.toThrow(/no such file or folder/);
  });

  it.runIf(existsSync('/dev/full'))('says when the disk is full', async () => {
    const url = await serve((request, response) => send(request, response));
    await symlink('/dev/full', `${to}.part`);
    await expect(get(url)).rejects.toThrow(
      /file\.bin\.part: the disk is full after 0 bytes of 400000; free some space/,
    );
    await expect(stat(to)).rejects.toThrow();
  });
});
