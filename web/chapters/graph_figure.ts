import { showNumber } from '../../engine/explain/show_number.ts';
import { make } from '../common/dom.ts';
import { tellNumbers } from './figure_events.ts';
import { GRAPHS, RULES, lossOf, run, smallChange, type Flow, type GraphNode, type Run } from './graph.ts';
import { draw, picture, show } from './svg.ts';

const number = (value: number): string => showNumber(value).replace('-', '−');
const signed = (value: number): string => (value < 0 ? `(${number(value)})` : number(value));

/** A box, and the way from one to the next. */
const [BOX, HIGH, ACROSS, DOWN] = [100, 52, 108, 78];
const placeOf = ({ at: [column, row] }: GraphNode) => ({
  x: column * ACROSS + BOX / 2 + 4,
  y: row * DOWN + HIGH / 2 + 4,
});

const formulaOf = ({ name, op, inputs }: GraphNode): string =>
  op ? `${name} = ${RULES[op].written(...inputs!)}` : name;

/**
 * A small graph: operands to change, values forwards and cotangents backwards a step at a time, each with its numbers,
 * and the same gradient by a small change. `data-example` names the graph.
 */
class GraphFigure {
  private readonly example;
  private readonly operands: Record<string, number>;
  private state: Run;
  /** How many steps were taken. */
  private taken = 0;

  private readonly svg;
  private readonly reading = make('p', { className: 'behind', 'aria-live': 'polite' });
  private readonly checked = make('p', { className: 'said', 'aria-live': 'polite' });
  private readonly rows = make('tbody');
  private readonly boxes = new Map<string, HTMLInputElement>();
  private readonly moves: Readonly<Record<'start' | 'back' | 'next' | 'end', HTMLButtonElement>>;
  private readonly which: HTMLSelectElement;

  constructor(private readonly section: HTMLElement) {
    this.example = GRAPHS[section.dataset.example ?? 'neuron'];
    this.operands = { ...this.example.given };
    this.state = run(this.example, this.operands);
    const { nodes, says } = this.example;
    const [columns, rows] = [0, 1].map((axis) => Math.max(...nodes.map(({ at }) => at[axis])));
    this.svg = picture('graph', columns * ACROSS + BOX + 8, rows * DOWN + HIGH + 8);
    const move = (text: string, to: () => number) =>
      make('button', { type: 'button', onclick: () => this.go(to()) }, text);
    this.moves = {
      start: move('Start', () => 0),
      back: move('Back', () => this.taken - 1),
      next: move('Next', () => this.taken + 1),
      end: move('End', () => this.state.steps.length),
    };
    this.moves.next.className = 'primary';
    this.which = make('select', {}, ...Object.keys(this.operands).map((name) => make('option', { value: name }, name)));
    const check = make('button', { type: 'button', onclick: () => this.check() }, 'Check by a small change');
    section.replaceChildren(
      make('p', { className: 'message', role: 'status' }),
      make('p', { className: 'says' }, says),
      make('div', { className: 'controls operands' }, ...Object.keys(this.operands).map((name) => this.box(name))),
      make('div', { className: 'controls steps' }, ...Object.values(this.moves), this.reset()),
      make('div', { className: 'reading' }, this.reading),
      this.svg,
      make('div', { className: 'controls' }, make('label', {}, 'operand', this.which), check),
      this.checked,
      make('details', {}, make('summary', {}, 'All numbers as a table'), this.table()),
    );
    section.addEventListener('keydown', (event) => this.key(event));
    // Forwards is done; backwards is the reader's.
    this.go(nodes.filter(({ op }) => op).length);
    this.tell();
  }

  private tell(): void {
    const { values, cotangents } = this.state;
    const gradients = [...cotangents].map(([name, value]) => [`d${name}`, value] as const);
    tellNumbers(this.section, Object.fromEntries([...values, ...gradients]));
  }

