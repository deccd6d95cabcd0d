import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeSafetensors } from '../../models/formats/safetensors.ts';
import { PROGRAM, tuningfork } from './cli.ts';

let server: ChildProcess;
let port: number;

/** A request as written, without the tidying of paths that `fetch` does. */
const ask = (
  path: string,
  { method = 'GET', host = 'localhost', from = port } = {},
): Promise<{ status: number; headers: Record<string, unknown>; body: string }> =>
  new Promise((resolve, reject) => {
    const asked = request(
      { port: from, host: '127.0.0.1', path, method, headers: { host: `${host}:${from}` } },
      (response) => {
        let body = '';
        response
          .setEncoding('latin1')
          .on('data', (chunk) => (body += chunk))
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

  it('ends at Ctrl-C', async () => {
    const ended = new Promise((resolve) => server.once('exit', resolve));
    server.kill('SIGINT');
    expect(await ended).toBe(130);
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
