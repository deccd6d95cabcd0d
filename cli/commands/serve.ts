import { InvalidArgumentError, type Command } from 'commander';
import { UserError } from '../../engine/user_error.ts';
import { allOptions, wholeNumberWithin } from '../options.ts';

interface ServeFlags {
  readonly host: string;
  readonly port: number;
  readonly allowEmbedding?: readonly string[];
}

/** `tuningfork serve`. */
export function register(program: Command): void {
  program
    .command('serve')
    .argument('[model]', 'a run directory, a model.safetensors or an ONNX file for the page Look to open')
    .description('serve the pages: watch a network learn, show images to a model, measure kernels in a browser')
    .option('--port <n>', 'the port to listen on; 0 takes any free one', wholeNumberWithin(0, 65_535), 8080)
    .option('--host <address>', 'the address to listen on; any but loopback lets other machines in', '127.0.0.1')
    .option(
      '--allow-embedding <origins>',
      'let pages of these origins, separated by commas, embed the pages; * lets any',
      originsOf,
    )
    .addHelpText(
      'after',
      `
The browser does all computing; files that you open in a page stay in the browser. Browsers allow WebGPU only on
localhost and https: to reach the pages from another machine, serve dist/web by an https server.

Examples:
  tuningfork serve
  tuningfork serve runs/b0
  tuningfork serve net.onnx
  tuningfork serve --port 0 --json
  tuningfork serve --allow-embedding https://course.example.org

To embed a part of a page: learn.html?embed, or ?embed=2 for the second figure of a chapter.`,
    )
    .action(async (model: string | undefined, _flags: ServeFlags, command: Command) => {
      const { host, port, json, allowEmbedding: ancestors } = allOptions<ServeFlags>(command);
      const { SITE, modelPath, serveFolder } = await import('../serve.node.ts');
      const file = model === undefined ? undefined : await readableModel(model);
      const { url } = await serveFolder(SITE, host, port, { model: file, ancestors });
      const look = file && new URL(`look.html?model=${modelPath(file).slice(1)}`, url).href;
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
  const [{ readFile }, { isOnnxFile, readOnnxFile }, load, { parseSafetensors }, { fileError }] = await Promise.all([
    import('node:fs/promises'),
    import('../../models/onnx/onnx_file.node.ts'),
    import('../load_model.node.ts'),
    import('../../models/formats/safetensors.ts'),
    import('../../models/formats/file_error.node.ts'),
  ]);
  const file = load.modelFile(path);
  const bytes = await readFile(file).catch((error) => {
    throw fileError('read', file, error);
  });
  if (!isOnnxFile(file)) parseSafetensors(bytes, file);
  else if (readOnnxFile(file).bytes.length !== bytes.length)
    throw new UserError(`${file} keeps weights in other files, and a page opens one; export it with its weights in it`);
  else load.requireTask(await load.readStored(file), file);
  return file;
}
