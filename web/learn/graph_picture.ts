import { byId, make } from '../common/dom.ts';
import type { Graph, GraphNode } from './graph.ts';
import { BOX, layoutOf } from './graph_layout.ts';

const SVG = 'http://www.w3.org/2000/svg';

function svg(tag: string, attributes: Readonly<Record<string, string | number>>, ...children: (Node | string)[]) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

const shaped = (shape: readonly number[]) => `[${shape.join(', ')}]`;

/** The head of all arrows, in the colour of each. */
const arrowHead = (): SVGElement =>
  svg(
    'marker',
    {
      id: 'graph-head',
      viewBox: '0 0 8 8',
      refX: 7,
      refY: 4,
      markerWidth: 9,
      markerHeight: 9,
      markerUnits: 'userSpaceOnUse',
      orient: 'auto',
    },
    svg('path', { d: 'M0 0L8 4L0 8z', fill: 'context-stroke' }),
  );

/**
 * The graph of the loss: nodes are ops, arrows are tensors. One goes back through it step by step, as backpropagation
 * does; what cotangents have reached is lit.
 */
export class GraphPicture {
  private graph: Graph | undefined;
  /** Steps that are made: 0 before the first. */
  private step = 0;
  private readonly picture = make('div', {
    className: 'graph-picture',
    tabIndex: 0,
    role: 'group',
    'aria-label': 'The graph; the arrow keys go a step back or on',
  });
  private readonly words = make('div', { className: 'graph-words', id: 'graph-words', 'aria-live': 'polite' });
  private readonly before = make('button', { type: 'button', id: 'graph-before' }, 'Before');
  private readonly next = make('button', { type: 'button', id: 'graph-next', className: 'primary' }, 'Next');
  private boxes: readonly SVGElement[] = [];
  private arrows: readonly { from: number; to: number; path: SVGElement }[] = [];

  constructor(place: HTMLElement) {
    this.before.onclick = () => this.go(this.step - 1);
    this.next.onclick = () => this.go(this.step + 1);
    this.picture.onkeydown = (event) => {
      const by = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
      if (by === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      this.go(this.step + by);
    };
    place.append(
      make(
        'p',
        {},
        'The ops that make the loss of a batch, as the engine has them. Forwards, numbers go along the arrows; backwards, cotangents go against them, from the loss to the weights.',
      ),
      make(
        'div',
        { className: 'graph-bench' },
        this.picture,
        make('div', {}, make('div', { className: 'controls' }, this.before, this.next), this.words),
      ),
    );
  }

  show(graph: Graph): void {
    this.graph = graph;
    const { width, height, boxes, arrows } = layoutOf(graph);
    this.arrows = arrows.map(({ from, to, path }) => ({
      from,
      to,
      path: svg('path', { d: path, class: 'graph-arrow', 'marker-end': 'url(#graph-head)' }),
    }));
    this.boxes = graph.nodes.map((node) => {
      const { x, y, width: wide } = boxes[node.id];
      const text = node.kind === 'op' && node.layer ? `${node.title} · ${node.layer}` : node.title;
      const box = svg(
        'g',
        { class: `graph-node ${node.kind}`, transform: `translate(${x} ${y})` },
        svg('title', {}, `${text} ${shaped(node.shape)}`),
        svg('rect', { width: wide, height: BOX, rx: node.kind === 'op' ? 6 : 14 }),
        svg('text', { x: wide / 2, y: BOX / 2 + 4, 'text-anchor': 'middle' }, shortened(text, wide)),
      );
      const at = graph.steps.findIndex((step) => step.node === node.id);
      if (at >= 0) box.addEventListener('click', () => this.go(at + 1));
      return box;
    });
    const label = `A graph of ${graph.nodes.filter(({ kind }) => kind === 'op').length} ops, from the image to the loss.`;
    const drawing = svg(
      'svg',
      { viewBox: `0 -8 ${width} ${height + 8}`, width, height: height + 8, role: 'img', 'aria-label': label },
      arrowHead(),
      ...this.arrows.map(({ path }) => path),
      ...this.boxes,
    );
    this.picture.replaceChildren(drawing);
    this.go(0);
  }

  /** To the state after so many steps. */
  private go(step: number): void {
    const { nodes, steps } = this.graph!;
    this.step = Math.max(0, Math.min(steps.length, step));
    const made = steps.slice(0, this.step);
    const now = made.at(-1);
    const reached = new Set([nodes.length - 1, ...made.flatMap(({ to }) => to)]);
    const done = new Set(made.map(({ node }) => node));
    this.boxes.forEach((box, id) => {
      box.classList.toggle('now', id === now?.node);
      box.classList.toggle('reached', reached.has(id));
    });
    for (const { from, to, path } of this.arrows) {
      const flows = done.has(to) && steps.some((each) => each.node === to && each.to.includes(from));
      path.classList.toggle('flowed', flows);
      path.classList.toggle('flows', flows && to === now?.node);
    }
    this.before.disabled = this.step === 0;
    this.next.disabled = this.step === steps.length;
    this.words.replaceChildren(...this.said());
    const box = now && this.boxes[now.node].getBoundingClientRect();
    const frame = this.picture.getBoundingClientRect();
    if (box) this.picture.scrollTop += box.top - frame.top - frame.height / 2;
    else this.picture.scrollTop = this.picture.scrollHeight;
  }

  private said(): HTMLElement[] {
    const { nodes, steps } = this.graph!;
    if (this.step === 0)
      return [
        make('h3', {}, 'Before the first step'),
        make(
          'p',
          {},
          'The cotangent of the loss is dloss/dloss = 1. Next: the loss hands it back to what it is made from.',
        ),
      ];
    const { node: id, to } = steps[this.step - 1];
    const node = nodes[id];
    const arrived = steps.filter((step) => step.to.includes(id)).length;
    const called = (n: GraphNode) => (n.layer ? `${n.title} of ${n.layer}` : n.title);
    const come = arrived > 1 ? `${arrived} cotangents have come and are added up: it has ${arrived} users.` : '';
    return [
      make('h3', {}, `Step ${this.step} of ${steps.length}: ${called(node)}`),
      make('p', {}, `Its cotangent dy ${shaped(node.shape)} is whole. ${come}`),
      ...(node.formula ? [make('p', {}, 'Forwards'), make('pre', { className: 'formula' }, node.formula)] : []),
      ...to.flatMap((input) => {
        const formula = node.gradients.find((each) => each.to === input)?.formula;
        return [
          make('p', {}, `To ${called(nodes[input])} ${shaped(nodes[input].shape)}`),
          ...(formula ? [make('pre', { className: 'formula' }, formula)] : []),
        ];
      }),
      ...(this.step === steps.length ? [make('p', {}, 'Every weight has its gradient.')] : []),
    ];
  }
}

/** As much of the text as a box of so many pixels holds. */
const shortened = (text: string, width: number) => {
  const most = Math.floor((width - 10) / 6.4);
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
};

/** The drawer of the page that the picture lies in; it is drawn when it is opened, and anew for another network. */
export class GraphDrawer {
  private readonly details = byId<HTMLDetailsElement>('graph-details');
  private picture: GraphPicture | undefined;
  private isOld = true;

  constructor(private readonly load: (draw: (graph: Graph) => void) => void) {
    this.details.addEventListener('toggle', () => this.draw());
  }

  changed(): void {
    this.isOld = true;
    this.draw();
  }

  private draw(): void {
    if (!this.details.open || !this.isOld) return;
    this.isOld = false;
    this.load((graph) => (this.picture ??= new GraphPicture(byId('graph'))).show(graph));
  }
}
