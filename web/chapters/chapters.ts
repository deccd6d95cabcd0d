import { showMessage } from '../common/message.ts';
import { stopAtScrolls } from '../common/scroll_stops.ts';
import { figuresShown } from './embed_figure.ts';
import { showProgress, startExercises } from './exercises.ts';
import { makeFigure } from './figures.ts';
import { offerPaper } from './paper.ts';

stopAtScrolls('.prose .scroll');
// How far a figure that is higher than the window is moved on beside the text: see chapters.css.
const heights = new ResizeObserver((entries) => {
  for (const { target } of entries)
    (target as HTMLElement).style.setProperty('--height', `${(target as HTMLElement).offsetHeight}px`);
});
for (const figure of document.querySelectorAll('.passage > section.live')) heights.observe(figure);
// The table of contents and the sources have no figure, and need no engine.
const figures = figuresShown();
// Exercises first: they listen to the figures.
for (const article of document.querySelectorAll<HTMLElement>('article[data-page]')) {
  startExercises(article);
  offerPaper(article);
}
for (const path of document.querySelectorAll<HTMLElement>('ol.path')) showProgress(path);
for (const section of figures)
  makeFigure(section).catch((error: unknown) => showMessage(section.querySelector<HTMLElement>('.message')!, error));
