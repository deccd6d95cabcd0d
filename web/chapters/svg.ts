const SVG = 'http://www.w3.org/2000/svg';

export type Attributes = Readonly<Record<string, string | number>>;

/** An SVG element with its attributes and children; text is a child too. */
export function draw(tag: string, attributes: Attributes = {}, ...children: readonly (Node | string)[]): SVGElement {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/** A picture of a width and a height in units of its own, with words for those who do not see it. */
export function picture(className: string, width: number, height: number): SVGElement {
  return draw('svg', { viewBox: `0 0 ${width} ${height}`, role: 'img', class: className });
}

/** Gives the picture its contents and the words that say what they are. */
export function show(svg: SVGElement, words: string, ...children: readonly Node[]): void {
  svg.setAttribute('aria-label', words);
  svg.replaceChildren(draw('title', {}, words), ...children);
}
