import { UserError } from '../../engine/user_error.ts';
import type { Dataset } from '../data/dataset.ts';
import type { RgbImage } from '../data/rgb_image.ts';
import { hashId } from '../data/split.ts';
import { contactSheet } from './pictures.ts';

const COLUMNS = 8;
const TILE = 96;

/** A contact sheet: its picture, and how many images it shows. */
export interface Sheet {
  readonly image: RgbImage;
  readonly count: number;
}

/**
 * The first `most` images of each class in the order of a hash of their ids: a sample that favours none, the same each
 * time. An image that cannot be decoded is told in `notes`, and the next takes its place.
 * @param classOf the class of an example by its index; null: none
 */
export async function contactSheets<Name extends string>(
  dataset: Dataset,
  classes: readonly Name[],
  classOf: (example: number) => string | null,
  most: number,
  notes: string[],
): Promise<Map<Name, Sheet>> {
  const order = dataset.examples
    .map(({ id }, index) => ({ index, hash: hashId(id) }))
    .sort((a, b) => a.hash - b.hash || a.index - b.index);
  const sheets = new Map<Name, Sheet>();
  for (const name of classes) {
    const images: RgbImage[] = [];
    for (const { index } of order) {
      if (images.length === most) break;
      if (classOf(index) !== name) continue;
      try {
        images.push(await dataset.load(index));
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        notes.push(`${error.message}.`);
      }
    }
    if (images.length > 0) sheets.set(name, { image: contactSheet(images, COLUMNS, TILE), count: images.length });
  }
  return sheets;
}
