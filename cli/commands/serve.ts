import { InvalidArgumentError, type Command } from 'commander';
import { allOptions, wholeNumberWithin } from '../options.ts';

interface ServeFlags {
  readonly host: string;
  readonly port: number;
  readonly allowEmbedding?: readonly string[];
}

/** `tuningfork serve`: the pages for the browser, from this machine. */
export function register(program: Command): void {
  program
    .command('serve')
    .argument('[model]', 'a run directory or a model.safetensors, which the page Look opens')
    .description('serve the pages: see a network learn, show a model images, measure kernels in a browser')
    .option('--port <n>', 'where to listen; 0 for any that is free', wholeNumberWithin(0, 65_535), 8080)
    .option('--host <address>', 'which address to listen on; others than loopback let other machines in', '127.0.0.1')
    .option(
      '--allow-embedding <origins>',
      'pages of these origins may show the pages within them; * for any',
      originsOf,
    )
    .addHelpText(
      'after',
      `
Computing happens in the browser: this only hands out files, and what you open in a page stays there.
Browsers give WebGPU to pages from localhost or https only: on another machine, put an https server in front of dist/web.

Examples:
  tuningfork serve
  tuningfork serve runs/b0
  tuningfork serve --port 0 --json
  tuningfork serve --allow-embedding https://course.example.org

A part of a page for another page: learn.html?embed, or a chapter's second figure with ?embed=2.`,
    )
    .action(async (model: string | undefined, _flags: ServeFlags, command: Command) => {
      const { host, port, json, allowEmbedding: ancestors } = allOptions<ServeFlags>(command);
      const { MODEL_PATH, SITE, serveFolder } = await import('../serve.node.ts');
      const file = model === undefined ? undefined : await readableModel(model);
      const { url } = await serveFolder(SITE, host, port, { model: file, ancestors });
      const look = file && new URL(`look.html?model=${MODEL_PATH.slice(1)}`, url).href;
      console.log(
        json
          ? JSON.stringify({ url, ...(look && { look }) })
          : `${url}  (Ctrl-C ends it)${look ? `\n${look}  shows ${file}` : ''}`,
      );
    });
}

/** Origins, as `https://course.example.org`, with commas between them; or `*`. */
function originsOf(text: string): string[] {
  const origins = text.split(',').map((word) => word.trim());
  for (const origin of origins) {
    const isOrigin = URL.canParse(origin) && /^https?:/.test(origin) && new URL(origin).origin === origin;
    if (origin !== '*' && !isOrigin)
      throw new InvalidArgumentError(`${origin} is no origin; write https://course.example.org, or * for any page`);
  }
  return origins;
}

/** The file of a model, once it has been read: what is no model is told here and not in a page. */
async function readableModel(path: string): Promise<string> {
  const [{ readFile }, { modelFile }, { parseSafetensors }, { fileError }] = await Promise.all([
    import('node:fs/promises'),
    import('../load_model.node.ts'),
    import('../../models/formats/safetensors.ts'),
    import('../../models/formats/file_error.node.ts'),
  ]);
  const file = modelFile(path);
  const bytes = await readFile(file).catch((error) => {
    throw fileError('read', file, error);
  });
  parseSafetensors(bytes, file);
  return file;
}
