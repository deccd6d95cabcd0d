import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { UserError } from '../engine/user_error.ts';
import { fileError } from '../models/formats/file_error.node.ts';
import { csvRecords } from './csv_records.node.ts';
import { featureForm, featureKind, featureNames, type FeatureKind } from './feature_form.ts';
import { skipped } from './good_images.ts';
import { PartFile } from './part_file.node.ts';
import { ParquetRows } from './parquet_rows.node.ts';
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
  const kind = featureKind(out);
  const { all, origin, rows, bad, kind: found } = readParts(folder, 'features');
  const width = Number(origin['width']);
  for (const { path, state } of all) {
    await checkPart(path, state.sha256);
    if (state.ids) await checkPart(idsPath(path), state.ids.sha256);
  }
  await using target =
    kind === 'parquet' ? await ParquetFile.create(out, width) : await FeatureFile.create(out, kind, [rows, width]);
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

/** The same as a parquet file. */
class ParquetFile implements AsyncDisposable {
  private constructor(
    private readonly width: number,
    private readonly file: PartFile,
    private readonly rows: ParquetRows,
  ) {}

  static async create(path: string, width: number): Promise<ParquetFile> {
    const file = await PartFile.create(path);
    const table = { numbers: featureNames(width), type: 'FLOAT' } as const;
    return new ParquetFile(width, file, await ParquetRows.create(table, (bytes) => file.write(bytes)));
  }

  async add({ ids, values }: Features): Promise<void> {
    const { width } = this;
    for (const [i, id] of ids.entries()) await this.rows.add(id, values.subarray(i * width, (i + 1) * width));
  }

  async finish(): Promise<void> {
    await this.rows.finish();
    await this.file.finish();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.file[Symbol.asyncDispose]();
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
  let rows: string[][] = [];
  const taken = (): Features => {
    const values = new Float32Array(rows.length * width);
    rows.forEach((fields, i) => values.set(fields.slice(1).map(Number), i * width));
    const ids = rows.map(([id]) => id);
    rows = [];
    return { ids, values };
  };
  let isHeader = true;
  for await (const fields of csvRecords(path)) {
    if (!isHeader) rows.push(fields);
    isHeader = false;
    if (rows.length === most) yield taken();
  }
  if (rows.length > 0) yield taken();
}
