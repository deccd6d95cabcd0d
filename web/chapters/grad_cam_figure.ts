import { showNumber } from '../../engine/explain/show_number.ts';
import { CLASSES } from '../../galaxies/labels.ts';
import { make } from '../common/dom.ts';
import { showMessage } from '../common/message.ts';
import { WorkerClient } from '../common/worker_client.ts';
import { PIXELS, TRAINING } from '../learn/sky.ts';
import type { StepResult } from '../learn/view.ts';
import type { Cam } from './cam.ts';
import { CamMap, drawPicture } from './cam_map.ts';
import { tellWithoutGpu } from './engine.ts';
import { tellNumbers } from './figure_events.ts';
import type { GradCamMethods } from './grad_cam_worker.ts';

/** Steps of training before the figure is shown, and with each press of the button. */
const STEPS = 40;
/** Held-out galaxies that one can choose from. */
const SHOWN = 6;

const signed = (n: number): string => showNumber(n).replace('-', '−');
const largest = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((most, v) => Math.max(most, Math.abs(v)), 0);

/**
 * Grad-CAM from its parts: the maps of the last layer, the weight of each, their weighted sum, and what ReLU leaves, on
 * a network that is trained in the page.
 */
class GradCamFigure {
  private readonly worker = new WorkerClient<GradCamMethods>(new URL('./grad_cam_worker.js', import.meta.url), 'any');
  private readonly place: HTMLElement;
  private readonly state = make('p', { className: 'behind said', 'aria-live': 'polite' });
  private readonly train = make('button', { type: 'button', disabled: true }, `Train ${STEPS} more steps`);
  private readonly classes = make('select', { name: 'class' });
  private readonly row = make('input', { type: 'range', name: 'row', min: '0', value: '7' });
  private readonly column = make('input', { type: 'range', name: 'column', min: '0', value: '7' });
  private readonly galaxies = make('div', { className: 'galaxies', role: 'group', 'aria-label': 'galaxy' });
  private readonly channels = make('div', { className: 'cams' });
  private readonly results = make('div', { className: 'cams' });
  private readonly reading = make('p', { className: 'behind', 'aria-live': 'polite' });
  private readonly overlay = make('canvas', { className: 'pixels', role: 'img' });
  private maps: CamMap[] = [];
  private bytes: Uint8Array = new Uint8Array();
  private labels: Uint8Array = new Uint8Array();
  private image = TRAINING;
  private cam: Cam | undefined;
  private steps: StepResult[] = [];

