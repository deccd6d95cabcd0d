import type { DeviceNews } from '../common/device_keeper.ts';
import { byId } from '../common/dom.ts';
import { embedded } from '../common/embed.ts';
import { WITHOUT_GPU, showMessage } from '../common/message.ts';
import { Address } from './address.ts';
import { readPalette } from './colours.ts';
import { Curves } from './curve.ts';
import { Editor } from './editor.ts';
import { Enlarged } from './enlarged.ts';
import { targetOf } from './explain.ts';
import type { Selection } from './explanation.ts';
import { ForeignView } from './foreign_view.ts';
import { nextFrame } from './frames.ts';
import { GraphDrawer } from './graph_picture.ts';
import { Inspector } from './inspector.ts';
import { notesOn } from './notes.ts';
import { deviceText, predictionText, showNotes, standingText } from './telling.ts';
import { togetherBox } from './together.ts';
import { forClasses } from './layer_spec.ts';
import { CLASS_COUNT } from './network.ts';
import { StepView } from './step_view.ts';
import { titleOf } from './words.ts';
import { LayerList } from './layer_list.ts';
import { galaxies, painter, worker } from './learn_early.ts';
import type { Standing } from './learn_worker.ts';
import { FIRST_STATE, fromHash, sameRun, type PageState } from './link.ts';
import { ownImages, readOwn, type Found } from './own_images.ts';
import { paintImage, pickGalaxy, showPicker } from './picker.ts';
import { DEFAULT_SETTINGS, runningOf, sameStructure, type Settings } from './settings.ts';
import { onSettings, showSettings } from './settings_form.ts';
import type { Sky } from './sky.ts';
import { thereIn } from './selection.ts';
import type { StepResult, View } from './view.ts';

const message = byId('message');
const buttons = {
  play: byId<HTMLButtonElement>('play'),
  step: byId<HTMLButtonElement>('step'),
  ten: byId<HTMLButtonElement>('ten'),
  restart: byId<HTMLButtonElement>('restart'),
  link: byId<HTMLButtonElement>('link'),
  lose: byId<HTMLButtonElement>('lose'),
};
const rewind = byId<HTMLInputElement>('rewind');

let settings: Settings = DEFAULT_SETTINGS;
let palette = readPalette();
let view: View | undefined;
let standing: Standing | undefined;
let sky: Sky | undefined;
let image = FIRST_STATE.galaxy;
let results: StepResult[] = [];
let playing = false;
let selection: Selection = FIRST_STATE.selection;
let lost = false;
let isDeviceTold = false;
/** On a narrow page the inspector covers a part of the network, so it waits until something is pointed at. */
let pointed = !matchMedia('(max-width: 60rem)').matches;

const curves = new Curves(byId('curves'));
const enlarged = new Enlarged(() => layers.shrink());
const layers: LayerList = new LayerList(byId('layers'), {
  choose: select,
  enter() {
    enlarged.close();
    inspector.enter();
  },
  enlarge: (map, title) => enlarged.open(map, title),
});
const inspector = new Inspector({
  move(rows, columns, tiles) {
    const map = layers.mapOf(selection);
    if (tiles === 0) map?.go(rows, columns);
    else map?.goTiles(tiles);
  },
  turn(to) {
    const isWeight = selection.part !== 'y' && selection.part !== 'dy';
    following.on = to === 'step';
    select(isWeight || to === 'step' ? selection : { ...selection, part: to });
  },
  leave: () => layers.mapOf(selection)?.focus(),
  check: () => void attempt(check),
  enlarge: () => layers.enlarge(selection),
});

const address = new Address((hash) => void attempt(() => open(fromHash(hash))));
const following = new StepView((weight) => worker.call('follow', weight));

const editor = new Editor(byId('editor'), (own) => void attempt(() => restart({ ...settings, layers: own })));
byId('editor-details').hidden = false;
new ForeignView({
  open: (bytes, name) => worker.call('openForeign', bytes, name),
  maps: (layer, picture) => worker.call('foreignMaps', layer, picture),
  attempt: (work) => void attempt(work),
});
const graph = new GraphDrawer((draw) => void attempt(async () => draw(await worker.call('graph'))));

function showAllSettings(now: Settings): void {
  showSettings(now);
  editor.show(now, sky?.classes.length);
  graph.changed();
}

byId('prediction').after(
  togetherBox((on) => void attempt(async () => show(await worker.call('lookTogether', on, image)))),
);
byId('editor').append(ownImages((files) => void attempt(() => useImages(files))));

/** Does something for the user; what goes wrong becomes a message. */
async function attempt(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    setPlaying(false);
    showMessage(message, error);
  }
}

