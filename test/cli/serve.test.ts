import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serveFolder } from '../../cli/serve.node.ts';
import { writeSafetensors } from '../../models/formats/safetensors.ts';
import { buildModel } from '../models/onnx/build.ts';
import { PROGRAM, tuningfork } from './cli.ts';

let server: ChildProcess;
let port: number;

/** A request as written, without the tidying of paths that `fetch` does. */
const ask = (
  path: string,
  {
    method = 'GET',
    host = 'localhost',
    from = port,
    headers = {},
  }: { method?: string; host?: string; from?: number; headers?: Record<string, string> } = {},
): Promise<{ status: number; headers: Record<string, unknown>; body: string }> =>
  new Promise((resolve, reject) => {
    const asked = request(
      { port: from, host: '127.0.0.1', path, method, headers: { host: `${host}:${from}`, ...headers } },
      (response) => {
        let body = '';
        response
          .setEncoding('latin1')
          .on('data', (chunk) => (body += chunk))
          .on('error', reject)
          .on('end', () => resolve({ status: response.statusCode!, headers: response.headers, body }));
      },
    );
    asked.on('error', reject).end();
  });

/** Starts a server and returns what it says of itself. */
async function start(
  ...args: string[]
): Promise<{ server: ChildProcess; said: { url: string; look?: string }; port: number }> {
  const server = spawn(process.execPath, [PROGRAM, 'serve', ...args, '--port', '0', '--json']);
  const said = JSON.parse(
    await new Promise<string>((resolve) => server.stdout.setEncoding('utf8').once('data', resolve)),
  ) as { url: string };
  return { server, said, port: Number(new URL(said.url).port) };
}

beforeAll(async () => {
  ({ server, port } = await start());
});
afterAll(() => server.kill());