  private box(name: string): HTMLElement {
    const box = make('input', { type: 'number', step: 'any', name, value: String(this.operands[name]) });
    box.addEventListener('input', () => {
      const value = box.valueAsNumber;
      box.setAttribute('aria-invalid', String(!(Math.abs(value) <= 1000)));
      if (Math.abs(value) <= 1000) this.change({ [name]: value });
    });
    this.boxes.set(name, box);
    return make('label', {}, name, box);
  }

  private reset(): HTMLElement {
    const first = () => {
      for (const [name, box] of this.boxes) box.value = String(this.example.given[name]);
      this.change(this.example.given);
    };
    return make('button', { type: 'button', onclick: first }, 'First numbers');
  }

  private change(numbers: Readonly<Record<string, number>>): void {
    Object.assign(this.operands, numbers);
    this.state = run(this.example, this.operands);
    this.checked.textContent = '';
    this.go(this.taken);
    this.tell();
  }

  /** Left and right anywhere but in a field are one step back and on. */
  private key(event: KeyboardEvent): void {
    if (event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement) return;
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (by === undefined) return;
    this.go(this.taken + by);
    event.preventDefault();
  }

  private go(to: number): void {
    const { steps } = this.state;
    this.taken = Math.min(Math.max(to, 0), steps.length);
    // Not `disabled`: the one that is pressed would lose the focus.
    const { start, back, next, end } = this.moves;
    for (const button of [start, back]) button.ariaDisabled = String(this.taken === 0);
    for (const button of [next, end]) button.ariaDisabled = String(this.taken === steps.length);
    this.read();
    this.picture();
    this.fill();
  }

  /** What is known after the steps taken. */
  private known() {
    const done = this.state.steps.slice(0, this.taken);
    const isKnown = ({ name, op }: GraphNode) =>
      !op || done.some(({ kind, node }) => kind === 'forwards' && node.name === name);
    const flows = done.flatMap((step) => step.flows);
    const loss = lossOf(this.example);
    const seeded = done.some(({ kind }) => kind === 'seed');
    const cotangent = (name: string): number | undefined =>
      name === loss ? (seeded ? 1 : undefined) : flows.findLast(({ to }) => to === name)?.after;
    return { isKnown, flows, cotangent };
  }

  private read(): void {
    const step = this.state.steps[this.taken - 1];
    if (!step) {
      this.reading.textContent = 'The operands are given. Press Next.';
      return;
    }
    const { name, op, inputs } = step.node;
    const value = (of: string) => this.state.values.get(of)!;
    const lines = {
      forwards: () => [
        `Forwards: ${formulaOf(step.node)} = ${RULES[op!].written(...inputs!.map((of) => signed(value(of))))} = ${number(value(name))}`,
      ],
      seed: () => [`Backwards begins at the loss: d${name} = 1`],
      backwards: () => step.flows.map(writtenFlow),
    }[step.kind]();
    this.reading.replaceChildren(
      make('span', { className: 'count' }, `Step ${this.taken} of ${this.state.steps.length}`),
      ...lines.map((line) => make('span', { className: 'line' }, line)),
    );
  }

  private picture(): void {
    const { nodes } = this.example;
    const { isKnown, flows, cotangent } = this.known();
    const now = this.state.steps[this.taken - 1];
    const byName = new Map(nodes.map((node) => [node.name, node]));
    const edges = nodes.flatMap((node) =>
      (node.inputs ?? []).map((input) =>
        edge(
          byName.get(input)!,
          node,
          flows.find(({ from, to }) => from === node.name && to === input),
          now?.flows,
        ),
      ),
    );
    const boxes = nodes.map((node) => {
      const { x, y } = placeOf(node);
      const d = cotangent(node.name);
      const isNow = now && now.node.name === node.name;
      return draw(
        'g',
        { class: `node ${node.op ? 'made' : 'given'}${isNow ? ' now' : ''}`, transform: `translate(${x} ${y})` },
        draw('rect', { x: -BOX / 2, y: -HIGH / 2, width: BOX, height: HIGH, rx: 6 }),
        draw('text', { y: -10, class: 'formula' }, formulaOf(node)),
        draw('text', { y: 5, class: 'value' }, isKnown(node) ? number(this.state.values.get(node.name)!) : '?'),
        draw('text', { y: 20, class: 'cotangent' }, d === undefined ? '' : `d${node.name} = ${number(d)}`),
      );
    });
    show(this.svg, this.inWords(), ...edges.map(({ line }) => line), ...boxes, ...edges.map(({ label }) => label));
  }

