import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import sirv from 'sirv';
import { UserError } from '../engine/user_error.ts';
import { POLICY } from '../web/policy.mjs';

/** The pages, beside the bundled program. */
export const SITE = fileURLToPath(new URL('web', import.meta.url));

const HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy': `${POLICY}; frame-ancestors 'none'`,
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  // Only pages of this origin may see exact times and shared memory: the benchmark wants the former.
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cache-Control': 'no-cache',
};

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]', '::1']);

/** Where pages find the model that the server was given. */
export const MODEL_PATH = '/model.safetensors';

/**
 * Serves a folder of static files, nothing outside of it and only GET and HEAD.
 * @param port 0 for any that is free
 * @param model a file to hand out at MODEL_PATH beside them
 * @returns the server and where it answers
 * @throws UserError where there is no such folder or the port is taken
 */
export async function serveFolder(
  folder: string,
  host: string,
  port: number,
  model?: string,
): Promise<{ server: Server; url: string }> {
  if (!existsSync(folder)) throw new UserError(`there are no pages at ${folder}; make them with \`npm run build\``);
  const files = sirv(folder, { dev: true, etag: true, dotfiles: false });
  const server = createServer((request, response) => {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    const end = (status: number, text: string) =>
      void response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
    // On loopback, a name that someone else's DNS points here is not ours (DNS rebinding).
    const asked = (request.headers.host ?? '').replace(/:\d+$/, '');
    if (LOOPBACK.has(host) && !LOOPBACK.has(asked)) return end(421, `this server answers to ${host} only`);
    if (request.method !== 'GET' && request.method !== 'HEAD') return end(405, 'only GET and HEAD');
    if (model !== undefined && request.url?.replace(/\?.*$/, '') === MODEL_PATH)
      return void sendFile(model, request.method === 'HEAD', response, end);
    files(request, response, () => end(404, 'there is no such page'));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE')
        reject(
          new UserError(
            `port ${port} of ${host} is taken; choose another with --port, or --port 0 for any that is free`,
          ),
        );
      else if (error.code === 'EACCES')
        reject(new UserError(`port ${port} may not be opened by you; choose one above 1023 with --port`));
      else reject(new UserError(`cannot serve at ${host}: ${error.message}`));
    });
    server.listen(port, host, resolve);
  });
  const { port: opened, family } = server.address() as AddressInfo;
  const name = host === '127.0.0.1' ? 'localhost' : family === 'IPv6' ? `[${host}]` : host;
  return { server, url: `http://${name}:${opened}/` };
}

/** A file as it is just now: a training may write it anew. */
async function sendFile(
  path: string,
  headOnly: boolean,
  response: ServerResponse,
  end: (status: number, text: string) => void,
): Promise<void> {
  const file = await open(path).catch(() => undefined);
  if (!file) return end(404, 'the model is there no more');
  try {
    response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': (await file.stat()).size });
    if (headOnly) response.end();
    else await pipeline(file.createReadStream({ autoClose: false }), response);
  } catch {
    // Whoever asked has gone, or the disk has: there is nobody or nothing to answer with.
    response.destroy();
  } finally {
    await file.close();
  }
}
