import { existsSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UserError } from '../engine/user_error.ts';
import { POLICY } from '../web/policy.mjs';
import { sendFile } from './static_file.node.ts';

/** The pages, beside the bundled program. */
export const SITE = fileURLToPath(new URL('web', import.meta.url));

/** A browser asks each time whether a file is still the same. */
const ANEW = 'no-cache';

/**
 * What goes with every answer.
 * @param ancestors origins of pages that may show these pages within them, or `*`; none where it is empty
 */
const headersFor = (ancestors: readonly string[]): Readonly<Record<string, string>> => ({
  'Content-Security-Policy': `${POLICY}; frame-ancestors ${ancestors.length === 0 ? "'none'" : ancestors.join(' ')}`,
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  // Only pages of this origin may see exact times and shared memory: the benchmark wants the former.
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cache-Control': ANEW,
  // A page that is isolated itself embeds only what says this.
  ...(ancestors.length > 0 && { 'Cross-Origin-Resource-Policy': 'cross-origin' }),
});

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]', '::1']);

/** What the site is made of; any other file goes out as bytes. */
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html;charset=utf-8',
  '.js': 'text/javascript;charset=utf-8',
  '.css': 'text/css;charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
  '.map': 'application/json',
  '.txt': 'text/plain;charset=utf-8',
};

/** Pieces of scripts that are named after what is in them. */
const CHUNK = /^shared-[A-Z0-9]{8}\.js$/;

/** Where pages find the model that the server was given. */
export const modelPath = (file: string): string => (/\.onnx$/i.test(file) ? '/model.onnx' : '/model.safetensors');

/**
 * Serves the files of a folder, not those of folders in it, and nothing else; only GET and HEAD. No request ends the
 * process: what cannot be read is answered with its status.
 * @param port 0 for any that is free
 * @param offered beside them: a model, to be handed out at its modelPath; who may embed the pages, nobody by default
 * @returns the server and where it answers
 * @throws UserError where there is no such folder or the port is taken
 */
export async function serveFolder(
  folder: string,
  host: string,
  port: number,
  { model, ancestors = [] }: { readonly model?: string; readonly ancestors?: readonly string[] } = {},
): Promise<{ server: Server; url: string }> {
  if (!existsSync(folder)) throw new UserError(`there are no pages at ${folder}; make them with \`npm run build\``);
  const headers = headersFor(ancestors);
  const server = createServer((request, response) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    answer(request, response, { folder, host, model }).catch(() => {
      if (response.headersSent) response.destroy();
      else end(response, 500, 'this cannot be answered');
    });
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

const end = (response: ServerResponse, status: number, text: string): void =>
  void response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' }).end(`${text}\n`);

const REFUSALS: ReadonlyMap<number, string> = new Map([
  [403, 'this file may not be read'],
  [404, 'there is no such page'],
]);

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { folder, host, model }: { folder: string; host: string; model?: string },
): Promise<void> {
  // On loopback, a name that someone else's DNS points here is not ours (DNS rebinding).
  const asked = (request.headers.host ?? '').replace(/:\d+$/, '');
  if (LOOPBACK.has(host) && !LOOPBACK.has(asked)) return end(response, 421, `this server answers to ${host} only`);
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD');
    return end(response, 405, 'only GET and HEAD');
  }
  const path = (request.url ?? '').replace(/\?.*$/s, '');
  if (model !== undefined && path === modelPath(model)) {
    const refused = await sendFile(request, response, model, { type: 'application/octet-stream', packed: false });
    if (refused?.status === 404) end(response, 404, 'the model is there no more');
    else if (refused) end(response, refused.status, 'the model cannot be read');
    return;
  }
  // One plain name and never a path: nothing beside the folder can be asked for. What begins with a dot is not served.
  const name = path === '/' ? 'index.html' : /^\/([\w-][\w.-]*)$/.exec(path)?.[1];
  if (name === undefined) return end(response, 404, REFUSALS.get(404)!);
  const file = extname(name) === '' ? `${name}.html` : name;
  const type = TYPES[extname(file)] ?? 'application/octet-stream';
  // Another build gives a chunk another name.
  if (CHUNK.test(file)) response.setHeader('Cache-Control', 'max-age=31536000, immutable');
  const refused = await sendFile(request, response, join(folder, file), { type, packed: true });
  if (!refused) return;
  response.setHeader('Cache-Control', ANEW);
  end(response, refused.status, REFUSALS.get(refused.status) ?? 'this file cannot be read');
}
