import { byId, make } from '../common/dom.ts';
import { explainStep, optimizerOf, type StepPart } from './explain_step.ts';
import type { Selection } from './explanation.ts';
import type { Followed, Track, Weight } from './follow.ts';
import { shortly } from './formula.ts';
import { CHAPTERS, excerpt } from './kernel_lines.ts';
import { trackOf } from './track.ts';
import type { View } from './view.ts';

type Ask = (weight: Weight) => Promise<{ readonly followed?: Followed; readonly track: Track }>;

/**
 * The third direction of the inspector: how the last step changed the selected weight, part by part, and the weight
 * over all steps.
 */
export class StepView {
  /** Whether it is wanted; it shows where a weight is selected. */
  on = false;
  private readonly place = byId('inspector-step');
  private asked = 0;

  constructor(private readonly ask: Ask) {}

  /** Takes the inspector's place, or gives it back; called after the inspector has shown a selection. */
  async show(view: View, selection: Selection): Promise<void> {
    const mine = ++this.asked;
    const { part } = selection;
    const isWeight = part !== 'y' && part !== 'dy' && part !== 'running';
    const button = byId<HTMLButtonElement>('turn-step');
    const back = byId<HTMLButtonElement>('turn-back');
    button.hidden = false;
    button.disabled = !isWeight;
    button.title = isWeight ? 'How the last step changed it' : 'Select a weight, bias, scale or shift to follow it';
    const shown = isWeight && this.on;
    button.setAttribute('aria-pressed', String(shown));
    // Backwards is the gradient of the image that is looked at.
    if (isWeight) {
      back.disabled = false;
      back.setAttribute('aria-pressed', String(!shown));
    }
    byId('inspector-behind').hidden = shown;
    this.place.hidden = !shown;
    if (!shown) return this.place.replaceChildren();
    const { followed, track } = await this.ask({ layer: selection.layer, role: part, at: selection.at });
    if (mine !== this.asked) return;
    // What was folded out stays so from step to step.
    const folds = () => [...this.place.querySelectorAll('details')];
    const open = folds().map((fold) => fold.open);
    this.place.replaceChildren(trackOf(track, view.step), ...(followed ? told(followed) : [untold(view)]));
    folds().forEach((fold, i) => (fold.open = open[i] ?? false));
  }
}

const untold = ({ step }: View): HTMLElement =>
  make(
    'p',
    { className: 'faint' },
    step === 0
      ? 'No step was made yet: the weight is as it was drawn at random.'
      : 'The step before this one is no longer kept, so nothing can be said of this step.',
  );

function told(followed: Followed): HTMLElement[] {
  const heading = make('h4', { id: 'step-title' }, `Step ${followed.step}: ${optimizerOf(followed)}`);
  const skipped = followed.changed
    ? []
    : [
        make(
          'p',
          { className: 'faint' },
          'The loss or a gradient of this step is not a finite number, so the step has changed nothing.',
        ),
      ];
  return [heading, ...skipped, ...(followed.changed ? explainStep(followed).map(partOf) : [])];
}

function partOf(part: StepPart): HTMLElement {
  const { title, formula, filled, summands } = part;
  return make(
    'section',
    { className: 'step-part' },
    ...(title ? [make('h5', {}, title)] : []),
    make('pre', { className: 'formula' }, formula),
    make('pre', { className: 'formula filled' }, filled),
    ...(summands.length > 0 ? [table(part)] : []),
    ...sum(part),
    lineOf(part),
  );
}

/** A row for each image. */
function table({ summands }: StepPart): HTMLElement {
  const rows = summands.map(({ factors: [{ name }], product }) =>
    make('tr', {}, make('td', { className: 'names' }, name), make('td', { className: 'number' }, shortly(product, 3))),
  );
  const head = make('tr', {}, make('th', {}, 'image'), make('th', { className: 'number' }, 'term'));
  return make(
    'div',
    { className: 'products', tabIndex: 0, role: 'region', 'aria-label': 'terms of the gradient' },
    make('table', {}, make('thead', {}, head), make('tbody', {}, ...rows)),
  );
}

/** What float64 and the GPU make of it, where the GPU keeps it. */
function sum({ computed, value }: StepPart): HTMLElement[] {
  if (value === undefined) return [];
  const rows = [
    ['In float64', String(computed), 'computed'],
    ['In the network, in f32', String(value), 'on-gpu'],
  ].flatMap(([name, number, kind]) => [make('span', {}, name), make('b', { className: `mono ${kind}` }, number)]);
  return [make('div', { className: 'sum' }, ...rows)];
}

/** The line of the kernel that does it, folded away. */
function lineOf({ line }: StepPart): HTMLElement {
  const { kernel, lines, at } = excerpt(line, 0);
  const chapter = CHAPTERS[line];
  return make(
    'details',
    { className: 'step-line' },
    make('summary', {}, 'The line that does it, in ', make('code', {}, `${kernel}.wgsl`)),
    make('pre', { className: 'kernel', tabIndex: 0 }, make('mark', {}, lines[at].trim())),
    ...(chapter ? [make('a', { href: chapter }, 'Read the chapter')] : []),
  );
}
