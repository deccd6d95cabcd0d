import { viridisGradient } from '../../vision/report/viridis.ts';
import { TRAITS, type Method } from '../../vision/answer/methods.ts';
import { byId, make } from '../common/dom.ts';
import { showMessage } from '../common/message.ts';
import type { WorkerClient } from '../common/worker_client.ts';
import { outputName } from './answers.ts';
import { Asking } from './asking.ts';
import { draw, drawOver } from './draw_picture.ts';
import { mebibytes } from './inspect_panel.ts';
import { latest } from './latest.ts';
import type { Explanation, ModelFacts, Question } from './look_core.ts';
import type { LookMethods } from './look_worker.ts';
import { MeasuresPanel } from './measures_panel.ts';
import { threeDigits } from './strip.ts';

const layer = byId<HTMLInputElement>('layer');
const opacity = byId<HTMLInputElement>('opacity');
const method = byId<HTMLSelectElement>('method');
const explained = byId<HTMLSelectElement>('explained');
const [picture, map, overlay] = ['picture', 'map', 'overlay'].map((id) => byId<HTMLCanvasElement>(id));
const text = byId('map-text');
const measure = byId<HTMLButtonElement>('measure');

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
  private readonly asking: Asking;
  private readonly measures = new MeasuresPanel();
  private readonly renew = latest(() => this.explain());

  constructor(private readonly worker: WorkerClient<LookMethods>) {
    this.asking = new Asking(worker);
    measure.onclick = () => void this.measure();
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

  /** Something else is to be explained: what is asked just now need not be finished. */
  private refresh(): void {
    this.asking.stop();
    this.renew();
  }

  /** Another model: its layers and outputs are to choose from, the last convolution's first. */
  setModel(model: ModelFacts): void {
    this.model = model;
    this.predicted = undefined;
    byId('map-controls').hidden = false;
    byId('measuring').hidden = model.task === 'targets';
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
    measure.disabled = true;
    byId('legend').hidden = true;
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

  /** What is asked about just now, under a number; undefined while there is nothing to ask about. */
  private question(number = 0): (Question & { readonly output: string; readonly where: string }) | undefined {
    const { model, galaxy, predicted } = this;
    if (!model || galaxy === undefined || predicted === undefined) return undefined;
    const output = explained.value || predicted;
    const { name } = model.layers[Number(layer.value)];
    const chosen = method.value as Method;
    const where = TRAITS[chosen].at === 'image' ? chosen : `${chosen} at ${name}`;
    return {
      number,
      image: galaxy,
      method: chosen,
      layer: name,
      explained: model.classes.indexOf(output),
      output,
      where,
    };
  }

  private async explain(): Promise<void> {
    const { model, galaxy, id } = this;
    const asked = this.question();
    if (!asked) return;
    const isCurrent = () => galaxy === this.galaxy && model === this.model;
    showMessage(text, 'Working …');
    this.measures.setAbout(this.about(asked.output));
    try {
      const explanation = await this.asking.ask((number) => this.worker.call('explain', { ...asked, number }));
      if (!isCurrent()) return;
      if (!explanation) {
        this.clear();
        showMessage(text, 'Stopped.');
        return;
      }
      draw(map, explanation.picture);
      const atLayer = TRAITS[asked.method].at === 'layer';
      this.last = {
        explanation,
        about: { id, class: asked.output, method: asked.method, ...(atLayer && { layer: asked.layer }) },
      };
      measure.disabled = false;
      this.overlay();
      this.showLegend(asked, explanation);
      const { program, all, programs } = explanation.memory;
      const empty = TRAITS[asked.method].gives === 'map' && explanation.peak === 0;
      showMessage(
        text,
        `${asked.method} for “${outputName(asked.output)}”${atLayer ? ` at ${asked.layer}` : ''}${empty ? ': nothing there speaks for it' : ''}. On the adapter: ${mebibytes(program)} for this, ${mebibytes(all)} for the weights and ${programs} programs.`,
      );
      this.tellValues();
    } catch (error) {
      if (isCurrent()) {
        this.clear();
        showMessage(text, error);
      }
    }
  }

  /** What the colours of the map stand for. */
  private showLegend({ output, method: chosen }: { output: string; method: Method }, { peak }: Explanation): void {
    const single = TRAITS[chosen].gives === 'pixels';
    const most = threeDigits(peak);
    byId('legend').hidden = false;
    byId('legend-least').textContent = single ? `−${most}` : '0';
    byId('legend-most').textContent = most;
    byId('legend-ramp').style.setProperty(
      'background',
      single ? 'linear-gradient(to right, #000, #7f7f7f, #fff)' : viridisGradient(),
    );
    const name = `“${outputName(output)}”`;
    byId('legend-text').textContent = single
      ? `Light pixels speak for ${name}, dark ones against it. The strongest hundredth of them is cut off at black and white.`
      : `The brighter, the more the place speaks for ${name}; what speaks against it counts as 0.`;
  }

  private about(output: string): string {
    return `Maps for “${outputName(output)}” in ${this.id}`;
  }

  /** Measures the map that is shown. */
  private async measure(): Promise<void> {
    const asked = this.question();
    if (!asked) return;
    const about = this.about(asked.output);
    measure.disabled = true;
    showMessage(byId('measure-text'), 'Working …');
    try {
      const measured = await this.asking.ask((number) => this.worker.call('measure', { ...asked, number }));
      showMessage(byId('measure-text'), measured ? '' : 'Stopped.');
      const now = this.question();
      if (measured && now && about === this.about(now.output)) this.measures.add(about, asked.where, measured);
    } catch (error) {
      showMessage(byId('measure-text'), error);
    }
    measure.disabled = !this.last;
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
