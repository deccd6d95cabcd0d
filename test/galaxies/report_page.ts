export interface Tag {
  readonly name: string;
  readonly attributes: Record<string, string>;
  /** Text directly and indirectly inside. */
  text: string;
  readonly parent: Tag | null;
}

const voids = new Set(['meta', 'img', 'br', 'link', 'input', 'hr']);

/**
 * A strict little HTML reader: every tag closed in order, every attribute quoted, no stray < or &. Throws on the first
 * fault, with what stands there. Gives all elements in document order.
 */
export function readPage(page: string): Tag[] {
  const token = /<!doctype html>|<(\/?)([a-zA-Z][\w-]*)((?:\s+[\w:-]+(?:="[^"<]*")?)*)\s*(\/?)>|([^<]+)/gy;
  const all: Tag[] = [];
  let open: Tag | null = null;
  while (token.lastIndex < page.length) {
    const at = token.lastIndex;
    const match = token.exec(page);
    if (!match) throw new Error(`not HTML: ${page.slice(at, at + 80)}`);
    const [, slash, name, attributeText, selfClosed, text] = match;
    if (text !== undefined) {
      if (open?.name !== 'style' && /&(?!(?:amp|lt|gt|quot|#39|#160|nbsp);)/.test(text))
        throw new Error(`bare &: ${text.slice(0, 80)}`);
      for (let tag = open; tag; tag = tag.parent) tag.text += text;
    } else if (name && slash) {
      if (open?.name !== name) throw new Error(`</${name}> closes <${open?.name}>`);
      open = open.parent;
    } else if (name) {
      const pairs = [...attributeText.matchAll(/([\w:-]+)(?:="([^"]*)")?/g)].map((m) => [m[1], m[2] ?? ''] as const);
      if (new Set(pairs.map(([key]) => key)).size !== pairs.length)
        throw new Error(`attribute twice: ${match[0].slice(0, 120)}`);
      const tag: Tag = { name, attributes: Object.fromEntries(pairs), text: '', parent: open };
      all.push(tag);
      if (!voids.has(name) && !selfClosed) open = tag;
    }
  }
  if (open) throw new Error(`<${open.name}> is never closed`);
  return all;
}
