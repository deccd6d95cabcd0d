import { make } from '../common/dom.ts';
import { mapTiles, parameterTiles, type Arrangement } from './arrangement.ts';
import type { Palette } from './colours.ts';
import type { Selection } from './explanation.ts';
import type { Field } from './fields.ts';
import type { Role } from './network.ts';
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

const sameShapes = (a: View, b: View): boolean => a.settings === b.settings || JSON.stringify(a.settings) === JSON.stringify(b.settings);

/** The network from the image to the loss: a card for each layer, in it what goes forwards, what comes back, and the parameters with their gradients. */
export class LayerList {
  private shown: Shown[] = [];
  private view: View | undefined;
  private selection: Selection | undefined;
  private fields: readonly Field[] = [];

  constructor(private readonly place: HTMLElement, private readonly choose: (selection: Selection) => void) {
    new ResizeObserver(() => this.fit()).observe(place);
  }

  show(view: View, palette: Palette): void {
    const rebuild = !this.view || !sameShapes(this.view, view);
    this.view = view;
    if (rebuild) this.build(view);
    this.palette = palette;
    this.draw();
  }
  private palette: Palette | undefined;

  /** Outlines what is selected and what it is made from. */
  select(selection: Selection | undefined, fields: readonly Field[]): void {
    [this.selection, this.fields] = [selection, fields];
    for (const shown of this.shown) this.outline(shown);
  }

  /** The map that the selection was made in: for keys that are pressed elsewhere. */
  mapOf({ layer, part }: Selection): PixelMap | undefined {
    return this.shown.find((shown) => shown.layer === layer && shown.part === part)?.map;
  }

  private build(view: View): void {
    this.shown = [];
    this.place.replaceChildren(...view.layers.map((layer, i) => {
      const maps = make('div', { className: 'maps' });
      const add = (title: string, part: Selection['part'], isGradient: boolean, arrangement: Arrangement) => {
        const label = `${title} of ${titleOf(layer, view)}`;
        const current = () => (this.selection?.layer === i && this.selection.part === part ? this.selection.at : undefined);
        const map = new PixelMap(title, label, arrangement, current, (at) => this.choose({ layer: i, part, at }));
        this.shown.push({ layer: i, part, isGradient, map, arrangement });
        return map.element;
      };
      const tiles = mapTiles(layer.y.shape);
      maps.append(add(layer.kind === 'input' ? 'Pixels x' : layer.kind === 'dense' ? 'Logits y' : layer.kind === 'loss' ? 'Loss' : 'Activations y', 'y', false, tiles));
      if (layer.kind !== 'loss') maps.append(add(layer.kind === 'input' ? 'Cotangents ∂loss/∂x' : 'Cotangents ∂loss/∂y', 'dy', false, tiles));
      for (const { role, value, gradient } of layer.parameters) {
        if (!gradient) continue;
        const arrangement = parameterTiles(value.shape, view.layers[i - 1].y.shape);
        const [title, gradientTitle] = PARAMETER_TITLES[role];
        const name = role === 'w' && layer.kind === 'dense' ? 'Weights w' : title;
        maps.append(make('div', { className: 'pair' }, add(name, role, false, arrangement), add(gradientTitle, role, true, arrangement)));
      }
      const heading = make('h3', {}, titleOf(layer, view), ' ', make('small', {}, summaryOf(layer)));
      return make('li', { className: `card layer ${layer.kind}` }, heading, maps);
    }));
    this.fit();
  }

  private fit(): void {
    const width = this.place.clientWidth - 34;
    const narrow = width < 420;
    for (const { part, map } of this.shown) map.fit(part === 'y' || part === 'dy' ? (narrow ? width : 204) : narrow ? (width - 16) / 2 : 124);
    if (this.palette) this.draw();
  }

  private draw(): void {
    for (const shown of this.shown) {
      const values = this.valuesOf(shown);
      if (values) shown.map.show(values, this.palette!);
    }
  }

  private valuesOf({ layer, part, isGradient }: Shown): Values | undefined {
    const { y, dy, parameters } = this.view!.layers[layer];
    if (part === 'y') return y;
    if (part === 'dy') return dy;
    const parameter = parameters.find(({ role }) => role === (part as Role))!;
    return isGradient ? parameter.gradient : parameter.value;
  }

  private outline({ layer, part, map, arrangement }: Shown): void {
    const outlines: Outline[] = [];
    for (const field of this.fields) if (field.layer === layer && field.part === part) outlines.push(...this.outlinesOf(field, arrangement));
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
