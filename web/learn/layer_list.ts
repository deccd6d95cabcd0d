import { make } from '../common/dom.ts';
import { nextFrame } from './frames.ts';
import { mapTiles, parameterTiles, type Arrangement } from './arrangement.ts';
import type { Palette } from './colours.ts';
import type { Selection } from './explanation.ts';
import type { Field } from './fields.ts';
import { fitMaps } from './map_fit.ts';
import type { LayerKind, Role } from './network.ts';
import { PixelMap, type Outline } from './pixel_map.ts';
import type { Values, View } from './view.ts';
import { PARAMETER_TITLES, summaryOf, titleOf } from './words.ts';

/** A map in the list: which array it shows, and the selection that pointing at it makes. */
interface Shown {
  readonly layer: number;
  readonly part: Selection['part'];
  /** A parameter's gradient, not its value. */
  readonly isGradient: boolean;
  readonly title: string;
  readonly map: PixelMap;
  readonly arrangement: Arrangement;
  /** The view that is drawn; maps out of sight wait. */
  drawn?: View;
}

/** The maps of a card by how they are laid out: see map_fit.ts. */
interface Card {
  readonly element: HTMLElement;
  readonly maps: HTMLElement;
  readonly flow: readonly PixelMap[];
  readonly weights: readonly PixelMap[];
  readonly small: readonly PixelMap[];
}

/** Pixels within a card, its padding and border taken off. */
const roomIn = (list: HTMLElement): number => list.clientWidth - 26;

/** Milliseconds of a frame that are spent on drawing. */
const BUDGET = 8;

/** What the list asks its page for. */
export interface ListActions {
  choose(selection: Selection): void;
  /** Goes to the inspector. */
  enter(): void;
  /** Makes place for a larger map; returns the pixels that it can fill. */
  enlarge(map: PixelMap, title: string): { readonly width: number; readonly height: number };
}

/**
 * The network from the image to the loss: a card for each layer, in it what goes forwards, what comes back, and the
 * parameters with their gradients. What is out of sight is drawn when it comes into sight.
 */
