import type { DeviceNews } from '../common/device_keeper.ts';
import { byId, make } from '../common/dom.ts';
import { WITHOUT_GPU, computingOn } from '../common/message.ts';
import { shortly } from './formula.ts';
import { softmaxOf } from './layer_sums.ts';
import type { StepResult, View } from './view.ts';

const percent = (share: number) => `${Math.round(share * 100)} %`;

/** Where training stands, in words. */
export function standingText(step: number, results: readonly StepResult[], isOwn: boolean): string {
  const result = results[step - 1];
  if (!result) return 'Step 0: nothing is learnt yet';
  const heldOut = results.slice(0, step).findLast((r) => r.heldOut !== undefined)?.heldOut;
  const others = heldOut === undefined ? '' : `, ${percent(heldOut)} of the held-out ${isOwn ? 'images' : 'galaxies'}`;
  return `Step ${step}: loss ${result.loss.toFixed(4)}, ${percent(result.accuracy)} of the batch right${others}`;
}

/** What the network says of the image that is looked at. */
export function predictionText({ layers, label, classes, batch, isOwn }: View): string {
  const p = softmaxOf(layers[layers.length - 2].y);
  const said = p.indexOf(Math.max(...p));
  const shares = classes.map((name, i) => `${name} ${percent(p[i])}`).join(', ');
  const loss = shortly(layers[layers.length - 1].y.data[0]);
  return `${isOwn ? 'Its folder is' : 'People call it'} ${classes[label]}. The network: ${shares}${said === label ? '' : ' (wrong)'}; ${batch ? 'the loss of its batch' : 'its loss'} is ${loss}.`;
}

/** What the page notes of the run, in sentences; nothing where nothing is the matter. */
export function showNotes(notes: readonly string[]): void {
  const place = byId('notes');
  place.hidden = notes.length === 0;
  if (notes.join() !== place.dataset['notes']) place.replaceChildren(...notes.map((text) => make('p', {}, text)));
  place.dataset['notes'] = notes.join();
}

/**
 * What is said of the device; an error where it stays away.
 * @param lost whether it was lost before
 */
export function deviceText(news: DeviceNews, lost: boolean, step: number): string | Error | undefined {
  if (news.state === 'lost') return `The GPU was lost (${news.why}). Opening it again …`;
  if (news.state === 'failed')
    return new Error(`the GPU was lost and does not come back: ${news.why}; reload the page`);
  if (news.state !== 'ready') return undefined;
  return lost && news.adapter !== WITHOUT_GPU
    ? `The GPU was lost and is back. Nothing was forgotten: weights and moments were put back as they were after step ${step}, and the run goes on with the same numbers.`
    : computingOn(news.adapter, news.software);
}
