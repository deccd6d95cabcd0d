import { showNumber } from '../../engine/explain/show_number.ts';
import { make } from '../common/dom.ts';
import { onChosen, onNumbers } from './figure_events.ts';
import { keepSolved, solved } from './progress.ts';

/** An exercise of a chapter: its text is in the page, and a <details> with the answer. */
interface Exercise {
  readonly section: HTMLElement;
  /** The last figure before it. */
  readonly figure: HTMLElement | undefined;
  /** Says whether an answer was right, and opens the answer if so. */
  verdict(right: boolean, wrong?: string): void;
  /** Puts what the reader answers with before the answer. */
  ask(...controls: HTMLElement[]): void;
}

const withSign = (v: number) => showNumber(v).replace(/^-/, '−');

/** A number as one types it, with a comma or a point. NaN where it is none. */
export function readNumber(text: string): number {
  const plain = text.trim().replace(/[−–]/g, '-').replace(',', '.');
  return plain === '' ? NaN : Number(plain);
}

function form(onCheck: () => void, ...children: HTMLElement[]): HTMLFormElement {
  const all = make('form', { className: 'controls' }, ...children, make('button', { type: 'submit' }, 'Check'));
  all.addEventListener('submit', (event) => {
    event.preventDefault();
    onCheck();
  });
  return all;
}

function number({ section, verdict, ask }: Exercise): void {
  const [want, tolerance] = [Number(section.dataset.value), Number(section.dataset.tolerance ?? 0)];
  const box = make('input', { type: 'text', inputMode: 'decimal', autocomplete: 'off' });
  const check = () => {
    const given = readNumber(box.value);
    if (!Number.isFinite(given)) verdict(false, 'Type a number.');
    else verdict(Math.abs(given - want) <= tolerance + 1e-9 * Math.abs(want), `${withSign(given)} is not right.`);
  };
  ask(form(check, make('label', {}, 'Your answer', box)));
}

function choice({ section, verdict, ask }: Exercise): void {
  const items = [...section.querySelectorAll('ol:not(details ol) > li')];
  const name = `choice-${section.getAttribute('aria-label')!.replace(/\D/g, '')}`;
  const radios = items.map((item, i) => {
    const radio = make('input', { type: 'radio', name, value: String(i + 1) });
    item.replaceChildren(make('label', {}, radio, make('span', {}, ...item.childNodes)));
    return radio;
  });
  const list = items[0].parentElement!;
  const group = make('fieldset', {}, make('legend', {}, 'Choose one'));
  list.replaceWith(group);
  group.append(list);
  const check = () => {
    const chosen = radios.find((radio) => radio.checked);
    if (!chosen) verdict(false, 'Choose one.');
    else verdict(chosen.value === section.dataset.value, `Answer ${chosen.value} is not right.`);
  };
  ask(form(check));
}

/** The same cell however its index is spaced. */
const plainName = (cell: string) => cell.replaceAll(' ', '');

function cell({ section, figure, verdict, ask }: Exercise): void {
  const chosen = make('output', {}, 'none yet');
  if (figure) onChosen(figure, (name) => (chosen.textContent = name));
  const check = () =>
    verdict(plainName(chosen.value) === plainName(section.dataset.value!), `${chosen.value} is not the one.`);
  ask(form(check, make('p', { className: 'chosen' }, 'Chosen in the figure: ', chosen)));
}

/** What a figure's number is called where its name is no symbol of a formula. */
const SPOKEN: Readonly<Record<string, string>> = { heldout: 'held-out loss' };

function goal({ section, figure, verdict, ask }: Exercise): void {
  const { name, sign, value } = section.dataset;
  const now = make('output', {}, '…');
  const words = `Goal: ${SPOKEN[name!] ?? name} ${sign} ${withSign(Number(value))}. Now: `;
  ask(make('p', { className: 'chosen' }, words, now, '.'));
  if (!figure) return;
  onNumbers(figure, (numbers) => {
    const found = Object.entries(numbers).find(([each]) => plainName(each) === plainName(name!));
    if (!found) throw new Error(`the figure has no ${name}`);
    now.textContent = withSign(found[1]);
    if (sign === '>' ? found[1] > Number(value) : found[1] < Number(value)) verdict(true);
  });
}

const KINDS: Readonly<Record<string, (exercise: Exercise) => void>> = { number, choice, cell, goal };

/** Gives the exercises of a chapter what one answers with. */
export function startExercises(article: HTMLElement): void {
  const page = article.dataset.page!;
  const figures = [...article.querySelectorAll<HTMLElement>('section.live')];
  article.querySelectorAll<HTMLElement>('section.exercise').forEach((section, i) => {
    const answer = section.querySelector('details')!;
    const said = make('p', { className: 'verdict', 'aria-live': 'polite' });
    const mark = make('p', { className: 'solved', hidden: !solved()[page]?.includes(i) }, '✓ Solved');
    section.prepend(mark);
    answer.before(said);
    KINDS[section.dataset.kind!]({
      section,
      figure: figures.findLast((f) => f.compareDocumentPosition(section) & Node.DOCUMENT_POSITION_FOLLOWING),
      verdict(right, wrong = '') {
        section.classList.toggle('right', right);
        said.textContent = right ? 'Right.' : `${wrong} Try again, or open the answer.`;
        if (!right) return;
        answer.open = true;
        mark.hidden = false;
        keepSolved(page, i);
      },
      ask: (...controls) => said.before(...controls),
    });
  });
}

/** Marks in the contents how many exercises of each chapter are solved. */
export function showProgress(path: HTMLElement): void {
  const all = solved();
  for (const item of path.querySelectorAll<HTMLElement>('li[data-page]')) {
    const [done, count] = [all[item.dataset.page!]?.length ?? 0, Number(item.dataset.exercises)];
    if (done > 0) item.append(make('small', { className: 'solved' }, `✓ ${Math.min(done, count)} of ${count} solved`));
  }
}
