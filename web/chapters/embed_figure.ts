import { byId, make } from '../common/dom.ts';
import { embedded } from '../common/embed.ts';
import { showMessage } from '../common/message.ts';

/**
 * The figures of the page; where it is a part of another page, only the one that `?embed=2` names, counted from 1, and
 * nothing beside it but a link to the whole.
 */
export function figuresShown(): HTMLElement[] {
  const sections = [...document.querySelectorAll<HTMLElement>('section.live')];
  const wanted = embedded();
  if (wanted === undefined) return sections;
  const section = sections[wanted === '' ? 0 : Number(wanted) - 1];
  const whole = make('a', { href: location.pathname, target: '_blank', rel: 'noopener' }, document.title);
  if (!section) {
    const message = make('p', { className: 'message' });
    showMessage(message, new Error(`there is no figure ${wanted} here; the page has ${sections.length}`));
    byId('main').replaceChildren(message);
    return [];
  }
  byId('main').replaceChildren(section, make('p', { className: 'whole' }, whole));
  return [section];
}