function select(next: Selection): void {
  selection = next;
  pointed = true;
  byId('inspector').hidden = false;
  inspector.checked(undefined);
  explainSelection();
}

function explainSelection(): void {
  if (!view) return;
  selection = thereIn(view, selection);
  const { fields } = inspector.show(view, selection);
  layers.select(selection, fields);
  enlarged.tell(inspector.words);
  void attempt(() => following.show(view!, selection));
  if (pointed) byId('inspector').hidden = false;
  pointed = false;
  if (!playing) note();
}

/** Where the page stands, as a link says it. */
const stateOf = ({ view, changes }: Standing): PageState => ({
  settings: { ...view.settings, ...changes[0].running },
  changes: changes.slice(1),
  step: view.step,
  galaxy: image,
  selection,
  following: following.on,
});

/** Own images are in no link. */
const note = (): void => (view!.isOwn ? undefined : address.note(stateOf(standing!)));

/** Counts the states that were opened: the last one holds. */
let opened = 0;

/** Opens what a link says: trains its run to its step, and selects. */
async function open(wanted: PageState): Promise<void> {
  const mine = ++opened;
  const now = standing;
  setPlaying(false);
  if (view?.isOwn) await takeImages(undefined, wanted.settings);
  lookAt(wanted.galaxy);
  [selection, following.on, pointed] = [wanted.selection, wanted.following, pointed || now !== undefined];
  const { step } = wanted;
  if (now && sameRun(stateOf(now), wanted) && step >= now.range.first && step <= now.range.last)
    return show(await worker.call('seek', step, image));
  results = [];
  await show(await worker.call('restart', wanted.settings, image, wanted.changes));
  if (step === 0 || mine !== opened) return;
  const before = message.textContent;
  showMessage(message, `Training to step ${step}, as the link says …`);
  setPlaying(true);
  while (playing && mine === opened && view!.step < step) await trainMany(Math.min(10, step - view!.step));
  if (mine !== opened) return;
  setPlaying(false);
  showMessage(message, before);
  note();
}

/** Shows the galaxy itself; what the network makes of it comes from the worker. */
function lookAt(chosen: number): void {
  image = chosen;
  pickGalaxy(chosen);
  if (sky) paintImage(byId<HTMLCanvasElement>('galaxy'), sky, chosen);
}

async function show(now: Standing): Promise<void> {
  const { view: next, range } = now;
  [standing, view] = [now, next];
  // Steps that were gone back from are forgotten where settings changed since.
  results.length = Math.min(results.length, range.last);
  if (JSON.stringify(settings) !== JSON.stringify(next.settings)) showAllSettings((settings = next.settings));
  [rewind.min, rewind.max, rewind.value] = [String(range.first), String(range.last), String(next.step)];
  tell();
  // In frames of their own: each piece is short.
  curves.draw(results, next.step, palette, now.changes);
  showNotes(notesOn(results.slice(0, next.step), next.classes.length, (layer) => titleOf(next.layers[layer])));
  await nextFrame();
  await layers.show(next, palette);
  if (view !== next) return;
  await nextFrame();
  inspector.checked(undefined);
  explainSelection();
  for (const control of [...Object.values(buttons), rewind]) control.disabled = false;
}

/** Where training stands, and what the network says of the galaxy, in words. */
function tell(): void {
  byId('standing').textContent = standingText(view!.step, results, view!.isOwn);
  byId('prediction').textContent = predictionText(view!);
}

function pickFrom(from: Sky): void {
  showPicker(
    from,
    (chosen) =>
      void attempt(async () => {
        lookAt(chosen);
        const standing = await worker.call('look', chosen);
        if (image === chosen) await show(standing);
      }),
  );
}

async function train(): Promise<void> {
  const { result, ...standing } = await worker.call('train', image);
  results[result.step - 1] = result;
  await show(standing);
}

/** Trains without drawing between. */
async function trainMany(steps: number): Promise<void> {
  const { results: made, ...standing } = await worker.call('trainMany', steps, image);
  for (const result of made) results[result.step - 1] = result;
  await show(standing);
}

function setPlaying(now: boolean): void {
  playing = now;
  buttons.play.textContent = now ? 'Pause' : 'Play';
  // While it plays, numbers change faster than one can say them.
  byId('inspector-live').setAttribute('aria-live', now ? 'off' : 'polite');
}

async function play(): Promise<void> {
  if (playing) return setPlaying(false);
  setPlaying(true);
  while (playing) {
    await train();
    await nextFrame();
  }
}

async function restart(wanted: Settings): Promise<void> {
  // The worker answers in order: what it says after this is of the new run.
  const standing = await worker.call('restart', wanted, image);
  if (message.classList.contains('error')) showMessage(message, '');
  results = [];
  address.begin();
  await show(standing);
}

