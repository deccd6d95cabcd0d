import * as v from 'valibot';
import { checkedJson, count, fields, finite, flag, listOf, wholeFrom } from '../checked_json.ts';
import type { TrainState } from './checkpoint.node.ts';

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