describe('serve', () => {
  it('answers with the pages, their types and their policy', async () => {
    for (const path of ['/', '/index.html']) {
      const { status, headers, body } = await ask(path);
      expect([status, headers['content-type']]).toEqual([200, 'text/html;charset=utf-8']);
      expect(headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self';/);
      expect(headers['x-content-type-options']).toBe('nosniff');
      expect(body).toContain('<title>Tuningfork</title>');
    }
    expect((await ask('/home.js')).headers['content-type']).toMatch(/^text\/javascript/);
    // A chunk is named after what is in it and may be kept; where it is gone, that may not be.
    const [, chunk] = /href="(shared-[^"]+)"/.exec((await ask('/learn')).body)!;
    expect((await ask('/home.js')).headers['cache-control']).toBe('no-cache');
    expect((await ask(`/${chunk}`)).headers['cache-control']).toBe('max-age=31536000, immutable');
    expect(await ask('/shared-AAAAAAAA.js')).toMatchObject({ status: 404, headers: { 'cache-control': 'no-cache' } });
  });

  it('hands out nothing beside its folder', async () => {
    for (const path of [
      '/../cli.js',
      '/%2e%2e/cli.js',
      '/..%2fcli.js',
      '/..%5ccli.js',
      '//etc/passwd',
      '/%2fetc/passwd',
      '/%00',
      '/%',
      '/.git/config',
      '/model.safetensors',
    ]) {
      const { status, body } = await ask(path);
      expect([path, status, body.length < 100]).toEqual([path, 404, true]);
    }
  });

  it('answers a range with its bytes, the last of them, or 416', async () => {
    const { body: page } = await ask('/');
    const size = page.length;
    const all = `bytes 0-${size - 1}/${size}`;
    for (const [range, status, body, said] of [
      ['bytes=0-0', 206, page.slice(0, 1), `bytes 0-0/${size}`],
      ['bytes=0-99', 206, page.slice(0, 100), `bytes 0-99/${size}`],
      ['bytes=5-', 206, page.slice(5), `bytes 5-${size - 1}/${size}`],
      ['bytes=-10', 206, page.slice(-10), `bytes ${size - 10}-${size - 1}/${size}`],
      ['bytes=-18446744073709551616', 206, page, all],
      ['bytes=0-18446744073709551615', 206, page, all],
      [`bytes=${size}-`, 416, '', `bytes */${size}`],
      ['bytes=18446744073709551616-', 416, '', `bytes */${size}`],
      ['bytes=-0', 416, '', `bytes */${size}`],
      ['bytes=5-2', 200, page, undefined],
      ['bytes=-', 200, page, undefined],
      ['bytes=0-1,4-5', 200, page, undefined],
      ['lines=1-2', 200, page, undefined],
      ['junk', 200, page, undefined],
    ] as const) {
      const answer = await ask('/', { headers: { range } });
      expect([range, answer.status, answer.headers['content-range']]).toEqual([range, status, said]);
      expect(answer.body).toBe(body);
      expect(answer.headers['content-length']).toBe(String(body.length));
    }
    expect(await ask('/', { method: 'HEAD', headers: { range: 'bytes=0-9' } })).toMatchObject({
      status: 200,
      body: '',
    });
  });

  it('sends gzip to those who take it, as another version of the page', async () => {
    const plain = await ask('/');
    expect([plain.headers['content-encoding'], plain.headers.vary]).toEqual([undefined, 'Accept-Encoding']);
    for (const accepted of ['gzip', 'br, GZIP;q=0.5', '*']) {
      const packed = await ask('/', { headers: { 'accept-encoding': accepted } });
      expect([packed.headers['content-encoding'], packed.headers.vary]).toEqual(['gzip', 'Accept-Encoding']);
      expect(packed.headers['content-type']).toBe('text/html;charset=utf-8');
      expect(gunzipSync(Buffer.from(packed.body, 'latin1')).toString('latin1')).toBe(plain.body);
      expect(packed.headers.etag).not.toBe(plain.headers.etag);
    }
    for (const refused of ['br', 'identity', 'gzip;q=0', '*, gzip;q=0.0', 'gzippy'])
      expect((await ask('/', { headers: { 'accept-encoding': refused } })).body).toBe(plain.body);
  });

  it('sends nothing again that the asker has, and no part of another version', async () => {
    const { headers, body } = await ask('/');
    const [etag, modified] = [String(headers.etag), String(headers['last-modified'])];
    const statusOf = async (asking: Record<string, string>) => (await ask('/', { headers: asking })).status;
    expect(await ask('/', { headers: { 'if-none-match': etag } })).toMatchObject({ status: 304, body: '' });
    expect(await statusOf({ 'if-none-match': `"x", W/${etag}` })).toBe(304);
    expect(await statusOf({ 'if-none-match': '"x"', 'if-modified-since': modified })).toBe(200);
    expect(await statusOf({ 'if-modified-since': modified })).toBe(304);
    expect(await statusOf({ 'if-modified-since': 'Thu, 01 Jan 1970 00:00:00 GMT' })).toBe(200);
    expect(await statusOf({ 'if-modified-since': 'yesterday' })).toBe(200);
    expect(await statusOf({ range: 'bytes=0-9', 'if-range': etag })).toBe(206);
    expect(await statusOf({ range: 'bytes=0-9', 'if-range': modified })).toBe(206);
    expect(await ask('/', { headers: { range: 'bytes=0-9', 'if-range': '"x"' } })).toMatchObject({ status: 200, body });
  });

  it('refuses other methods, and other names that point here', async () => {
    expect((await ask('/', { method: 'POST' })).status).toBe(405);
    expect((await ask('/', { host: 'evil.example' })).status).toBe(421);
    expect((await ask('/', { host: '127.0.0.1' })).status).toBe(200);
  });

  it('listens to this machine only, and says so where the port is taken', async () => {
    const { code, stderr } = await tuningfork(['serve', '--port', String(port)]);
    expect([code, stderr]).toEqual([
      2,
      `tuningfork: port ${port} of 127.0.0.1 is taken; choose another with --port, or --port 0 for any that is free\n`,
    ]);
  });

  it.each([
    ['Ctrl-C', 'SIGINT', 130],
    ["a scheduler's signal", 'SIGTERM', 143],
    ['the end of its terminal', 'SIGHUP', 129],
  ] as const)('ends at %s', async (_, signal, code) => {
    const { server: own } = await start();
    const ended = new Promise((resolve) => own.once('exit', resolve));
    own.kill(signal);
    expect(await ended).toBe(code);
  });
});

