import { UserError } from '../../engine/user_error.ts';
import type { Dataset } from '../data/dataset.ts';
import { sidesOf } from '../data/folds.ts';
import { classNames, namedSides, type Labelled } from '../data/labelled.ts';
import type { Split } from '../data/split.ts';
import type { SplitOptions, Task } from '../train/task.ts';
import { UPRIGHT_PRESET } from '../train/presets.ts';
import type { TaskKind } from '../train/task_kind.ts';
import { SOFTMAX, judgedBy } from './softmax_task.ts';

/** What a training for classes leaves open. */
export interface ClassOptions {
  readonly name: 'classes';
  /** Share of the target spread evenly over the classes. */
  readonly labelSmoothing: number;
}

/**
 * The side of each labelled image: the one that the data name, and where they name no validation side a hash of its id,
 * or a fold. Images of the side `test` take no part. A class that would have nothing to learn from keeps all its images
 * for training.
 */
export function splitLabelled({ name, examples }: Dataset<Labelled>, options: SplitOptions): Split {
  const named = options.fold ? null : namedSides(examples, ({ label }) => label !== null);
  if (named) return named;
  const strata = examples.map(({ label, side }) => (side === 'test' ? null : label));
  const { train, validation } = sidesOf({ name, examples }, strata, options);
  const learnt = new Set(train.map((i) => examples[i].label));
  const kept = validation.filter((i) => learnt.has(examples[i].label));
  return {
    train: [...train, ...validation.filter((i) => !learnt.has(examples[i].label))].sort((a, b) => a - b),
    validation: kept,
  };
}

/** One class of several for each image, by name: cross entropy of their softmax. */
export function classes(
  { labelSmoothing }: Pick<ClassOptions, 'labelSmoothing'>,
  names: readonly string[],
): Task<Labelled> {
  const place = new Map(names.map((name, k) => [name, k]));
  return {
    name: 'classes',
    outputs: names,
    ...SOFTMAX,
    split: splitLabelled,
    prepare(dataset, sides) {
      const { train, validation } = splitLabelled(dataset, sides);
      const classOf = (example: number): number => place.get(dataset.examples[example].label ?? '') ?? -1;
      const stranger = [...train, ...validation].find((i) => classOf(i) < 0);
      if (stranger !== undefined)
        throw new UserError(
          `${dataset.name}: image ${dataset.examples[stranger].id} is of the class ${dataset.examples[stranger].label}, which is not among ${names.length} classes of the model`,
        );
      const learnt = new Set(train.map(classOf));
      const absent = names.find((_, k) => !learnt.has(k));
      if (absent !== undefined)
        throw new UserError(
          `${dataset.name}: no image of the class ${absent} is on the training side; give more of them, or ${sides.fold ? 'fewer folds' : 'another --val-fraction'}`,
        );
      if (validation.length === 0)
        throw new UserError(
          `${dataset.name}: no labelled image is on the validation side; give more data, or another --val-fraction`,
        );
      const rest = labelSmoothing / names.length;
      return {
        dataset,
        train,
        validation,
        target(example) {
          const row = new Float32Array(names.length).fill(rest);
          row[classOf(example)] += 1 - labelSmoothing;
          return row;
        },
        ...judgedBy(classOf),
      };
    },
  };
}

export const CLASSES: TaskKind<ClassOptions, Labelled> = {
  name: 'classes',
  data: 'images',
  flags: ['labelSmoothing'],
  preset: UPRIGHT_PRESET,
  words: {
    known: 'labelled images',
    label: 'a label',
    mismatch: (data) =>
      `tells classes apart, and the images of ${data} have none; put them into folders by class, or give a --table with --label-column`,
    answers: 'learnt from labels',
  },
  choices: ({ labelSmoothing = 0 }) => ({ name: 'classes', labelSmoothing }),
  fit: (options, { name, examples }) => ({ options, outputs: classNames(name, examples) }),
  stored: () => ({ name: 'classes', labelSmoothing: 0 }),
  make: classes,
  isKnown: ({ label }) => label !== null,
  requireKnown(_, { name, examples }, { outputs, path }) {
    const stranger = examples.find(({ label }) => label !== null && !outputs.includes(label));
    if (stranger)
      throw new UserError(
        `${name}: image ${stranger.id} is of the class ${stranger.label}, and ${path} knows ${outputs.slice(0, 10).join(', ')}${outputs.length > 10 ? ', …' : ''}`,
      );
  },
};
