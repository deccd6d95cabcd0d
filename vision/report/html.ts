/** Text that is HTML already and is not escaped again. Made by `html` and `raw` only. */
export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
  toString(): string {
    return this.text;
  }
}

/** What may stand in a template's `${}`: nothing is shown for null, undefined and false. */
export type Content = string | number | Html | null | undefined | false | readonly Content[];

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Text made safe between tags and inside quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character]);
}

/** Markup from a trusted maker (a drawing, a style sheet), put in as it is. */
export function raw(markup: string): Html {
  return new Html(markup);
}

function show(content: Content): string {
  if (content === null || content === undefined || content === false) return '';
  if (content instanceof Html) return content.text;
  if (typeof content === 'object') return content.map(show).join('');
  return escapeHtml(String(content));
}

/** A piece of a page: html`<p>${anything}</p>`. What is filled in is escaped unless it is `Html`; lists are joined. */
export function html(strings: TemplateStringsArray, ...contents: readonly Content[]): Html {
  return new Html(strings.reduce((text, part, i) => text + show(contents[i - 1]) + part));
}