describe('serve --allow-embedding', () => {
  const policyOf = ({ headers }: { headers: Record<string, unknown> }) => String(headers['content-security-policy']);

  it('names who may embed the pages, and nobody without it', async () => {
    const without = await ask('/learn.html');
    expect(policyOf(without)).toMatch(/; frame-ancestors 'none'$/);
    expect(without.headers['cross-origin-resource-policy']).toBeUndefined();
    const { server, port: from } = await start('--allow-embedding', 'https://a.example.org, http://localhost:9000');
    try {
      const answer = await ask('/learn.html', { from });
      expect(policyOf(answer)).toMatch(/; frame-ancestors https:\/\/a\.example\.org http:\/\/localhost:9000$/);
      expect(answer.headers['cross-origin-resource-policy']).toBe('cross-origin');
    } finally {
      server.kill();
    }
  });

  it.each(['https://example.org/course', 'https://a.example.org; script-src *', ''])(
    'refuses %j, which is no origin',
    async (origin) => {
      const { code, stderr } = await tuningfork(['serve', '--allow-embedding', origin]);
      expect(code).toBe(2);
      expect(stderr).toMatch(/is no origin/);
    },
  );
});

describe('serveFolder', () => {
  it('answers for files that cannot be read, and goes on', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tuningfork-site-'));
    writeFileSync(join(folder, 'index.html'), 'a page');
    writeFileSync(join(folder, 'empty.txt'), '');
    mkdirSync(join(folder, 'folder.html'));
    mkdirSync(join(folder, 'packed.js.gz'));
    writeFileSync(join(folder, 'packed.js'), 'plain');
    symlinkSync('loop.html', join(folder, 'loop.html'));
    const { server: own, url } = await serveFolder(folder, '127.0.0.1', 0);
    const from = Number(new URL(url).port);
    try {
      for (const [path, status] of [
        ['/loop.html', 500],
        ['/folder.html', 404],
        ['/folder', 404],
        [`/${'x'.repeat(5000)}`, 404],
        ['/empty.txt', 200],
      ] as const)
        expect([path.slice(0, 20), (await ask(path, { from })).status]).toEqual([path.slice(0, 20), status]);
      expect((await ask('/empty.txt', { from, headers: { range: 'bytes=0-' } })).status).toBe(200);
      expect((await ask('/packed.js', { from, headers: { 'accept-encoding': 'gzip' } })).body).toBe('plain');
      expect((await ask('/', { from })).body).toBe('a page');
    } finally {
      own.close();
      rmSync(folder, { recursive: true });
    }
  });

  it('ends the connection where a file is cut while it is sent', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tuningfork-site-'));
    const file = join(folder, 'long.bin');
    writeFileSync(file, '');
    truncateSync(file, 2 ** 30);
    const { server: own, url } = await serveFolder(folder, '127.0.0.1', 0);
    try {
      const answer = await fetch(`${url}long.bin`);
      truncateSync(file, 1000);
      await expect(answer.arrayBuffer()).rejects.toThrow();
      truncateSync(file, 500);
      expect((await (await fetch(`${url}long.bin`)).arrayBuffer()).byteLength).toBe(500);
    } finally {
      own.close();
      rmSync(folder, { recursive: true });
    }
  });
});