export class LayerList {
  private shown: Shown[] = [];
  private cards: Card[] = [];
  private view: View | undefined;
  private palette: Palette | undefined;
  private drawing = 0;
  /** Room for maps within a card. */
  private width: number;
  private selection: Selection | undefined;
  private fields: readonly Field[] = [];
  /** The map that was pointed at last. */
  private pointed: Shown | undefined;
  private enlarged: Shown | undefined;
  private readonly inSight = new Set<Element>();
  private readonly watcher = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        if (isIntersecting) this.inSight.add(target);
        else this.inSight.delete(target);
      }
      void this.draw();
    },
    { rootMargin: '200px' },
  );

  constructor(
    private readonly place: HTMLElement,
    private readonly actions: ListActions,
  ) {
    this.width = roomIn(place);
    new ResizeObserver(() => {
      // Without width, the page is not laid out.
      if (roomIn(place) <= 0 || roomIn(place) === this.width) return;
      this.width = roomIn(place);
      for (const card of this.cards) this.fit(card);
      this.redraw();
    }).observe(place);
  }

  /**
   * Shows a view, in pieces that take no longer than a frame; resolves when all of it that is in sight is drawn, or a
   * later one took its place.
   */
  async show(view: View, palette: Palette): Promise<void> {
    if (!this.view || signatureOf(view) !== signatureOf(this.view)) {
      [this.shown, this.cards, this.pointed] = [[], [], undefined];
      this.watcher.disconnect();
      this.inSight.clear();
      this.place.replaceChildren();
    }
    this.view = view;
    if (palette !== this.palette) {
      this.palette = palette;
      for (const shown of this.all()) shown.drawn = undefined;
    }
    await this.draw();
  }

  /** The maps of the cards, and the enlarged one. */
  private all(): readonly Shown[] {
    return this.enlarged ? [...this.shown, this.enlarged] : this.shown;
  }

  private async draw(): Promise<void> {
    if (!this.view) return;
    const [mine, view] = [++this.drawing, this.view];
    let until = performance.now() + BUDGET;
    /** Whether a later drawing took the place of this one. */
    const isOver = async (): Promise<boolean> => {
      if (performance.now() <= until) return false;
      await nextFrame();
      until = performance.now() + BUDGET;
      return mine !== this.drawing;
    };
    while (this.cards.length < view.layers.length) {
      if (await isOver()) return;
      this.append(view, this.cards.length);
    }
    for (const shown of this.all()) {
      if (shown.drawn === view || (shown !== this.enlarged && !this.inSight.has(this.cards[shown.layer].element)))
        continue;
      if (await isOver()) return;
      this.paint(shown);
    }
  }

  /** Draws all at once, also what is out of sight: for paper. */
  redraw(): void {
    for (const shown of this.shown) if (this.view) this.paint(shown);
  }

  private paint(shown: Shown): void {
    shown.map.show(this.valuesOf(shown), this.palette!);
    shown.drawn = this.view;
  }

  /** Outlines what is selected and what it is made from. */
  select(selection: Selection | undefined, fields: readonly Field[]): void {
    [this.selection, this.fields] = [selection, fields];
    this.cards.forEach(({ element }, i) => element.classList.toggle('selected', i === selection?.layer));
    for (const shown of this.all()) this.outline(shown);
  }

  /** The map that the selection was made in: for keys that are pressed elsewhere. */
  mapOf({ layer, part }: Selection): PixelMap | undefined {
    const shows = (shown: Shown | undefined) => shown?.layer === layer && shown.part === part;
    return (shows(this.pointed) ? this.pointed : this.shown.find(shows))?.map;
  }

  /** Shows the map that the selection was made in as large as it can be. */
  enlarge(selection: Selection): void {
    const map = this.mapOf(selection);
    const shown = this.shown.find((each) => each.map === map);
    if (shown) this.enlargeShown(shown);
  }

  /** The enlarged map is shown no more. */
  shrink(): void {
    this.enlarged = undefined;
  }

  private enlargeShown(shown: Shown): void {
    const larger = this.mapFor(shown.layer, shown.part, shown.isGradient, shown.title, shown.arrangement);
    this.enlarged = larger;
    const title = `${shown.title} of ${titleOf(this.view!.layers[shown.layer])}`;
    const { width, height } = this.actions.enlarge(larger.map, title);
    larger.map.fill(width, height);
    this.paint(larger);
    this.outline(larger);
    larger.map.focus();
  }

  private mapFor(
    layer: number,
    part: Selection['part'],
    isGradient: boolean,
    title: string,
    arrangement: Arrangement,
  ): Shown {
    const label = `${title} of ${titleOf(this.view!.layers[layer])}`;
    const map = new PixelMap(title, label, arrangement, {
      current: () => (this.selection?.layer === layer && this.selection.part === part ? this.selection.at : undefined),
      choose: (at) => {
        if (shown !== this.enlarged) this.pointed = shown;
        this.actions.choose({ layer, part, at });
      },
      enter: () => this.actions.enter(),
      enlarge: () => this.enlargeShown(shown),
    });
    const shown: Shown = { layer, part, isGradient, title, map, arrangement };
    return shown;
  }

  private append(view: View, i: number): void {
    const layer = view.layers[i];
    const add = (title: string, part: Selection['part'], isGradient: boolean, arrangement: Arrangement): PixelMap => {
      const shown = this.mapFor(i, part, isGradient, title, arrangement);
      this.shown.push(shown);
      return shown.map;
    };
    const tiles = mapTiles(layer.y.shape);
    const dense = layer.name === 'dense' ? 'Logits y' : 'Outputs y';
    const names: Partial<Record<LayerKind, string>> = { input: 'Pixels x', dense, mean: 'Outputs y', loss: 'Loss' };
    const flow = [add(names[layer.kind] ?? 'Activations y', 'y', false, tiles)];
    if (layer.kind !== 'loss')
      flow.push(add(layer.kind === 'input' ? 'Cotangents ∂loss/∂x' : 'Cotangents ∂loss/∂y', 'dy', false, tiles));
    const [weights, small]: PixelMap[][] = [[], []];
    for (const { role, value, gradient } of layer.parameters) {
      if (!gradient) continue;
      const arrangement = parameterTiles(value.shape, view.layers[layer.inputs[0]].y.shape);
      const [title, gradientTitle] = PARAMETER_TITLES[role];
      const name = role === 'w' && layer.kind === 'dense' ? 'Weights w' : title;
      (value.shape.length > 1 ? weights : small).push(
        add(name, role, false, arrangement),
        add(gradientTitle, role, true, arrangement),
      );
    }
    const group = (className: string, maps: readonly PixelMap[]) =>
      maps.length > 0 ? [make('div', { className }, ...maps.map(({ element }) => element))] : [];
    const maps = make('div', {}, ...group('flow', flow), ...group('weights', weights), ...group('small', small));
    const heading = make('h3', {}, titleOf(layer), ' ', make('small', {}, summaryOf(layer)));
    const element = make('li', { className: `card layer ${layer.kind}` }, heading, maps);
    const card = { element, maps, flow, weights, small };
    this.cards.push(card);
    this.fit(card);
    this.place.append(element);
    this.watcher.observe(element);
  }

  private fit({ element, maps, flow, weights, small }: Card): void {
    const widest = Math.max(0, ...small.map(({ extent }) => extent.columns));
    // The image is seen in colour above: it leaves the room of a low window to the layers.
    const height = element.classList.contains('input') ? window.innerHeight * 0.1 : Infinity;
    const fit = fitMaps({ width: this.width, height }, flow[0].extent, weights[0]?.extent, widest);
    maps.className = `maps ${fit.layout}`;
    for (const map of flow) map.setScale(fit.flow);
    for (const map of weights) map.setScale(fit.weights);
    for (const map of small) map.setScale(fit.small);
  }

  private valuesOf({ layer, part, isGradient }: Shown): Values {
    const { y, dy, parameters } = this.view!.layers[layer];
    if (part === 'y') return y;
    if (part === 'dy') return dy;
    const parameter = parameters.find(({ role }) => role === (part as Role))!;
    return isGradient ? parameter.gradient! : parameter.value;
  }

  private outline({ layer, part, map, arrangement }: Shown): void {
    const outlines: Outline[] = [];
    for (const field of this.fields)
      if (field.layer === layer && field.part === part) outlines.push(...this.outlinesOf(field, arrangement));
    if (this.selection?.layer === layer && this.selection.part === part) {
      const { row, column } = arrangement.placeOf(this.selection.at);
      outlines.push({ top: row, bottom: row, left: column, right: column, kind: 'selected' });
    }
    map.outline(outlines, this.palette!);
  }

  /** A field in each of the channels that it covers. */
  private outlinesOf({ layer, top, bottom, left, right, channel }: Field, arrangement: Arrangement): Outline[] {
    const count = this.view!.layers[layer].y.shape[3];
    const channels = channel === undefined ? Array.from({ length: count }, (_, c) => c) : [channel];
    return channels.map((c) => {
      const [first, last] = [arrangement.placeOf([0, top, left, c]), arrangement.placeOf([0, bottom, right, c])];
      return { top: first.row, left: first.column, bottom: last.row, right: last.column, kind: 'field' };
    });
  }
}

/** What the cards are made for: another of it needs other cards. */
const signatureOf = (view: View): string =>
  JSON.stringify(
    view.layers.map((layer) => [
      titleOf(layer),
      summaryOf(layer),
      layer.parameters.map(({ role, value }) => [role, value.shape]),
    ]),
  );
