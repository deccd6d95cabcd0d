import { showMessage } from '../common/message.ts';
import { showProgress, startExercises } from './exercises.ts';
import { makeFigure } from './figures.ts';

// Exercises first: they listen to the figures.
for (const article of document.querySelectorAll<HTMLElement>('article[data-page]')) startExercises(article);
for (const path of document.querySelectorAll<HTMLElement>('ol.path')) showProgress(path);
// The table of contents and the sources have no figure, and need no engine.
for (const section of document.querySelectorAll<HTMLElement>('section.live'))
  makeFigure(section).catch((error: unknown) => showMessage(section.querySelector<HTMLElement>('.message')!, error));
