import * as v from 'valibot';
import { checkedJson, count, fields, finite, flag, listOf, wholeFrom } from '../checked_json.ts';
import type { Epoch } from '../report/data.ts';

/**
 * Where a training stands, between two steps. With the arrays beside it, all that is needed to go on as if never
 * interrupted.
 */
export interface TrainState {
  /** Index of the phase, epoch within it and step within that, all from 0: the next to be done. */
  phase: number;
  epoch: number;
  step: number;
  /** Adam's step count, which its bias correction depends on. */
  adamStep: number;
  /** Sums over the steps of this epoch so far. */
  sums: { loss: number; marks: number; seen: number; seconds: number };
  history: Epoch[];
  /** What the frozen front took; absent: there is none, or a version kept the run that did not tell. */
  frontSeconds?: number;
  /** The epoch whose weights are in the best file, counted from 1 over all phases, and its validation loss. */
  best: { epoch: number; loss: number } | null;
  /** Epochs of this phase since its best validation loss, and that loss. */
  stale: { epochs: number; loss: number | null };
  finished: boolean;
}

const figures = v.objectWithRest({ loss: finite }, finite, 'an object');

/** An epoch as checkpoints and metrics.json hold it. */
export const EPOCH = fields({
  epoch: wholeFrom(1),
  phase: wholeFrom(1),
  learningRate: finite,
  seconds: finite,
  train: figures,
  validation: v.nullable(figures),
});

const STATE = fields({
  phase: count,
  epoch: count,
  step: count,
  adamStep: count,
  sums: fields({ loss: finite, marks: finite, seen: count, seconds: finite }),
  history: listOf(EPOCH),
  frontSeconds: v.optional(finite),
  best: v.nullable(fields({ epoch: wholeFrom(1), loss: finite })),
  stale: fields({ epochs: count, loss: v.nullable(finite) }),
  finished: flag,
});

/** The state of a training from the metadata of its checkpoint. @throws UserError naming the field that is wrong */
export const parseState = (text: string, path: string): TrainState =>
  checkedJson(text, STATE, `${path}: the state in its metadata`, 'delete the file to begin anew');
