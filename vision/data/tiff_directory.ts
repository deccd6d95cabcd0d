import { UserError } from '../../engine/user_error.ts';

/** Values of one tag that are read: as many as the largest colour map has. */
const MAX_VALUES = 3 * 2 ** 16;

/** Bytes of a value by its type: BYTE, SHORT, LONG (TIFF 6.0, section 2). Other types say nothing that is needed. */
const TYPE_BYTES: ReadonlyMap<number, number> = new Map([
  [1, 1],
  [3, 2],
  [4, 4],
]);

/** The first directory of a TIFF file. */
export class TiffDirectory {
  readonly file: string;
  readonly little: boolean;
  readonly #view: DataView;
  readonly #entries = new Map<number, number>();

  /**
   * @param file what errors call it
   * @throws UserError where the directory goes beyond the end of the file
   */
  constructor(bytes: Uint8Array, file: string) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.file = file;
    this.#view = view;
    this.little = bytes[0] === 0x49; // II; MM otherwise
    if (bytes.length < 8) throw this.#cutOff();
    const at = view.getUint32(4, this.little);
    if (at + 2 > bytes.length) throw this.#cutOff();
    const count = view.getUint16(at, this.little);
    if (at + 2 + 12 * count > bytes.length) throw this.#cutOff();
    for (let n = 0; n < count; n++) {
      const entry = at + 2 + 12 * n;
      const tag = view.getUint16(entry, this.little);
      if (!this.#entries.has(tag)) this.#entries.set(tag, entry);
    }
  }

  /** The whole numbers of a tag; `otherwise` without it. */
  values(tag: number, otherwise: readonly number[] = []): readonly number[] {
    const entry = this.#entries.get(tag);
    if (entry === undefined) return otherwise;
    const type = this.#view.getUint16(entry + 2, this.little);
    const count = this.#view.getUint32(entry + 4, this.little);
    const size = TYPE_BYTES.get(type);
    if (!size || count > MAX_VALUES) throw this.damaged(`its tag ${tag} has ${count} values of type ${type}`);
    const at = count * size <= 4 ? entry + 8 : this.#view.getUint32(entry + 8, this.little);
    if (at + count * size > this.#view.byteLength) throw this.#cutOff();
    return Array.from({ length: count }, (_, i) => this.#number(at + i * size, size));
  }

  /** The one number of a tag. */
  value(tag: number, otherwise?: number): number {
    const [value] = this.values(tag, otherwise === undefined ? [] : [otherwise]);
    if (value === undefined) throw this.damaged(`its tag ${tag} is missing`);
    return value;
  }

  damaged(why: string): UserError {
    return new UserError(`${this.file} is damaged: ${why}; get the file anew, or leave it out`);
  }

  #number(at: number, size: number): number {
    if (size === 1) return this.#view.getUint8(at);
    return size === 2 ? this.#view.getUint16(at, this.little) : this.#view.getUint32(at, this.little);
  }

  #cutOff(): UserError {
    return new UserError(`${this.file} is cut off: its TIFF directory goes beyond its end`);
  }
}