describe('serve with a model', () => {
  const run = mkdtempSync(join(tmpdir(), 'tuningfork-run-'));
  const file = join(run, 'model.safetensors');
  const modelOf = (...values: number[]) =>
    Buffer.from(
      writeSafetensors(
        new Map([['w', { dtype: 'f32' as const, shape: [values.length], data: Float32Array.from(values) }]]),
      ),
    );
  afterAll(() => rmSync(run, { recursive: true }));

  it('hands out that file, as it is just now, and nothing else of its folder', async () => {
    writeFileSync(file, modelOf(1, 2, 200));
    writeFileSync(join(run, 'config.json'), '{}');
    const { server, said, port: from } = await start(run);
    try {
      expect(said).toEqual({
        url: `http://localhost:${from}/`,
        look: `http://localhost:${from}/look.html?model=model.safetensors`,
      });
      for (const path of ['/model.safetensors', '/model.safetensors?again=1']) {
        const { status, headers, body } = await ask(path, { from });
        expect([status, headers['content-type'], headers['content-length']]).toEqual([
          200,
          'application/octet-stream',
          String(modelOf(1, 2, 200).length),
        ]);
        expect(Buffer.from(body, 'latin1')).toEqual(modelOf(1, 2, 200));
      }
      expect(await ask('/model.safetensors', { from, method: 'HEAD' })).toMatchObject({ status: 200, body: '' });
      expect((await ask('/model.safetensors', { from, method: 'PUT' })).status).toBe(405);
      expect((await ask('/model.safetensors', { from, host: 'evil.example' })).status).toBe(421);
      for (const path of [
        '/config.json',
        '/model.safetensors/',
        '/model.safetensors/../config.json',
        '/runs/model.safetensors',
      ])
        expect([path, (await ask(path, { from })).status]).toEqual([path, 404]);
      expect((await ask('/', { from })).body).toContain('<title>Tuningfork</title>');
      writeFileSync(file, modelOf(3));
      expect(Buffer.from((await ask('/model.safetensors', { from })).body, 'latin1')).toEqual(modelOf(3));
      rmSync(file);
      expect(await ask('/model.safetensors', { from })).toMatchObject({
        status: 404,
        body: 'the model is there no more\n',
      });
    } finally {
      server.kill();
    }
  });

  it('hands out an ONNX file, which Look opens', async () => {
    const net = join(run, 'net.onnx');
    const bytes = Buffer.from(
      buildModel({
        nodes: [
          { op: 'GlobalAveragePool', inputs: ['x'], outputs: ['p'] },
          { op: 'Flatten', inputs: ['p'], outputs: ['y'] },
        ],
        inputs: { x: { shape: ['N', 3, 8, 8] } },
        outputs: ['y'],
      }),
    );
    writeFileSync(net, bytes);
    const { server, said, port: from } = await start(net);
    try {
      expect(said.look).toBe(`http://localhost:${from}/look.html?model=model.onnx`);
      expect(Buffer.from((await ask('/model.onnx', { from })).body, 'latin1').equals(bytes)).toBe(true);
      expect((await ask('/model.safetensors', { from })).status).toBe(404);
    } finally {
      server.kill();
    }
    writeFileSync(net, bytes.subarray(0, 40));
    expect(await tuningfork(['serve', net, '--port', '0'])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/net\.onnx.* cut off or damaged/),
    });
  });

  it('refuses what is no model, and says so', async () => {
    writeFileSync(file, modelOf(1, 2, 3).subarray(0, -4));
    for (const [path, sentence] of [
      [run, /model\.safetensors: /],
      [join(run, 'nowhere'), /there is no model .*nowhere; give a run directory/],
      [join(run, 'config.json'), /config\.json/],
      [tmpdir(), /Cannot read .*model\.safetensors: there is no such file/],
    ] as const) {
      const { code, stdout, stderr } = await tuningfork(['serve', path, '--port', '0']);
      expect([code, stdout]).toEqual([2, '']);
      expect(stderr).toMatch(sentence);
    }
  });
});
