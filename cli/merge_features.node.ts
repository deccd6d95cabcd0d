import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { extname } from 'node:path';
import { parse } from 'csv-parse';
import { UserError } from '../engine/user_error.ts';
import { fileError } from '../models/formats/file_error.node.ts';
import { plainField } from '../vision/data/csv.ts';
import { featureForm, type FeatureKind } from './feature_form.ts';
import { skipped } from './good_images.ts';
import { PartFile } from './part_file.node.ts';
import { checkPart, readParts, type Part } from './parts.node.ts';
import { idsPath } from './row_state.node.ts';

/** Some rows of features. */
interface Features {
  readonly ids: readonly string[];
  readonly values: Float32Array;
}

/** Numbers read at a time. */
const AT_ONCE = 2 ** 18;

/**
 * Puts the parts of a folder together, in the order of the images, as what the ending of `out` says. Throws a UserError
 * where one is missing, not finished, of other features, or changed since it was written.
 */
export async function mergeFeatures(folder: string, out: string): Promise<void> {
  const kind = extname(out);
  if (kind !== '.npy' && kind !== '.csv') throw new UserError(`--out ${out}: it must end with .npy or .csv`);
  const { all, origin, rows, bad, kind: found } = readParts(folder, 'features');
  const width = Number(origin['width']);
  for (const { path, state } of all) {
    await checkPart(path, state.sha256);
    if (state.ids) await checkPart(idsPath(path), state.ids.sha256);
  }
  await using target = await FeatureFile.create(out, kind === '.npy' ? 'npy' : 'csv', [rows, width]);
  for (const part of all) {
    const read = found === 'npy' ? npyRows(part, width) : csvRows(part.path, width);
    for await (const some of read) await target.add(some);
  }
  await target.finish();
  console.log(`${rows} rows of ${all.length} parts${bad > 0 ? `, ${skipped(bad)}` : ''}: ${out}`);
}

/** Features that are all there, as one file, or two. */
class FeatureFile implements AsyncDisposable {
  private constructor(
    private readonly form: ReturnType<typeof featureForm>,
    private readonly file: PartFile,
    private readonly ids: PartFile | undefined,
  ) {}

  static async create(path: string, kind: FeatureKind, [rows, width]: readonly [number, number]): Promise<FeatureFile> {
    const form = featureForm(kind, width);
    const file = await PartFile.create(path);
    const made = new FeatureFile(form, file, kind === 'npy' ? await PartFile.create(idsPath(path)) : undefined);
    await file.write(form.header(rows));
    return made;
  }

  async add({ ids, values }: Features): Promise<void> {
    await this.file.write(this.form.rows(ids, values));
    await this.ids?.write(this.form.ids(ids));
  }

  async finish(): Promise<void> {
    await this.ids?.finish();
    await this.file.finish();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.ids?.[Symbol.asyncDispose]();
    await this.file[Symbol.asyncDispose]();
  }
}

async function* npyRows({ path, state }: Part, width: number): AsyncGenerator<Features> {
  const most = Math.max(1, Math.floor(AT_ONCE / width));
  const names = linesOf(idsPath(path));
  const file = await open(path);
  try {
    for (let row = 0; row < state.rows; row += most) {
      const count = Math.min(most, state.rows - row);
      const values = new Float32Array(count * width);
      const bytes = new Uint8Array(values.buffer);
      for (let done = 0; done < bytes.length; ) {
        const { bytesRead } = await file.read(bytes, done, bytes.length - done, state.header + row * width * 4 + done);
        if (bytesRead === 0) throw new UserError(`${path} became shorter while it was read`);
        done += bytesRead;
      }
      const ids: string[] = [];
      while (ids.length < count) ids.push(String((await names.next()).value));
      yield { ids, values };
    }
  } catch (error) {
    throw fileError('read', path, error);
  } finally {
    await names.return(undefined);
    await file.close();
  }
}

/** Lines that end with \n and nothing else: names of files may hold what others take for an end. */
async function* linesOf(path: string): AsyncGenerator<string> {
  let rest = '';
  for await (const piece of createReadStream(path, 'utf8') as AsyncIterable<string>) {
    const lines = (rest + piece).split('\n');
    rest = lines.pop()!;
    yield* lines;
  }
}

async function* csvRows(path: string, width: number): AsyncGenerator<Features> {
  const most = Math.max(1, Math.floor(AT_ONCE / width));
  const source = createReadStream(path);
  const parser = source.pipe(parse({ from: 2 }));
  source.on('error', (error) => parser.destroy(error));
  let rows: string[][] = [];
  const taken = (): Features => {
    const values = new Float32Array(rows.length * width);
    rows.forEach((fields, i) => values.set(fields.slice(1).map(Number), i * width));
    const ids = rows.map(([id]) => plainField(id));
    rows = [];
    return { ids, values };
  };
  for await (const fields of parser as AsyncIterable<string[]>) {
    rows.push(fields);
    if (rows.length === most) yield taken();
  }
  if (rows.length > 0) yield taken();
}
