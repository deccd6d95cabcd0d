/** The element with this id, which the page must have. */
export function byId<E extends HTMLElement = HTMLElement>(id: string): E {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no element #${id}`);
  return element as E;
}

type Child = Node | string;

/** An element with properties (`className`, `onclick`, …; `data-` and `aria-` names become attributes) and children. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: (Partial<HTMLElementTagNameMap[K]> & Record<`data-${string}` | `aria-${string}`, string>) | object = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes('-') || name === 'role') element.setAttribute(name, String(value));
    else Reflect.set(element, name, value);
  }
  element.append(...children);
  return element;
}

/** A colour of the page's palette by its name in site.css, as it is just now: it changes with dark and light. */
export const paletteColour = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
