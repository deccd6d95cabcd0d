import { open } from 'node:fs/promises';
import type { ColumnSource, ParquetWriter, SchemaElement } from 'hyparquet-writer';
import { UserError } from '../engine/user_error.ts';
import { csvRecords } from './csv_records.node.ts';

/** A table whose first column is the id, as text; then come numbers, and perhaps a text. */
export interface RowTable {
  readonly numbers: readonly string[];
  readonly type: 'FLOAT' | 'DOUBLE';
  readonly last?: string;
}

type Write = (bytes: Uint8Array) => Promise<void>;

/** Bytes of numbers that a row group may have, which are in memory, and its most rows. */
const GROUP_BYTES = 2 ** 26;
const GROUP_ROWS = 2 ** 16;

export const isParquetPath = (path: string): boolean => /\.parquet$/i.test(path);

/** @throws UserError where two columns would have one name, which parquet files cannot have */
export function checkColumns({ numbers, last }: RowTable): void {
  const names = ['id', ...numbers, ...(last === undefined ? [] : [last])];
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined)
    throw new UserError(`a parquet file cannot have two columns named "${twice}"; write a csv file, which can`);
}

/** Writes rows as a parquet file, a row group at a time. */
export class ParquetRows {
  private ids: string[] = [];
  private lasts: string[] = [];
  private readonly numbers: readonly (Float32Array | Float64Array)[];
  private readonly groupRows: number;

  private constructor(
    private readonly table: RowTable,
    private readonly writer: ParquetWriter,
    private readonly flush: () => Promise<void>,
  ) {
    const { numbers, type } = table;
    const Numbers = type === 'FLOAT' ? Float32Array : Float64Array;
    const bytes = Math.max(1, numbers.length) * Numbers.BYTES_PER_ELEMENT;
    this.groupRows = Math.max(1, Math.min(GROUP_ROWS, Math.floor(GROUP_BYTES / bytes)));
    this.numbers = numbers.map(() => new Numbers(this.groupRows));
  }

  static async create(table: RowTable, write: Write): Promise<ParquetRows> {
    checkColumns(table);
    const { ByteWriter, ParquetWriter } = await import('hyparquet-writer');
    const { numbers, type, last } = table;
    const required = { repetition_type: 'REQUIRED' } as const;
    const text = (name: string): SchemaElement => ({
      ...{ name, type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' }, ...required },
    });
    const columns = [
      text('id'),
      ...numbers.map((name): SchemaElement => ({ name, type, ...required })),
      ...(last === undefined ? [] : [text(last)]),
    ];
    const bytes = new ByteWriter();
    // Statistics of every column of every group would be most of what is kept in memory.
    const writer = new ParquetWriter({
      writer: bytes,
      schema: [{ name: 'root', num_children: columns.length }, ...columns],
      statistics: false,
      createdBy: 'tuningfork',
    });
    return new ParquetRows(table, writer, async () => {
      await write(bytes.getBytes());
      bytes.index = 0;
    });
  }

  async add(id: string, numbers: ArrayLike<number>, last = ''): Promise<void> {
    const row = this.ids.length;
    this.ids.push(id);
    this.lasts.push(last);
    for (let k = 0; k < this.numbers.length; k++) this.numbers[k][row] = numbers[k];
    if (this.ids.length === this.groupRows) await this.writeGroup();
  }

  async finish(): Promise<void> {
    if (this.ids.length > 0) await this.writeGroup();
    await this.writer.finish();
    await this.flush();
  }

  private async writeGroup(): Promise<void> {
    const { numbers, type, last } = this.table;
    const rows = this.ids.length;
    // A share among thousands is often 0, a feature never the same twice.
    const how = { encoding: 'PLAIN', codec: type === 'FLOAT' ? 'UNCOMPRESSED' : 'SNAPPY', offsetIndex: false } as const;
    const columnData: ColumnSource[] = [
      { name: 'id', data: this.ids, offsetIndex: false },
      ...numbers.map((name, k) => ({ name, data: this.numbers[k].subarray(0, rows), ...how })),
      ...(last === undefined ? [] : [{ name: last, data: this.lasts, offsetIndex: false }]),
    ];
    await this.writer.write({ columnData, rowGroupSize: rows });
    this.ids = [];
    this.lasts = [];
    await this.flush();
  }
}

/** What the columns of csv files of rows are. */
export interface CsvColumns {
  readonly type: RowTable['type'];
  /** Whether the last one is text. */
  readonly endsWithText: boolean;
}

/** Writes csv files of one header as one parquet file. */
export async function csvToParquet(paths: readonly string[], columns: CsvColumns, write: Write): Promise<void> {
  const { type, endsWithText } = columns;
  const end = endsWithText ? -1 : undefined;
  let rows: ParquetRows | undefined;
  for (const path of paths) {
    let header: string[] | undefined;
    for await (const fields of csvRecords(path)) {
      if (header) await rows!.add(fields[0], fields.slice(1, end).map(Number), fields.at(-1));
      else {
        header = fields;
        rows ??= await ParquetRows.create(
          { numbers: header.slice(1, end), type, ...(endsWithText && { last: header.at(-1) }) },
          write,
        );
      }
    }
  }
  await rows?.finish();
}

/** How a csv file of rows becomes a parquet file: see `FinishOptions`. */
export const parquetOf =
  (columns: CsvColumns) =>
  async (from: string, to: string): Promise<void> => {
    const file = await open(to, 'wx');
    try {
      await csvToParquet([from], columns, (bytes) => file.writeFile(bytes));
      await file.sync();
    } finally {
      await file.close();
    }
  };