  private inWords(): string {
    const { isKnown, cotangent } = this.known();
    const said = this.example.nodes.filter(isKnown).map((node) => {
      const d = cotangent(node.name);
      return `${formulaOf(node)}: ${number(this.state.values.get(node.name)!)}${d === undefined ? '' : `, cotangent ${number(d)}`}`;
    });
    return `A graph of ${this.example.nodes.length} nodes. ${said.join('; ')}.`;
  }

  private check(): void {
    const name = this.which.value;
    const { above, below, by, slope } = smallChange(this.example, this.operands, name);
    const exact = (v: number) => String(Number(v.toPrecision(9))).replace('-', '−');
    this.checked.textContent =
      `With ${name} larger by ${by} the loss is ${exact(above)}, with ${name} smaller by ${by} it is ${exact(below)}. ` +
      `(${exact(above)} − ${exact(below)}) / ${2 * by} = ${number(slope)}; backwards gave d${name} = ${number(this.state.cotangents.get(name)!)}.`;
  }

  private table(): HTMLElement {
    const head = ['node', 'value', 'cotangent'].map((text) => make('th', { scope: 'col' }, text));
    return make(
      'div',
      { className: 'scroll' },
      make('table', { className: 'numbers' }, make('thead', {}, make('tr', {}, ...head)), this.rows),
    );
  }

  private fill(): void {
    const { isKnown, flows, cotangent } = this.known();
    this.rows.replaceChildren(
      ...this.example.nodes.map((node) => {
        const d = cotangent(node.name);
        const from = flows
          .filter(({ to }) => to === node.name)
          .map(({ arriving, slope }) => `${signed(arriving)} · ${signed(slope)}`);
        const sum = from.length > 0 ? `${from.join(' + ')} = ` : '';
        return make(
          'tr',
          {},
          make('th', { scope: 'row' }, formulaOf(node)),
          make('td', { 'data-cell': node.name }, isKnown(node) ? number(this.state.values.get(node.name)!) : ''),
          make('td', { 'data-cell': `d${node.name}` }, d === undefined ? '' : `${sum}${number(d)}`),
        );
      }),
    );
  }
}

export const graphFigure = async (section: HTMLElement): Promise<void> => void new GraphFigure(section);

/** `ds = dy · (1 if s > 0, else 0) = 6 · 1 = 6`, with what was there before where an operand is used twice. */
function writtenFlow({ from, to, slope, slopeWritten, arriving, product, before, after }: Flow): string {
  const one = `d${from} · ${slopeWritten} = ${signed(arriving)} · ${signed(slope)} = ${number(product)}`;
  return before === undefined
    ? `d${to} = ${one}`
    : `${to} is used again: ${one}, and d${to} = ${number(before)} + ${signed(product)} = ${number(after)}`;
}

/** A line from an input to its user, and on it the slope, once a cotangent came along. */
function edge(from: GraphNode, to: GraphNode, flow: Flow | undefined, now: readonly Flow[] = []) {
  const [a, b] = [placeOf(from), placeOf(to)];
  // From side to side in a row, else from bottom to top.
  const side = a.y === b.y ? (Math.sign(b.x - a.x) * BOX) / 2 : 0;
  const end = side === 0 ? HIGH / 2 : 0;
  const [x1, y1, x2, y2] = [a.x + side, a.y + end, b.x - side, b.y - end];
  const kind = flow ? (now.includes(flow) ? 'back now' : 'back') : 'on';
  const line = draw('line', { x1, y1, x2, y2, class: `edge ${kind}` });
  // Nearer to the input, where lines are further apart.
  const [x, y] = [x1 + (x2 - x1) * 0.4, y1 + (y2 - y1) * 0.4 + 4];
  const label = draw('text', { x, y, class: `slope ${kind}` }, flow ? `×${number(flow.slope)}` : '');
  return { line, label };
}
