import { make } from '../common/dom.ts';

/**
 * Two ways to print a chapter, at its end: its exercises alone, or with the answers on the last page. On the screen
 * the answers stay where they are.
 */
export function offerPaper(article: HTMLElement): void {
  const exercises = [...article.querySelectorAll<HTMLElement>('.exercise')];
  const button = (text: string, onclick: () => void) => make('button', { type: 'button', onclick }, text);
  const withAnswers = () => {
    const sheet = answersOf(exercises);
    article.append(sheet);
    window.addEventListener('afterprint', () => sheet.remove(), { once: true });
    window.print();
  };
  article.append(
    make(
      'p',
      { className: 'paper controls' },
      button(exercises.length > 0 ? 'Print the chapter' : 'Print this page', () => window.print()),
      ...(exercises.length > 0 ? [button('Print it with the answers', withAnswers)] : []),
    ),
  );
}

function answersOf(exercises: readonly HTMLElement[]): HTMLElement {
  const answers = exercises.map((exercise) => {
    const details = exercise.querySelector('details')!.cloneNode(true) as HTMLElement;
    details.querySelector('summary')?.remove();
    return make('div', {}, make('h3', {}, exercise.getAttribute('aria-label') ?? 'Exercise'), ...details.childNodes);
  });
  return make('section', { className: 'answers' }, make('h2', {}, 'Answers'), ...answers);
}
