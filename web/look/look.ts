import { UserError } from '../../engine/user_error.ts';
import { namedNumbers, type PredictionRecord } from '../../vision/answer/prediction_record.ts';
import { byId, make } from '../common/dom.ts';
import { computingOn, showMessage } from '../common/message.ts';
import { WorkerClient } from '../common/worker_client.ts';
import type { DeviceNews } from '../common/device_keeper.ts';
import { showAnswer } from './answers.ts';
import { InspectPanel } from './inspect_panel.ts';
import { latest } from './latest.ts';
import type { ModelFacts } from './look_core.ts';
import type { LookMethods } from './look_worker.ts';
import { MapPanel } from './map_panel.ts';
import { Strip } from './strip.ts';
import { truthFor, type Known, type Truth } from './truth.ts';
import { TrainingPanel } from './training_panel.ts';

/** Galaxies that are drawn at a time. */
const DRAWN = 8;
/** The views that predictions are averaged over, by their number: of images without an up, and of those with one. */
const TURNED = { 1: 'the picture as it is', 4: '4 quarter turns', 8: '8 symmetries of the square' };
const UPRIGHT = { 1: 'the picture as it is', 2: 'it and its mirror image' };

const message = byId('message');
const tta = byId<HTMLSelectElement>('tta');
const modelFile = byId<HTMLInputElement>('model-file');
const imageFiles = byId<HTMLInputElement>('image-files');
const imageFolder = byId<HTMLInputElement>('image-folder');
const drawMore = byId<HTMLButtonElement>('draw');

const worker = new WorkerClient<LookMethods>(new URL('./look_worker.js', import.meta.url));
const strip = new Strip(() => void lookAt());
const maps = new MapPanel(worker);
const inspect = new InspectPanel(worker);
const training = new TrainingPanel(worker, useModel, (error) => say(error));
let model: ModelFacts | undefined;
const names = new Map<number, string>();
const known = new Map<number, Known>();
const records = new Map<number, PredictionRecord>();

worker.on<DeviceNews>('device', (news) => {
  if (news.state === 'ready') showMessage(byId('device'), computingOn(news.adapter, news.software));
  else if (news.state === 'lost') showMessage(byId('device'), `The GPU was lost (${news.why}); opening it again …`);
  else if (news.state === 'absent') showMessage(byId('device'), new Error(news.why));
  else
    showMessage(
      byId('device'),
      new Error(`the GPU was lost and could not be opened again: ${news.why}. Reload the page`),
    );
});

/** The page's message. An error must be seen, wherever on the page it comes from. */
function say(what: unknown): void {
  showMessage(message, what);
  if (what instanceof Error) message.scrollIntoView({ block: 'nearest' });
}

/** Takes a model from now on: what was said by another is forgotten. */
async function useModel(next: ModelFacts): Promise<void> {
  model = next;
  const what =
    next.task === 'challenge' || next.task === 'votes'
      ? `predicts the shares of votes that ${next.classes.length} answers get`
      : next.task === 'targets'
        ? `predicts ${next.classes.join(', ')}`
        : `tells ${next.classes.length > 10 ? `${next.classes.length} classes apart` : next.classes.join(' from ')}`;
  showMessage(
    byId('model'),
    `${next.name}, ${next.file}: ${what}. It is shown the central ${next.crop} pixels of an image${next.shortSide === undefined ? '' : ` whose shorter side is scaled to ${next.shortSide}`} at ${next.size} × ${next.size}.`,
  );
  offerViews(next);
  byId('answer-controls').hidden = false;
  byId('json-details').hidden = false;
  showSky(next.task === 'smooth-or-featured' || next.task === 'challenge');
  maps.setModel(next);
  inspect.setModel(next);
  forget();
  await lookAt();
}

/** Offers the views that a model has of an image: of what has an up, two. What was chosen stays where it is offered. */
function offerViews({ shortSide }: ModelFacts): void {
  const offered = shortSide === undefined ? TURNED : UPRIGHT;
  const chosen = tta.value in offered ? tta.value : '1';
  const options = Object.entries(offered).map(([value, text]) => make('option', { value }, text));
  tta.replaceChildren(...options);
  tta.value = chosen;
}

/** Shows or hides what is about galaxies: a model of other images says nothing sensible of drawn ones. */
function showSky(shown: boolean): void {
  for (const element of document.querySelectorAll<HTMLElement>('.sky')) element.hidden = !shown;
  strip.showDrawn(shown);
}

function forget(): void {
  for (const index of records.keys()) strip.caption(index, undefined);
  records.clear();
  tellJson();
}

/** Shows the selected image, and asks for all that is not known yet, it first. */
async function lookAt(): Promise<void> {
  const galaxy = strip.selected;
  if (galaxy === undefined) {
    if (model) showMessage(byId('answer'), 'Open images to see what it says of them.');
    byId('bars').replaceChildren();
    showMessage(byId('truth'), '');
    await maps.setGalaxy(undefined, '');
    return;
  }
  const record = records.get(galaxy);
  if (record) showAnswer(record, truthOf(galaxy));
  else if (model) {
    showMessage(byId('answer'), 'Working …');
    showMessage(byId('truth'), '');
  }
  predictAll();
  try {
    await maps.setGalaxy(galaxy, names.get(galaxy)!);
    if (record) tellMap(galaxy, record);
  } catch (error) {
    say(error);
  }
}

