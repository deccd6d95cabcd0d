import type { ColumnMetaData, CompressionCodec, Compressors, PageHeader, SchemaTree } from 'hyparquet';

/*
 * What hyparquet believes of a page, and must not: it repeats a value as often as a run says, thousands of millions of
 * times in a file of a kilobyte.
 */

/** A page as it lies in the file, and what its column is. */
export interface Page {
  readonly bytes: Uint8Array;
  readonly header: PageHeader;
  readonly about: ColumnMetaData;
  readonly schemaPath: SchemaTree[];
  readonly compressors: Compressors;
}

/** Whether the runs of a page's levels, and of its places in the dictionary, have no more values than the page. */
export async function areRunsSound({ bytes, header, about, schemaPath, compressors }: Page): Promise<boolean> {
  const [first, second] = [header.data_page_header, header.data_page_header_v2];
  const { num_values: count = 0, encoding } = first ?? second ?? {};
  const { getMaxDefinitionLevel, getMaxRepetitionLevel } = await import('hyparquet/src/schema.js');
  const { decompressPage } = await import('hyparquet/src/datapage.js');
  const widths = [getMaxRepetitionLevel(schemaPath), getMaxDefinitionLevel(schemaPath)].map(bitsOf);
  const hasPlaces = encoding === 'PLAIN_DICTIONARY' || encoding === 'RLE_DICTIONARY' || encoding === 'RLE';
  const unpacked = (part: Uint8Array, size: number, codec: CompressionCodec = about.codec) =>
    decompressPage(part, size, codec, compressors);
  /** Values that are absent have no place, so there may be fewer than `count`. Booleans begin with their length. */
  const placesFrom = (page: Uint8Array, at: number): boolean => {
    if (!hasPlaces || at >= page.length) return true;
    const [start, width] = encoding === 'RLE' ? [at + 4, 1] : [at + 1, page[at]];
    return runsOf(page, [start, page.length], width, count) !== null;
  };
  /** There is a level of each value, and what reads them goes on behind their end where some are missing. */
  const areLevels = (page: Uint8Array, from: number, end: number, width: number): boolean =>
    (runsOf(page, [from, end], width, count) ?? -1) >= count;

  if (second) {
    const lengths = [second.repetition_levels_byte_length, second.definition_levels_byte_length];
    let at = 0;
    for (const [i, width] of widths.entries()) {
      if (width > 0 && !areLevels(bytes, at, at + lengths[i], width)) return false;
      at += lengths[i];
    }
    if (!hasPlaces || header.uncompressed_page_size === at) return true;
    const codec = second.is_compressed === false ? 'UNCOMPRESSED' : about.codec;
    return placesFrom(unpacked(bytes.subarray(at), header.uncompressed_page_size - at, codec), 0);
  }
  if (!first || (!hasPlaces && widths.every((width) => width === 0))) return true;
  const page = unpacked(bytes, header.uncompressed_page_size);
  const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
  let at = 0;
  for (const width of widths) {
    if (width === 0) continue;
    if (at + 4 > page.length) return false;
    const end = at + 4 + view.getUint32(at, true);
    if (!areLevels(page, at + 4, end, width)) return false;
    at = end;
  }
  return placesFrom(page, at);
}

const bitsOf = (most: number): number => 32 - Math.clz32(most);

/**
 * How many values the runs of the hybrid of RLE and bit packing hold (Parquet's Encodings.md, RLE = 3), as far as
 * `count`; null where one of them is longer than that.
 */
function runsOf(
  bytes: Uint8Array,
  [from, end]: readonly [number, number],
  width: number,
  count: number,
): number | null {
  if (!(end <= bytes.length) || width > 32) return null;
  let seen = 0;
  for (let at = from; seen < count && at < end; ) {
    let header = 0;
    for (let shift = 1; ; shift *= 128) {
      if (at >= end || shift > 2 ** 28) return null;
      header += (bytes[at] & 127) * shift;
      if (bytes[at++] < 128) break;
    }
    const isPacked = header % 2 === 1;
    const run = isPacked ? Math.floor(header / 2) * 8 : header / 2;
    // Packed values come by eights, and the last of them may mean nothing.
    if (run === 0 || run > count - seen + (isPacked ? 7 : 0)) return null;
    at += isPacked ? (run / 8) * width : Math.ceil(width / 8);
    seen += run;
  }
  return seen;
}
