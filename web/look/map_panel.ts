import { TRAITS, type Method } from '../../vision/answer/methods.ts';
import { byId, make } from '../common/dom.ts';
import { showMessage } from '../common/message.ts';
import type { WorkerClient } from '../common/worker_client.ts';
import { outputName } from './answers.ts';
import { draw, drawOver } from './draw_picture.ts';
import { mebibytes } from './inspect_panel.ts';
import { latest } from './latest.ts';
import type { Explanation, ModelFacts } from './look_core.ts';
import type { LookMethods } from './look_worker.ts';

const layer = byId<HTMLInputElement>('layer');
const opacity = byId<HTMLInputElement>('opacity');
const method = byId<HTMLSelectElement>('method');
const explained = byId<HTMLSelectElement>('explained');
const [picture, map, overlay] = ['picture', 'map', 'overlay'].map((id) => byId<HTMLCanvasElement>(id));
const text = byId('map-text');

/** Numbers of a map that are written out: more would hold up the page. */
const MOST_VALUES = 20_000;

/** Where the network looked: the galaxy, a map, and the one over the other. */
export class MapPanel {
  private model: ModelFacts | undefined;
  private galaxy: number | undefined;
  private id = '';
  /** What the network takes the galaxy for; until it is known, nothing is explained. */
  private predicted: string | undefined;
  private last: { readonly explanation: Explanation; readonly about: object } | undefined;
  private readonly refresh = latest(() => this.explain());

  constructor(private readonly worker: WorkerClient<LookMethods>) {
    layer.oninput = () => {
      this.tellLayer();
      this.refresh();
    };
    opacity.oninput = () => this.overlay();
    method.onchange = () => {
      this.tellLayer();
      this.refresh();
    };
    explained.onchange = () => this.refresh();
    byId<HTMLDetailsElement>('values-details').ontoggle = () => this.tellValues();
  }

  setMethods(methods: readonly Method[]): void {
    method.replaceChildren(...methods.map((name) => make('option', { value: name }, name)));
  }

  /** Another model: its layers and outputs are to choose from, the last convolution's first. */
  setModel(model: ModelFacts): void {
    this.model = model;
    this.predicted = undefined;
    byId('map-controls').hidden = false;
    layer.max = String(model.layers.length - 1);
    layer.value = String(model.lastConv);
    const choices = model.classes.map((name) => make('option', { value: name }, outputName(name)));
    explained.replaceChildren(
      ...(model.task === 'challenge' ? [] : [make('option', { value: '' }, 'the answer given')]),
      ...choices,
    );
    this.tellLayer();
    this.clear();
  }

  /** Another galaxy. Its picture is shown at once, its map when `answered` says what it was taken for. */
  async setGalaxy(galaxy: number | undefined, id: string): Promise<void> {
    this.galaxy = galaxy;
    this.id = id;
    this.predicted = undefined;
    if (galaxy === undefined) return;
    const close = await this.worker.call('picture', galaxy);
    if (galaxy !== this.galaxy) return;
    draw(picture, close);
    picture.setAttribute('aria-label', `${id} as the network sees it`);
    this.clear();
  }

  answered(galaxy: number, predicted: string): void {
    if (galaxy !== this.galaxy) return;
    this.predicted = predicted;
    this.refresh();
  }

  private clear(): void {
    this.last = undefined;
    for (const canvas of [map, overlay]) canvas.width = canvas.height = picture.width;
    byId('values').textContent = '';
  }

  private tellLayer(): void {
    const { name, shape } = this.model!.layers[Number(layer.value)];
    const said = `${name} · ${shape[0]} × ${shape[1]} pixels, ${shape[2]} channels`;
    const { at, gives } = TRAITS[method.value as Method];
    layer.disabled = at === 'image';
    byId('layer-name').textContent = at === 'image' ? `${method.value} looks at the image itself` : said;
    layer.setAttribute('aria-valuetext', said);
    byId('map-caption').textContent = gives === 'pixels' ? 'the single pixels' : 'the map';
  }

  private async explain(): Promise<void> {
    const { model, galaxy, id, predicted } = this;
    if (!model || galaxy === undefined || predicted === undefined) return;
    const wanted = explained.value || predicted;
    const { name } = model.layers[Number(layer.value)];
    const chosen = method.value as Method;
    showMessage(text, 'Working …');
    try {
      const explanation = await this.worker.call('explain', galaxy, chosen, name, model.classes.indexOf(wanted));
      if (galaxy !== this.galaxy || model !== this.model) return;
      draw(map, explanation.picture);
      this.last = {
        explanation,
        about: { id, class: wanted, method: chosen, ...(TRAITS[chosen].at === 'layer' && { layer: name }) },
      };
      this.overlay();
      const {
        values,
        memory: { program, all, programs },
      } = explanation;
      const empty = TRAITS[chosen].gives === 'map' && values.every((v) => v <= 0);
      showMessage(
        text,
        `${chosen} for “${outputName(wanted)}”${TRAITS[chosen].at === 'image' ? '' : ` at ${name}`}${empty ? ': nothing there speaks for it' : ''}. On the adapter: ${mebibytes(program)} for this, ${mebibytes(all)} for the weights and ${programs} programs.`,
      );
      this.tellValues();
    } catch (error) {
      if (galaxy === this.galaxy && model === this.model) {
        this.clear();
        showMessage(text, error);
      }
    }
  }

  private overlay(): void {
    if (this.last) drawOver(overlay, picture, map, Number(opacity.value) / 100);
  }

  /** Long for a gradient, so only where it is looked at. */
  private tellValues(): void {
    if (!this.last || !byId<HTMLDetailsElement>('values-details').open) return;
    const {
      explanation: { values, height, width },
      about,
    } = this.last;
    if (values.length > MOST_VALUES) {
      byId('values').textContent = `${values.length} numbers are more than a page should show: ${MOST_VALUES} at most.`;
      return;
    }
    byId('values').textContent = JSON.stringify({ ...about, height, width, values: Array.from(values) });
  }
}
