import { UserError } from '../../engine/user_error.ts';
import type { JsonObject, Model } from '../../models/formats/model_file.ts';
import type { Dataset, Example } from '../data/dataset.ts';
import type { Schema } from '../votes/schema.ts';
import type { SplitOptions, Task, TaskOptions } from './task.ts';

/** The choices that tasks leave, as flags say them. */
export interface TaskFlags {
  readonly head?: string;
  readonly learn?: string;
  readonly threshold?: number;
  readonly softLabels?: boolean;
  readonly labelSmoothing?: number;
  readonly targetColumns?: readonly string[];
  readonly schema?: Schema;
}

/**
 * What a training of a task is like where nothing is said: pictures, augmentation, and the network that is trained
 * from scratch.
 */
export interface Preset {
  readonly model: string;
  readonly width?: number;
  readonly epochs: number;
  /** Absent: 1e-3. */
  readonly learningRate?: number;
  /** Absent: 4. */
  readonly views?: number;
  /** Side of the network's input and of the central square that it shows, with weights and without. */
  readonly size: readonly [pretrained: number, scratch: number];
  readonly crop: readonly [pretrained: number, scratch: number];
  /** Side to which the shorter one of an image is scaled first, as a multiple of the crop; absent: not at all. */
  readonly shortSide?: number;
  readonly tta: number;
  /** Degrees. */
  readonly rotation: number;
  readonly zoom: number;
  readonly shift: readonly [pretrained: number, scratch: number];
  readonly jitter: number;
  readonly hue: number;
  /** How much of a trained network is fine-tuned; absent: 3, of an ONNX file 0.75. */
  readonly unfreeze?: number | string;
  /** What is otherwise where a trained network is fine-tuned; absent: 5 epochs at a rate of 1e-4. */
  readonly fineTuning?: Partial<Preset>;
}

/** What a model file says of itself that its task is read from. */
export type StoredTask = Pick<Model, 'task' | 'classes' | 'config'>;

/**
 * A kind of task, one object: how it is chosen, what the data must say, and the task that comes of it. How its answers
 * are judged and reported is beside it, in a `judge.node.ts`.
 */
export interface TaskKind<O extends TaskOptions = TaskOptions, E extends Example = Example> {
  readonly name: O['name'];
  /** Which data it learns from: images with labels of any kind, or a layout of the application's own. */
  readonly data: string;
  /** Whether it learns numbers of the data (`Labelled.values`), whose columns are its outputs. */
  readonly learnsValues?: boolean;
  /** The flags that it takes; others of TaskFlags are refused. */
  readonly flags: readonly (keyof TaskFlags)[];
  readonly preset: Preset;
  readonly words: {
    /** The images that it can judge: `labelled images`; and what one of those has: `a label`. */
    readonly known: string;
    readonly label: string;
    /** A model of it, before data that have nothing for it, as the middle of a sentence. */
    mismatch(data: string): string;
    /** What a model of it does, where --threshold is given in vain. */
    readonly answers: string;
  };
  choices(flags: TaskFlags): O;
  /**
   * What the data add to the choices, and what the outputs stand for. Throws where they say nothing to learn.
   * @param sides how a training divides them; absent: not at all
   */
  fit(
    choices: O,
    dataset: Dataset<E>,
    sides?: SplitOptions,
  ): { readonly options: O; readonly outputs: readonly string[] };
  /**
   * The choices of a run that goes on: what the data decided when it began stays as it was. Absent where they decide
   * nothing.
   * @param fitted what `fit` makes of the choices now, where the images are open
   */
  resume?(choices: O, begun: JsonObject, fitted?: O): O;
  /** The choices that a model file holds. @param source what errors call it */
  stored(file: StoredTask, source: string): O;
  make(options: O, outputs: readonly string[]): Task<E>;
  /** Whether enough is known of an image to learn from it or judge on it. */
  isKnown(example: E): boolean;
  /** Throws where a model of it, called `path`, cannot judge these images. */
  requireKnown(
    options: O,
    dataset: Dataset<E>,
    model: { readonly outputs: readonly string[]; readonly path: string },
  ): void;
}

const flagName = (name: string): string => `--${name.replace(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`)}`;

/** Throws for a flag that is for another task. */
export function refuseOtherFlags(kind: TaskKind, flags: TaskFlags, kinds: readonly TaskKind[]): void {
  const all = [...new Set(kinds.flatMap((each) => each.flags))];
  const idle = all.find((flag) => flags[flag] !== undefined && !kind.flags.includes(flag));
  if (idle === undefined) return;
  const others = kinds.filter((each) => each.flags.includes(idle)).map(({ name }) => name);
  throw new UserError(
    `${flagName(idle)} says nothing to --task ${kind.name}: it is for --task ${others.join(' and ')}`,
  );
}

/** The choices of the task in a model file's options. */
export const storedChoices = ({ config }: StoredTask): JsonObject => (config.task ?? {}) as JsonObject;
