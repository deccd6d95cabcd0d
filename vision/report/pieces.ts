import type { TopLevelSpec } from 'vega-lite';
import { UserError } from '../../engine/user_error.ts';
import type { Picture } from './data.ts';
import { html, raw } from './html.ts';
import type { Content, Html } from './html.ts';
import { style } from './style.ts';
import { COLOURS, renderSvg, seriesColour } from './svg.ts';

/** What a reader gets in place of a number that does not exist, such as the precision of a class never predicted. */
const NOTHING = '–';

/** A share or another number with three decimals. */
export const decimal = (value: number | null, digits = 3): string =>
  value !== null && Number.isFinite(value) ? value.toFixed(digits) : NOTHING;

/** A share in 0..1 as a percentage. */
export const percent = (share: number, digits = 1): string =>
  Number.isFinite(share) ? `${(100 * share).toFixed(digits)} %` : NOTHING;

/** A count with thin spaces between thousands. */
export const count = (n: number): string => String(n).replace(/\B(?=(\d{3})+$)/g, '\u2009');

/** `7.3 s`, `4 min 05 s`, `1 h 12 min`. */
export function duration(seconds: number): string {
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${String(whole % 60).padStart(2, '0')} s`;
  const roundedMinutes = Math.round(whole / 60);
  return `${Math.floor(roundedMinutes / 60)} h ${String(roundedMinutes % 60).padStart(2, '0')} min`;
}

/** An `<img>` that loads nothing. Throws where the picture's address would make a browser fetch something. */
export function image(picture: Picture, alt: string): Html {
  if (!picture.src.startsWith('data:image/')) {
    throw new UserError(
      `The picture "${alt}" has the address "${picture.src.slice(0, 60)}": a report holds its pictures itself, as data:image/ URIs.`,
    );
  }
  return html`<img src="${picture.src}" width="${picture.width}" height="${picture.height}" alt="${alt}">`;
}

/** Content with a title and how to read it. */
export function figure(content: Content, title: string, reading: Content, className = ''): Html {
  return html`<figure${className && html` class="${className}"`}>${content}<figcaption><strong>${title}.</strong> ${reading}</figcaption></figure>`;
}

/** A figure drawn from a vega-lite spec; the title is also what a screen reader says. */
export async function plot(spec: TopLevelSpec, title: string, reading: Content, className = ''): Promise<Html> {
  return figure(raw(await renderSvg(spec, title)), title, reading, className);
}

/** A number in large type for the top of a page. */
export const card = (value: string, name: string, detail: string): Html =>
  html`<li>${name}<strong>${value}</strong><small>${detail}</small></li>`;

/** Which colour stands for what, by places among the colours; a ring for those that come after the last. */
export const key = (things: readonly { readonly name: string; readonly place: number }[]): Html =>
  html`${things.map(({ name, place }) => html`<span class="key"><i style="border-color:${seriesColour(place)}${place < COLOURS && `;background:${seriesColour(place)}`}"></i>${name}</span> `)}`;

/** The key of a question's answers. */
export const answerKey = (answers: readonly string[]): Html => key(answers.map((name, place) => ({ name, place })));

export interface Table {
  readonly caption: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Content[])[];
  /** The row to print bold. */
  readonly marked?: number;
  /** For words rather than numbers: everything to the left. */
  readonly plain?: boolean;
}

/**
 * A table whose first column names the row. On a narrow screen it scrolls by itself, reachable with the keyboard too.
 */
export function table({ caption, columns, rows, marked, plain }: Table): Html {
  const body = rows.map(
    (cells, i) => html`<tr${i === marked && html` class="marked"`}>${cells.map((cell, c) =>
      c === 0 ? html`<th scope="row">${cell}</th>` : html`<td>${cell}</td>`,
    )}</tr>
`,
  );
  return html`<div class="scroll" role="region" tabindex="0" aria-label="${caption}"><table${plain && html` class="plain"`}>
<caption><span>${caption}</span></caption>
<thead><tr>${columns.map((column) => html`<th scope="col">${column}</th>`)}</tr></thead>
<tbody>
${body}</tbody></table></div>
`;
}

export interface Section {
  /** Its anchor. */
  readonly id: string;
  readonly title: string;
  readonly body: Content;
}

/**
 * The whole page: what is in `header`, then the sections with links to them. Nothing in it can load or run anything.
 */
export function page(title: string, header: Content, sections: readonly Section[]): string {
  const policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${raw(style)}</style>
</head>
<body>
<header>
<h1>${title}</h1>
${header}
${
  sections.length > 1 &&
  html`<nav aria-label="Sections">${sections.map(
    ({ id, title: name }) => html`<a href="#${id}">${name}</a>
`,
  )}</nav>`
}
</header>
<main>
${sections.map(
  ({ id, title: name, body }) => html`<section id="${id}" aria-labelledby="${id}-title">
<h2 id="${id}-title">${name}</h2>
${body}
</section>
`,
)}</main>
<footer>Made by Tuningfork. This page is one file: it loads nothing and runs nothing.</footer>
</body>
</html>
`.text;
}