  constructor(private readonly section: HTMLElement) {
    this.worker.on('device', tellWithoutGpu);
    this.place = make('p', { className: 'message', role: 'status' }, 'The galaxies are being drawn …');
    this.classes.append(...CLASSES.map((name, k) => make('option', { value: String(k) }, name)));
    section.replaceChildren(
      this.place,
      make(
        'div',
        { className: 'controls' },
        this.train,
        make('label', {}, 'class', this.classes),
        make('label', {}, 'row', this.row),
        make('label', {}, 'column', this.column),
      ),
      this.galaxies,
      this.state,
      this.channels,
      this.results,
      this.reading,
    );
    this.train.addEventListener('click', () => void this.trainOn());
    this.classes.addEventListener('change', () => void this.explain());
    for (const dial of [this.row, this.column]) dial.addEventListener('input', () => this.read());
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.maps.forEach((map) => map.draw()));
  }

  async start(): Promise<void> {
    this.worker.on<{ done: number; of: number }>('drawn', ({ done, of }) => {
      if (done < of) this.place.textContent = `The galaxies are being drawn: ${done} of ${of} …`;
    });
    try {
      ({ bytes: this.bytes, labels: this.labels } = await this.worker.call('open'));
    } catch (error) {
      showMessage(this.place, error);
      return;
    }
    // The first with something to be found in it.
    const found = Array.from({ length: SHOWN }, (_, i) => TRAINING + i).find((image) => this.labels[image] === 1);
    this.image = found ?? TRAINING;
    this.classes.value = String(this.labels[this.image]);
    this.drawGalaxies();
    await this.trainOn();
  }

  private picture(image: number): Uint8Array {
    return this.bytes.subarray(image * PIXELS, (image + 1) * PIXELS);
  }

  private drawGalaxies(): void {
    const buttons = Array.from({ length: SHOWN }, (_, i) => {
      const image = TRAINING + i;
      const canvas = make('canvas', { className: 'pixels' });
      drawPicture(canvas, this.picture(image));
      const words = `galaxy ${i + 1}, ${CLASSES[this.labels[image]]}`;
      const button = make('button', { type: 'button', 'aria-label': words, title: words }, canvas);
      button.addEventListener('click', () => {
        this.image = image;
        mark();
        this.classes.value = String(this.labels[image]);
        void this.explain();
      });
      return button;
    });
    const mark = () =>
      buttons.forEach((button, i) => button.setAttribute('aria-pressed', String(TRAINING + i === this.image)));
    mark();
    this.galaxies.replaceChildren(...buttons);
  }

  private async trainOn(): Promise<void> {
    this.train.disabled = true;
    try {
      for (let i = 1; i <= STEPS; i++) {
        this.steps.push(await this.worker.call('train'));
        this.place.textContent = `The network is being trained: step ${i} of ${STEPS} …`;
      }
      await this.explain();
      showMessage(this.place, '');
    } catch (error) {
      showMessage(this.place, error);
    }
    this.train.disabled = false;
  }

  private async explain(): Promise<void> {
    const [image, explained] = [this.image, Number(this.classes.value)];
    try {
      const cam = await this.worker.call('explain', image, explained);
      if (image === this.image && explained === Number(this.classes.value)) this.show(cam, explained);
    } catch (error) {
      showMessage(this.place, error);
    }
  }

  private show(cam: Cam, explained: number): void {
    const { side, channels, alpha, sum, map } = cam;
    if (!this.cam) {
      this.makeMaps(cam);
      this.choose(map.indexOf(Math.max(...map)), side);
    }
    this.cam = cam;
    const most = largest(cam.activation);
    for (let k = 0; k < channels; k++) {
      const channel = Float32Array.from({ length: side * side }, (_, i) => cam.activation[i * channels + k]);
      this.maps[k].show(channel, most, `α = ${signed(alpha[k])}`);
    }
    const mostOfSum = largest(sum);
    this.maps[channels].show(sum, mostOfSum, 'Σ α A');
    const mostOfMap = largest(map);
    this.maps[channels + 1].show(map, mostOfMap, 'ReLU');
    drawPicture(this.overlay, this.picture(this.image), { values: map, most: mostOfMap });
    const name = CLASSES[explained];
    this.overlay.setAttribute('aria-label', `The galaxy, darker where the map for ${name} is 0`);
    this.state.textContent = this.inWords(cam, name);
    this.read();
  }

  private makeMaps({ side, channels }: Cam): void {
    const choose = (place: number) => {
      this.choose(place, side);
      this.read();
    };
    this.maps = Array.from(
      { length: channels + 2 },
      (_, k) => new CamMap(k < channels ? `Map ${k}` : k === channels ? 'The weighted sum' : 'Grad-CAM', choose),
    );
    this.row.max = this.column.max = String(side - 1);
    this.channels.replaceChildren(...this.maps.slice(0, channels).map(({ element }) => element));
    this.results.replaceChildren(
      ...this.maps.slice(channels).map(({ element }) => element),
      make('figure', { className: 'cam' }, this.overlay, make('figcaption', {}, 'over the galaxy')),
    );
  }

  private choose(place: number, side: number): void {
    this.row.value = String(Math.floor(place / side));
    this.column.value = String(place % side);
  }

  private inWords({ logits }: Cam, name: string): string {
    const last = this.steps[this.steps.length - 1];
    const heldOut = this.steps.findLast((step) => step.heldOut !== undefined)!;
    const answer = CLASSES[logits[1] > logits[0] ? 1 : 0];
    return [
      `After ${last.step} steps: loss = ${showNumber(last.loss)},`,
      `${Math.round(100 * heldOut.heldOut!)} % of the held-out galaxies right.`,
      `This one is ${CLASSES[this.labels[this.image]]}; the network says ${answer}.`,
      `The maps, and what speaks for ${name}:`,
    ].join(' ');
  }

  /** The sum behind the chosen place. */
  private read(): void {
    if (!this.cam) return;
    const { side, channels, activation, alpha, sum, map } = this.cam;
    const [i, j] = [Number(this.row.value), Number(this.column.value)];
    const place = i * side + j;
    for (const each of this.maps) each.choose(place);
    const terms = Array.from(alpha, (a, k) => `${signed(a)} · ${signed(activation[place * channels + k])}`);
    this.reading.replaceChildren(
      `L[${i}, ${j}] = max(0, `,
      ...terms.flatMap((term, k) => [k ? ' + ' : '', make('span', { className: 'term' }, term)]),
      `) = max(0, ${signed(sum[place])}) = `,
      make('output', {}, signed(map[place])),
    );
    tellNumbers(this.section, { [`L[${i}, ${j}]`]: map[place] });
  }
}

export const gradCamFigure = (section: HTMLElement): Promise<void> => new GradCamFigure(section).start();
