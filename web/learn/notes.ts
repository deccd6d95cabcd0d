import { shortly } from './formula.ts';
import type { StepResult } from './view.ts';

/** A mean over so many batches stands for the training loss: single ones scatter. */
const RECENT = 8;
/** The last judgements of the held-out images that must be worse than the best one. */
const RISING = 2;
/** How much worse: held-out losses wander by less than this while a network learns. */
const WORSE = 1.1;
/** How much smaller the training loss is than the held-out one where a network learns by heart. */
const MUCH_BETTER = 0.5;
/** Of so many batches, the mean must be … */
const LATEST = 4;
/** … so many times the loss of one who knows nothing, and of the best batch before. */
const LOST = 3;

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
const percent = (share: number): string => `${Math.round(100 * share)} %`;

/** Where a network overfits, in numbers. */
export interface Overfitting {
  /** Means over the last batches, and over the last judgements of the held-out images. */
  readonly training: { readonly loss: number; readonly accuracy: number };
  readonly heldOut: { readonly loss: number; readonly accuracy: number };
  /** The least held-out loss, and the step after which it was. */
  readonly best: { readonly loss: number; readonly step: number };
}

/**
 * A network overfits where the training loss is at most half the held-out loss, and the held-out loss has risen: its
 * last two values are at least a tenth above its least one before.
 * @param results of all steps up to the present one
 */
export function overfitting(results: readonly StepResult[]): Overfitting | undefined {
  const judged = results.filter(({ heldOutLoss }) => heldOutLoss !== undefined);
  const [before, latest] = [judged.slice(0, -RISING), judged.slice(-RISING)];
  if (before.length === 0) return undefined;
  const best = before.reduce((least, result) => (result.heldOutLoss! < least.heldOutLoss! ? result : least));
  const recent = results.slice(-RECENT);
  const training = { loss: mean(recent.map(({ loss }) => loss)), accuracy: mean(recent.map((r) => r.accuracy)) };
  const heldOut = {
    loss: mean(latest.map(({ heldOutLoss }) => heldOutLoss!)),
    accuracy: latest[latest.length - 1].heldOut!,
  };
  const rose = latest.every(({ heldOutLoss }) => heldOutLoss! >= WORSE * best.heldOutLoss!);
  if (!rose || !(training.loss <= MUCH_BETTER * heldOut.loss)) return undefined;
  return { training, heldOut, best: { loss: best.heldOutLoss!, step: best.step } };
}

/**
 * The mean loss of the last four batches where it diverges: where it is more than three times the loss of a network
 * that gives every class the same probability, log K, and more than three times the least loss of a batch before.
 */
export function diverging(results: readonly StepResult[], classes: number): number | undefined {
  const [before, latest] = [results.slice(0, -LATEST), results.slice(-LATEST)];
  if (before.length === 0) return undefined;
  const loss = mean(latest.map((result) => result.loss));
  const least = Math.min(...before.map((result) => result.loss));
  return loss > LOST * Math.log(classes) && loss > LOST * least ? loss : undefined;
}

/**
 * What there is to say of a run, in sentences; nothing where nothing is the matter.
 * @param results of all steps up to the present one
 * @param titleOf what a layer is called
 */
export function notesOn(results: readonly StepResult[], classes: number, titleOf: (layer: number) => string): string[] {
  const now = results[results.length - 1];
  if (!now) return [];
  const notes: string[] = [];
  const silent = now.silent.map(titleOf);
  const lost = diverging(results, classes);
  const over = overfitting(results);
  if (!now.changed) {
    const sound = results.findLast(({ changed }) => changed)?.step ?? 0;
    notes.push(
      `The loss or a gradient is no longer a finite number: this step changed nothing, and no later one will. Step ${sound} was the last that did. Rewind to a step well before it and lower the learning rate, or begin anew.`,
    );
  } else if (lost !== undefined)
    notes.push(
      `The loss diverges: its mean over the last ${LATEST} batches is ${shortly(lost, 3)}, while ${shortly(Math.log(classes), 3)} is what one gets by giving every class the same probability. The steps are too long: lower the learning rate.`,
    );
  if (silent.length > 0)
    notes.push(
      `Every output of ${silent.join(' and ')} is 0 on the whole batch. No gradient passes through zeros of a ReLU, so nothing before it learns any more.`,
    );
  if (over) {
    const { training, heldOut, best } = over;
    notes.push(
      `The network overfits: ${percent(training.accuracy)} of the training images are right with a loss of ${shortly(training.loss, 2)}, and ${percent(heldOut.accuracy)} of the held-out ones with ${shortly(heldOut.loss, 2)}. The held-out loss was least at step ${best.step}, ${shortly(best.loss, 2)}, and has risen since. More training images, turning them at random, dropout and weight decay work against it.`,
    );
  }
  return notes;
}
