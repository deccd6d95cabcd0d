import { make } from '../common/dom.ts';
import { nextFrame } from './frames.ts';
import { mapTiles, parameterTiles, type Arrangement } from './arrangement.ts';
import type { Palette } from './colours.ts';
import type { Selection } from './explanation.ts';
import type { Field } from './fields.ts';
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
  readonly map: PixelMap;
  readonly arrangement: Arrangement;
}

/** Pixels within a card, its padding and border taken off. */
const roomIn = (list: HTMLElement): number => list.clientWidth - 36;

/** Milliseconds of a frame that are spent on drawing. */
const BUDGET = 8;

/**
 * The network from the image to the loss: a card for each layer, in it what goes forwards, what comes back, and the
 * parameters with their gradients.
 */
export class LayerList {
  private shown: Shown[] = [];
  private view: View | undefined;
  private palette: Palette | undefined;
  private drawing = 0;
  /** Room for maps within a card. */
  private width: number;
  private selection: Selection | undefined;
  private fields: readonly Field[] = [];

  constructor(
    private readonly place: HTMLElement,
    private readonly choose: (selection: Selection) => void,
  ) {
    this.width = roomIn(place);
    new ResizeObserver(() => {
      // Without width, the page is not laid out.
      if (roomIn(place) <= 0 || roomIn(place) === this.width) return;
      this.width = roomIn(place);
      for (const shown of this.shown) this.fit(shown);
      if (this.view) void this.show(this.view, this.palette!);
    }).observe(place);
  }

  /**
   * Shows a view, in pieces that take no longer than a frame; resolves when all of it is drawn, or a later one took its
   * place.
   */
  async show(view: View, palette: Palette): Promise<void> {
    if (JSON.stringify(this.view?.settings) !== JSON.stringify(view.settings)) {
      this.shown = [];
      this.place.replaceChildren();
    }
    [this.view, this.palette] = [view, palette];
    const mine = ++this.drawing;
    let until = performance.now() + BUDGET;
    for (let layer = 0; layer < view.layers.length; layer++) {
      if (layer === this.place.childElementCount) this.place.append(this.card(view, layer));
      for (const shown of this.shown) {
        if (shown.layer !== layer) continue;
        if (performance.now() > until) {
          await nextFrame();
          if (mine !== this.drawing) return;
          until = performance.now() + BUDGET;
        }
        shown.map.show(this.valuesOf(shown), palette);
      }
    }
  }

  /** Outlines what is selected and what it is made from. */
  select(selection: Selection | undefined, fields: readonly Field[]): void {
    [this.selection, this.fields] = [selection, fields];
    for (const shown of this.shown) this.outline(shown);
  }

  /** The map that the selection was made in: for keys that are pressed elsewhere. */
  mapOf({ layer, part }: Selection): PixelMap | undefined {
    return this.shown.find((shown) => shown.layer === layer && shown.part === part)?.map;
  }

  private card(view: View, i: number): HTMLElement {
    const layer = view.layers[i];
    const maps = make('div', { className: 'maps' });
    const add = (title: string, part: Selection['part'], isGradient: boolean, arrangement: Arrangement) => {
      const current = () =>
        this.selection?.layer === i && this.selection.part === part ? this.selection.at : undefined;
      const map = new PixelMap(title, `${title} of ${titleOf(layer)}`, arrangement, current, (at) =>
        this.choose({ layer: i, part, at }),
      );
      const shown = { layer: i, part, isGradient, map, arrangement };
      this.shown.push(shown);
      this.fit(shown);
      return map.element;
    };
    const tiles = mapTiles(layer.y.shape);
    const names: Partial<Record<LayerKind, string>> = { input: 'Pixels x', dense: 'Logits y', loss: 'Loss' };
    maps.append(add(names[layer.kind] ?? 'Activations y', 'y', false, tiles));
    if (layer.kind !== 'loss')
      maps.append(add(layer.kind === 'input' ? 'Cotangents ∂loss/∂x' : 'Cotangents ∂loss/∂y', 'dy', false, tiles));
    const parameters = make('div', { className: 'parameters' });
    for (const { role, value, gradient } of layer.parameters) {
      if (!gradient) continue;
      const arrangement = parameterTiles(value.shape, view.layers[layer.inputs[0]].y.shape);
      const [title, gradientTitle] = PARAMETER_TITLES[role];
      const name = role === 'w' && layer.kind === 'dense' ? 'Weights w' : title;
      parameters.append(
        make(
          'div',
          { className: 'pair' },
          add(name, role, false, arrangement),
          add(gradientTitle, role, true, arrangement),
        ),
      );
    }
    if (parameters.hasChildNodes()) maps.append(parameters);
    const heading = make('h3', {}, titleOf(layer), ' ', make('small', {}, summaryOf(layer)));
    return make('li', { className: `card layer ${layer.kind}` }, heading, maps);
  }

  private fit({ part, map }: Shown): void {
    const narrow = this.width < 420;
    map.fit(part === 'y' || part === 'dy' ? (narrow ? this.width : 204) : narrow ? (this.width - 16) / 2 : 112);
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
