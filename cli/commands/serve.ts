import type { Command } from 'commander';
import { allOptions, wholeNumberWithin } from '../options.ts';

interface ServeFlags {
  readonly host: string;
  readonly port: number;
}

/** `tuningfork serve`: the pages for the browser, from this machine. */
export function register(program: Command): void {
  program
    .command('serve')
    .description('serve the pages: see a network learn, show a model images, measure kernels in a browser')
    .option('--port <n>', 'where to listen; 0 for any that is free', wholeNumberWithin(0, 65_535), 8080)
    .option('--host <address>', 'which address to listen on; others than loopback let other machines in', '127.0.0.1')
    .addHelpText('after', `
Computing happens in the browser: this only hands out files, and what you open in a page stays there.
Browsers give WebGPU to pages from localhost or https only: on another machine, put an https server in front of dist/web.

Examples:
  tuningfork serve
  tuningfork serve --port 0 --json`)
    .action(async (_flags: ServeFlags, command: Command) => {
      const { host, port, json } = allOptions<ServeFlags>(command);
      const { SITE, serveFolder } = await import('../serve.node.ts');
      const { url } = await serveFolder(SITE, host, port);
      console.log(json ? JSON.stringify({ url }) : `${url}  (Ctrl-C ends it)`);
    });
}
