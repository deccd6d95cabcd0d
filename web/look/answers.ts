import { QUESTIONS, type Question } from '../../galaxies/decision_tree.ts';
import type { PredictionRecord } from '../../vision/answer/prediction_record.ts';
import { byId, make } from '../common/dom.ts';
import { showMessage } from '../common/message.ts';
import { fourDigits, isGalaxyZoo, percent } from './strip.ts';
import { verdict, type Truth } from './truth.ts';

const HEADS = ['', '', 'says', 'truth'];

/** A bar for each name, the largest stands out; below it a narrow one for the truth, where that is known. */
function bars(named: readonly (readonly [name: string, share: number, truth?: number])[]): HTMLElement {
  const most = Math.max(...named.map(([, share]) => share));
  const bar = (className: string, share: number): HTMLElement => {
    const fill = make('div', { className: 'fill' });
    fill.style.width = `${100 * share}%`;
    return make('div', { className: `track ${className}`, 'aria-hidden': 'true' }, fill);
  };
  const isKnown = named.some(([, , truth]) => truth !== undefined);
  return make(
    'div',
    { className: isKnown ? 'bars known' : 'bars' },
    ...(isKnown ? HEADS.map((head) => make('span', { className: 'head' }, head)) : []),
    ...named.map(([name, share, truth]) =>
      make(
        'div',
        { className: share === most ? 'row most' : 'row' },
        make('span', {}, name),
        make('div', {}, bar('', share), ...(truth === undefined ? [] : [bar('truth', truth)])),
        make('span', { className: 'number' }, percent(share)),
        ...(truth === undefined ? [] : [make('span', { className: 'number faint' }, percent(truth, 0))]),
      ),
    ),
  );
}

/** The answers that most votes are predicted for, question after question from the first. */
function path(fractions: Readonly<Record<string, number>>): string[] {
  const said: string[] = [];
  for (let number: number | null = 1; number !== null; ) {
    const { answers, text }: Question = QUESTIONS[number - 1];
    const shares = answers.map((_, i) => fractions[`Class${number}.${i + 1}`]);
    const answer: Question['answers'][number] = answers[shares.indexOf(Math.max(...shares))];
    said.push(number === 1 ? answer.text : `${text}: ${answer.text}`);
    number = answer.next;
  }
  return said;
}

/**
 * Shows a prediction, and the truth beside it where that is known: probabilities of classes, numbers, or fractions of
 * votes question by question.
 */
export function showAnswer(record: PredictionRecord, truth: Truth | undefined): void {
  const place = byId('answer');
  const said =
    truth &&
    ('predicted' in record ? verdict(record.predicted, truth) : 'The narrow bars are what volunteers would say.');
  showMessage(byId('truth'), said ?? '');
  byId('truth').className = said?.startsWith('✗') ? 'wrong' : said?.startsWith('✓') ? 'right' : '';
  const withTruth = (name: string, share: number) => [outputName(name), share, truth?.shares[name]] as const;
  if ('predicted' in record) {
    const { predicted, probabilities } = record;
    place.replaceChildren(make('strong', {}, predicted), ` with a confidence of ${percent(probabilities[predicted])}.`);
    byId('bars').replaceChildren(bars(Object.entries(probabilities).map(([name, share]) => withTruth(name, share))));
    return;
  }
  if ('values' in record) {
    const values = Object.entries(record.values).map(([name, value]) => `${name} ${fourDigits(value)}`);
    place.replaceChildren(make('strong', {}, values.join(', ')));
    byId('bars').replaceChildren();
    return;
  }
  const { fractions } = record;
  if (!isGalaxyZoo(fractions)) {
    place.replaceChildren('Shares of the votes on each question.');
    byId('bars').replaceChildren(bars(Object.entries(fractions)));
    return;
  }
  const [first, ...rest] = path(fractions);
  place.replaceChildren(
    'Most votes go to ',
    make('strong', {}, first),
    `${rest.length > 0 ? `; ${rest.join('; ')}` : ''}.`,
  );
  byId('bars').replaceChildren(
    ...QUESTIONS.flatMap(({ number, text, answers }) => [
      make('h3', { className: 'question' }, `${number}. ${text}`),
      bars(
        answers.map(({ text: answer }, i) => {
          const column = `Class${number}.${i + 1}`;
          return [answer, fractions[column], truth?.shares[column]] as const;
        }),
      ),
    ]),
  );
}

/** What an output of a model is called: a class, or an answer to a question. */
export function outputName(name: string): string {
  const column = /^Class(\d+)\.(\d+)$/.exec(name);
  if (!column) return name;
  const { text, answers } = QUESTIONS[Number(column[1]) - 1];
  return `${column[1]}. ${text}: ${answers[Number(column[2]) - 1].text}`;
}
