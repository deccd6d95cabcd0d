import * as v from 'valibot';
import type { Model } from '../../models/formats/model_file.ts';
import { checkedObject, count, fields, finite, flag, listOf, wholeFrom, words } from '../checked_json.ts';
import { MOST_FOLDS } from '../data/folds.ts';
import { readJsonFile } from '../json_file.node.ts';

const phase = fields({ epochs: count });

/**
 * What is read of RUN/config.json, which holds the options of a training, and of the same in a model file. The other
 * options are only compared with those of a run that resumes, or shown.
 */
const OPTIONS = fields({
  task: v.optional(fields({ name: words, head: v.optional(words) })),
  data: v.optional(words),
  table: v.optional(
    fields({
      image: v.optional(words),
      label: v.optional(words),
      targets: v.optional(listOf(words)),
      split: v.optional(words),
      images: v.optional(words),
    }),
  ),
  weights: v.optional(v.nullable(words)),
  valFraction: v.optional(finite),
  testFraction: v.optional(finite),
  trainOnly: v.optional(v.nullable(words)),
  skipBad: v.optional(flag),
  limit: v.optional(wholeFrom(1)),
  tta: v.optional(wholeFrom(1)),
  keep: v.optional(words),
  patience: v.optional(v.nullable(wholeFrom(1))),
  head: v.optional(phase),
  tune: v.optional(phase),
  fold: v.optional(
    fields({
      index: wholeFrom(1, MOST_FOLDS),
      of: wholeFrom(2, MOST_FOLDS),
      seed: count,
      sides: v.optional(count),
    }),
  ),
});

export type StoredOptions = v.InferOutput<typeof OPTIONS>;

/** The options that a run was begun with. @throws UserError where the file is none of a run */
export const readOptions = (path: string): StoredOptions =>
  readJsonFile(path, OPTIONS, 'give another run, or another --out');

/** The options that a model file was trained with. @throws UserError where they are none, naming `path` */
export const optionsOf = ({ config }: Pick<Model, 'config'>, path: string): StoredOptions =>
  checkedObject(config, OPTIONS, `${path}: 'config' in its metadata`, 'take another copy of it');
