import type { FileMetaData, SchemaTree } from 'hyparquet';
import { UserError } from '../../engine/user_error.ts';

/** Which columns of a parquet file are read. */
export interface ParquetColumns {
  readonly image: string;
  /** Whether the image is a struct of `bytes` and `path`, as the Hugging Face hub stores it, or plain bytes. */
  readonly isStruct: boolean;
  /** null: the images have no labels. */
  readonly label: string | null;
  readonly targets: readonly string[];
  /** The names of whole-number labels, where the file has them. */
  readonly classNames: readonly string[] | null;
}

/** Columns that a user names; what is left out is found. */
export interface ParquetChoice {
  readonly image?: string;
  readonly label?: string;
  readonly targets?: readonly string[];
  /** Nothing that is said of the images is looked for, read or checked. */
  readonly unlabelled?: boolean;
}

interface Feature {
  readonly _type?: string;
  readonly names?: readonly string[];
}

const LABEL_NAMES = ['label', 'labels', 'class', 'cls', 'target'];

/**
 * Finds the columns of images and of labels: those that the file's `huggingface` metadata calls Image and ClassLabel,
 * else a struct with `bytes` or bytes that are no text, and a column with one of the usual names.
 * @param file what errors call it
 * @throws UserError where there is none or more than one, naming the columns
 */
export function parquetColumns(
  metadata: FileMetaData,
  schema: SchemaTree,
  choice: ParquetChoice,
  file: string,
): ParquetColumns {
  const features = featuresOf(metadata);
  const names = schema.children.map(({ element }) => element.name);
  const listed = names.map((name) => JSON.stringify(name)).join(', ');
  const only = (found: readonly string[], what: string): string | null => {
    if (found.length <= 1) return found[0] ?? null;
    throw new UserError(
      `${file} has ${found.length} columns of ${what}, ${found.join(', ')}: say which, by --${what === 'classes' ? 'label' : 'image'}-column`,
    );
  };
  for (const name of [choice.image, choice.label, ...(choice.targets ?? [])]) {
    if (name !== undefined && !names.includes(name)) {
      throw new UserError(`${file} has no column "${name}"; it has ${listed}`);
    }
  }
  const candidates = schema.children.filter(isImageColumn).map(({ element }) => element.name);
  const marked = candidates.filter((name) => features.get(name)?._type === 'Image');
  const image = choice.image ?? only(marked.length > 0 ? marked : candidates, 'images');
  if (image === null || !candidates.includes(image)) {
    throw new UserError(
      `${file} has no images in ${choice.image ? `"${image}"` : listed}: bytes, or a struct with bytes`,
    );
  }
  const classes = names.filter((name) => features.get(name)?._type === 'ClassLabel');
  const { targets = [], unlabelled = false } = choice;
  const found = () => only(classes, 'classes') ?? names.find((name) => LABEL_NAMES.includes(name)) ?? null;
  const label = choice.label ?? (unlabelled || targets.length > 0 ? null : found());
  if (label !== null) {
    const column = schema.children.find(({ element }) => element.name === label)!;
    if (column.children.length > 0 || column.element.repetition_type === 'REPEATED') {
      throw new UserError(`${file} has lists in its column "${label}", and a label is one number or text`);
    }
  }
  const isStruct = schema.children.find(({ element }) => element.name === image)!.children.length > 0;
  return { image, isStruct, label, targets, classNames: (label && features.get(label)?.names) || null };
}

function isImageColumn({ element, children }: SchemaTree): boolean {
  if (element.repetition_type === 'REPEATED') return false;
  if (children.length > 0) {
    return children.some((child) => child.element.name === 'bytes' && isBytes(child));
  }
  return isBytes({ element, children } as SchemaTree);
}

const isBytes = ({ element }: SchemaTree): boolean =>
  element.type === 'BYTE_ARRAY' &&
  element.repetition_type !== 'REPEATED' &&
  !element.converted_type &&
  !element.logical_type;

/** The features of a dataset of the Hugging Face hub, by column; empty without them. */
function featuresOf(metadata: FileMetaData): ReadonlyMap<string, Feature> {
  const text = metadata.key_value_metadata?.find(({ key }) => key === 'huggingface')?.value;
  try {
    const features: unknown = JSON.parse(text ?? '{}')?.info?.features ?? {};
    return new Map(
      Object.entries(features as Record<string, Feature>).filter(([, f]) => f !== null && typeof f === 'object'),
    );
  } catch {
    return new Map(); // what describes the columns is not needed to read them
  }
}
