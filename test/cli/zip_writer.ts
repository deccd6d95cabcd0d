import { crc32, deflateRawSync } from 'node:zlib';

export interface ZipEntry {
  readonly name: string;
  readonly data: Uint8Array;
  /** What the archive says instead of the truth. */
  readonly claims?: { readonly size?: number; readonly crc?: number };
}

/** A zip archive (PKWARE's APPNOTE, 4.3) of deflated entries as they are given, with names that no tool writes too. */
export function zipOf(entries: readonly ZipEntry[]): Buffer {
  const [locals, directory]: [Buffer[], Buffer[]] = [[], []];
  let offset = 0;
  for (const { name, data, claims } of entries) {
    const packed = deflateRawSync(data);
    const bytes = Buffer.from(name);
    // Version 2.0, UTF-8, deflated, no time; then CRC, sizes, length of the name, no extra field.
    const common = Buffer.alloc(26);
    [20, 0x0800, 8, 0, 0x21].forEach((value, i) => common.writeUInt16LE(value, i * 2));
    common.writeUInt32LE(claims?.crc ?? crc32(data), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(claims?.size ?? data.length, 18);
    common.writeUInt16LE(bytes.length, 22);
    locals.push(Buffer.from('PK\x03\x04'), common, bytes, packed);
    const rest = Buffer.alloc(14); // comment, disk, attributes, and where the entry begins
    rest.writeUInt32LE(offset, 10);
    directory.push(Buffer.from('PK\x01\x02\x14\x00'), common, rest, bytes);
    offset += 30 + bytes.length + packed.length;
  }
  const listed = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06');
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(listed.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, listed, end]);
}
