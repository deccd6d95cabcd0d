import { spawn, type ChildProcess } from 'node:child_process';
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROGRAM, tuningfork } from './cli.ts';

let server: ChildProcess;
let port: number;

/** A request as written, without the tidying of paths that `fetch` does. */
const ask = (path: string, { method = 'GET', host = 'localhost' } = {}): Promise<{ status: number; headers: Record<string, unknown>; body: string }> =>
  new Promise((resolve, reject) => {
    const asked = request({ port, host: '127.0.0.1', path, method, headers: { host: `${host}:${port}` } }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk) => (body += chunk)).on('end', () => resolve({ status: response.statusCode!, headers: response.headers, body }));
    });
    asked.on('error', reject).end();
  });

beforeAll(async () => {
  server = spawn(process.execPath, [PROGRAM, 'serve', '--port', '0', '--json']);
  const line = await new Promise<string>((resolve) => server.stdout!.setEncoding('utf8').once('data', resolve));
  port = Number(new URL((JSON.parse(line) as { url: string }).url).port);
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
    for (const path of ['/../cli.js', '/%2e%2e/cli.js', '/..%2fcli.js', '/..%5ccli.js', '//etc/passwd', '/%2fetc/passwd', '/%00', '/%', '/.git/config']) {
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
    expect([code, stderr]).toEqual([2, `tuningfork: port ${port} of 127.0.0.1 is taken; choose another with --port, or --port 0 for any that is free\n`]);
  });

  it('ends at Ctrl-C', async () => {
    const ended = new Promise((resolve) => server.once('exit', resolve));
    server.kill('SIGINT');
    expect(await ended).toBe(130);
  });
});