const predictAll = latest(async () => {
  for (let next = wanted(); next !== undefined; next = wanted()) {
    const [asked, views] = [model, Number(tta.value)];
    let record: PredictionRecord;
    try {
      record = await worker.call('predict', next, views);
    } catch (error) {
      showMessage(byId('answer'), error);
      byId('bars').replaceChildren();
      return;
    }
    // Something else may be asked for by now.
    if (asked !== model || views !== Number(tta.value)) continue;
    records.set(next, record);
    strip.caption(next, record, truthOf(next)?.class);
    if (next === strip.selected) {
      showAnswer(record, truthOf(next));
      tellMap(next, record);
    }
    tellJson();
  }
});

const truthOf = (image: number): Truth | undefined => model && truthFor(known.get(image)!, model);

const wanted = (): number | undefined => (model ? strip.inOrder.find((index) => !records.has(index)) : undefined);

function tellMap(galaxy: number, record: PredictionRecord): void {
  maps.answered(galaxy, 'predicted' in record ? record.predicted : Object.keys(namedNumbers(record))[0]);
}

function tellJson(): void {
  byId('json').textContent = [...records]
    .sort(([a], [b]) => a - b)
    .map(([, record]) => JSON.stringify(record))
    .join('\n');
}

async function openModel(file: File): Promise<void> {
  say(`Reading ${file.name} …`);
  try {
    const next = await worker.call('loadModel', file);
    say('');
    await useModel(next);
  } catch (error) {
    say(error);
  }
}

/**
 * The model that the page's address names on its own server: `look.html?model=model.safetensors`, as `tuningfork serve
 * RUN` has it.
 */
async function openNamed(path: string): Promise<void> {
  const url = new URL(path, location.href);
  if (url.origin !== location.origin)
    throw new UserError(`${url.href} is not on this page's server; save the file and open it here`);
  say(`Reading ${url.pathname} …`);
  const response = await fetch(url).catch(() => undefined);
  if (!response?.ok)
    throw new UserError(
      `${url.pathname} cannot be had from the server${response ? ` (it answers ${response.status})` : ''}; give \`tuningfork serve\` a run directory or open the file here`,
    );
  await openModel(new File([await response.blob()], url.pathname.split('/').at(-1)!));
}

/** Of a file in a folder that was opened whole: the folder that it lies in. */
const folderOf = ({ webkitRelativePath: path }: File): string | undefined => path.split('/').at(-2);

/** Adds images one after another; those that cannot be read are named, the others are there. */
async function openImages(files: readonly File[]): Promise<void> {
  const refused: string[] = [];
  let first: number | undefined;
  for (const [i, file] of files.entries()) {
    if (files.length > 1) say(`Reading ${file.name}, ${i + 1} of ${files.length} …`);
    try {
      const folder = folderOf(file);
      const thumbnail = await worker.call('addImage', file, folder);
      names.set(thumbnail.index, thumbnail.id);
      known.set(thumbnail.index, { votes: null, ...(folder !== undefined && { folder }) });
      const place = strip.add(thumbnail);
      first ??= place;
    } catch (error) {
      refused.push((error as Error).message);
    }
  }
  say(
    refused.length > 0
      ? new Error(
          refused.length > 5 ? `${refused.slice(0, 5).join('; ')}; and ${refused.length - 5} more` : refused.join('; '),
        )
      : '',
  );
  if (first !== undefined) strip.select(first);
}

async function draw(): Promise<void> {
  drawMore.disabled = true;
  try {
    const place = strip.count;
    for (const thumbnail of await worker.call('draw', DRAWN)) {
      names.set(thumbnail.index, thumbnail.id);
      known.set(thumbnail.index, { votes: thumbnail.votes });
      strip.add(thumbnail);
    }
    strip.select(place);
  } catch (error) {
    say(error);
  }
  drawMore.disabled = false;
}

/** What was dropped or chosen: the last model among it, and all else as images. */
async function open(files: readonly File[]): Promise<void> {
  const isModel = ({ name }: File) => /\.(safetensors|onnx)$/i.test(name);
  const opened = files.findLast(isModel);
  if (opened) await openModel(opened);
  const images = files.filter((file) => !isModel(file));
  if (images.length > 0) await openImages(images);
}

for (const field of [modelFile, imageFiles]) {
  field.onchange = async () => {
    const files = [...field.files!];
    // The same file may be chosen again, mended.
    field.value = '';
    if (field === imageFiles) await open(files);
    else if (files[0]) await openModel(files[0]);
  };
}
imageFolder.onchange = async () => {
  const images = [...imageFolder.files!].filter(({ name }) => /\.(jpe?g|png)$/i.test(name));
  imageFolder.value = '';
  if (images.length > 0) await openImages(images);
  else say(new UserError('the folder has no JPEG or PNG image'));
};
addEventListener('dragover', (event) => {
  event.preventDefault();
  document.body.classList.add('dragging');
});
addEventListener('dragleave', (event) => {
  if (event.relatedTarget === null) document.body.classList.remove('dragging');
});
addEventListener('drop', (event) => {
  event.preventDefault();
  document.body.classList.remove('dragging');
  void open([...event.dataTransfer!.files]);
});
tta.onchange = () => {
  forget();
  void lookAt();
};
drawMore.onclick = () => void draw();

try {
  const { models, methods } = await worker.call('choices');
  maps.setMethods(methods);
  await draw();
  inspect.setModels(models);
  training.enable();
  const named = new URLSearchParams(location.search).get('model');
  if (named !== null) await openNamed(named);
} catch (error) {
  say(error);
}
