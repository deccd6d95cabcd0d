import type { AsyncBuffer, ColumnMetaData, FileMetaData } from 'hyparquet';
import { UserError } from '../../engine/user_error.ts';
import type { FileWindow } from './file_window.node.ts';
import { areRunsSound } from './parquet_runs.ts';

/** Bytes that one column of one row group may take, unpacked: it is unpacked at once. */
export const MAX_GROUP_BYTES = 384 * 2 ** 20;

/** Bytes of the table of contents at the file's end. */
const MAX_FOOTER_BYTES = 2 ** 26;

/** hyparquet's view of a file. */
export const bufferOf = (file: FileWindow): AsyncBuffer => ({
  byteLength: file.size,
  slice: async (start, end = file.size) => {
    if (end - start > MAX_GROUP_BYTES) throw new UserError(`${file.path} has a part of ${end - start} bytes`);
    return (await file.read(start, end - start)).buffer;
  },
});

/** Reads a parquet file's table of contents. */
export async function readFooter(file: FileWindow): Promise<FileMetaData> {
  if (file.size < 12) throw new UserError(`${file.path} is no parquet file: it has ${file.size} bytes`);
  const end = await file.read(file.size - 8, 8);
  if (String.fromCharCode(...end.subarray(4)) !== 'PAR1') {
    throw new UserError(`${file.path} is no parquet file, or cut off: it does not end with PAR1`);
  }
  const length = new DataView(end.buffer).getUint32(0, true);
  if (length > Math.min(MAX_FOOTER_BYTES, file.size - 12)) {
    throw new UserError(`${file.path} is damaged: its table of contents has ${length} bytes`);
  }
  const { parquetMetadata } = await import('hyparquet');
  return parquetMetadata((await file.read(file.size - 8 - length, length + 8)).buffer);
}

/**
 * The values of a column in one row group, one for each row. What its pages claim is checked before they are unpacked.
 * @param first the number of the group's first row
 */
export async function readColumn(
  file: FileWindow,
  metadata: FileMetaData,
  { group, first, column }: { group: number; first: number; column: string },
): Promise<unknown[]> {
  const rows = Number(metadata.row_groups[group].num_rows);
  for (const { meta_data: about } of metadata.row_groups[group].columns) {
    if (about?.path_in_schema[0] === column) await checkPages(file, metadata, about, rows);
  }
  const { parquetReadObjects } = await import('hyparquet');
  const { compressors } = await import('hyparquet-compressors');
  const found = await parquetReadObjects({
    file: bufferOf(file),
    metadata,
    columns: [column],
    rowStart: first,
    rowEnd: first + rows,
    compressors,
    utf8: false,
  });
  if (found.length !== rows) throw new UserError(`${file.path} is damaged: ${found.length} rows of ${rows} are there`);
  return found.map((row) => row[column]);
}

async function checkPages(
  file: FileWindow,
  metadata: FileMetaData,
  about: ColumnMetaData,
  rows: number,
): Promise<void> {
  const name = about.path_in_schema.join('.');
  const bad = (why: string): UserError => new UserError(`${file.path} is damaged: its column ${name} ${why}`);
  const size = Number(about.total_compressed_size);
  const most = Math.max(size, Number(about.total_uncompressed_size));
  if (!(most <= MAX_GROUP_BYTES)) {
    throw new UserError(
      `${file.path} has ${most} bytes of ${name} in one row group, and ${MAX_GROUP_BYTES} are taken: write smaller groups`,
    );
  }
  const start = Number(about.dictionary_page_offset || about.data_page_offset);
  const { parquetHeader } = await import('hyparquet/src/column.js');
  const bytes = await file.read(start, size);
  const reader = { view: new DataView(bytes.buffer), offset: 0 };
  const { getSchemaPath } = await import('hyparquet/src/schema.js');
  const { compressors } = await import('hyparquet-compressors');
  const schemaPath = getSchemaPath(metadata.schema, about.path_in_schema);
  let [values, unpacked] = [0, 0];
  while (reader.offset < size - 1) {
    const header = parquetHeader(reader);
    const { compressed_page_size: packed, uncompressed_page_size: whole } = header;
    reader.offset += packed;
    unpacked += whole;
    if (!(packed >= 0 && whole >= 0) || reader.offset > size) throw bad('has a page that goes beyond its end');
    if (!(unpacked <= MAX_GROUP_BYTES)) throw bad(`unpacks to over ${MAX_GROUP_BYTES} bytes`);
    const count = (header.data_page_header ?? header.data_page_header_v2 ?? header.dictionary_page_header)?.num_values;
    if (count !== undefined && !(count >= 0 && count <= rows))
      throw bad(`has a page of ${count} values for ${rows} rows`);
    if (!header.dictionary_page_header) values += count ?? 0;
    const page = bytes.subarray(reader.offset - packed, reader.offset);
    if (!(await areRunsSound({ bytes: page, header, about, schemaPath, compressors })))
      throw bad('has a run that is longer than its page');
  }
  if (values !== rows) throw bad(`has ${values} values for ${rows} rows`);
}