/** Gives the worker images to train on, and shows them; without any, the galaxies. */
async function takeImages(own: Sky | undefined, wanted: Settings): Promise<Standing> {
  const next = own ?? (await galaxies);
  const standing = await worker.call('useImages', next, wanted);
  [sky, results] = [next, []];
  pickFrom(next);
  lookAt(0);
  return standing;
}

/** Begins anew on the user's own images; without files, on the galaxies again. */
async function useImages(files: readonly Found[] | undefined): Promise<void> {
  setPlaying(false);
  const own = files && (await readOwn(files));
  const classes = own?.sky.classes.length ?? CLASS_COUNT;
  const wanted = settings.layers ? { ...settings, layers: forClasses(settings.layers, classes) } : settings;
  const standing = await takeImages(own?.sky, wanted);
  editor.show(wanted, classes);
  address.begin();
  const left = own?.unread ?? [];
  showMessage(
    message,
    left.length === 0 ? '' : `${left.length} images could not be read and are left out; the first is ${left[0]}.`,
  );
  await show(standing);
}

/** Goes on with other settings where that can be; otherwise begins anew. */
async function change(wanted: Settings): Promise<void> {
  if (!sameStructure(settings, wanted)) return restart(wanted);
  const standing = await worker.call('change', runningOf(wanted), image);
  if (message.classList.contains('error')) showMessage(message, '');
  address.begin();
  await show(standing);
}

/** Goes to what the slider says; while one slides, only the last place is gone to. */
let sliding: number | undefined;
async function slide(): Promise<void> {
  setPlaying(false);
  const busy = sliding !== undefined;
  sliding = Number(rewind.value);
  if (busy) return;
  try {
    for (let at: number | undefined; at !== sliding; ) {
      at = sliding;
      const standing = await worker.call('seek', at, image);
      if (at === sliding) await show(standing);
    }
  } finally {
    sliding = undefined;
  }
}

async function check(): Promise<void> {
  setPlaying(false);
  const [wanted, of] = [selection, view];
  inspector.checked('running');
  try {
    const result = await worker.call('check', image, targetOf(view!, selection));
    if (wanted === selection && of === view) inspector.checked(result);
    else inspector.checked(undefined);
  } catch (error) {
    inspector.checked(undefined);
    throw error;
  }
}

function tellOfDevice(news: DeviceNews): void {
  if (news.state === 'lost') lost = true;
  if (news.state === 'ready') buttons.lose.hidden = news.adapter === WITHOUT_GPU;
  const said = deviceText(news, lost, view?.step ?? 0);
  if (said === undefined) return;
  isDeviceTold = true;
  showMessage(message, said);
}

buttons.play.onclick = () => void attempt(play);
buttons.step.onclick = () =>
  void attempt(async () => {
    setPlaying(false);
    await train();
  });
buttons.ten.onclick = () =>
  void attempt(async () => {
    setPlaying(false);
    await trainMany(10);
  });
buttons.restart.onclick = () => void attempt(() => restart(settings));
buttons.link.onclick = () => void attempt(async () => showMessage(message, await address.copy(view!)));
buttons.lose.onclick = () => void attempt(() => worker.call('lose'));
rewind.oninput = () => void attempt(slide);
onSettings(
  () => settings,
  (wanted) => void attempt(() => change(wanted)),
);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  palette = readPalette();
  if (standing) void show(standing);
});
new ResizeObserver(([{ target }]) => {
  document.documentElement.style.setProperty('--deck', `${target.clientHeight}px`);
  if (standing) curves.draw(results, standing.view.step, palette, standing.changes);
}).observe(byId('deck'));
window.addEventListener('beforeprint', () => layers.redraw());
painter.on<{ done: number; of: number }>('drawn', ({ done, of }) => {
  if (done % 8 === 0 && !isDeviceTold)
    showMessage(message, `Drawing galaxies: ${done} of ${of}. They are made up, from a seed.`);
});
worker.on<DeviceNews>('device', tellOfDevice);

if (embedded() !== undefined) {
  const whole = byId<HTMLAnchorElement>('whole');
  whole.onclick = () => {
    address.write();
    whole.href = `learn.html${location.hash}`;
  };
}
showAllSettings(settings);
await attempt(async () => {
  await worker.call('open', settings);
  // The device is opened while galaxies are drawn. A link may say another network.
  if (location.hash === '') void attempt(() => worker.call('prepare'));
  sky = await galaxies;
  painter.close();
  pickFrom(sky);
  await worker.call('setSky', sky);
  try {
    await open(fromHash(location.hash));
  } catch (error) {
    // What the link says cannot be: the page is there all the same.
    if (!standing) await open(FIRST_STATE);
    throw error;
  }
});
