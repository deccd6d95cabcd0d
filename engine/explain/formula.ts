/** Names of Greek letters as operands have them, and the letters as formulas have them. */
export const GREEK: Readonly<Record<string, string>> = { gamma: 'γ', beta: 'β', epsilon: 'ε', sigma: 'σ' };

const LETTERS: Readonly<Record<string, string>> = {
  γ: '\\gamma',
  β: '\\beta',
  ε: '\\varepsilon',
  σ: '\\sigma',
  δ: '\\delta',
  ho: 'h_o',
  vo: 'v_o',
};
const FUNCTIONS = new Set(['exp', 'log', 'max', 'min', 'tanh']);
const SIGNS: Readonly<Record<string, string>> = {
  Σ: '\\sum',
  '₁': '_1',
  '₂': '_2',
  '>': '\\gt ',
  '<': '\\lt ',
  '·': '\\cdot ',
  '−': '-',
  '≥': '\\ge ',
  '≤': '\\le ',
  '←': '\\leftarrow ',
  '²': '^2',
  ᵀ: '^{\\mathsf T}',
  '⌊': '\\lfloor ',
  '⌋': '\\rfloor ',
  '⌈': '\\lceil ',
  '⌉': '\\rceil ',
  '∞': '\\infty ',
  '{': '\\{',
  '}': '\\}',
};

/**
 * A formula in TeX. Formulas are written once, as terminals have them: `y[n, k] = Σ_{c} x[n, c] · w[c, k]`. Indices of
 * Σ and max are in braces, √ is before a parenthesis, a hat is a combining sign, Greek letters are themselves. The
 * output column is `vo`, because `w` is kept for weights; code calls it `wo`.
 */
export function formulaToTex(formula: string): string {
  let at = 0;
  const until = (end: string): string => {
    let tex = '';
    while (at < formula.length && formula[at] !== end) tex += next();
    at++;
    return tex;
  };
  const next = (): string => {
    const rest = formula.slice(at);
    const word = /^(?!Σ)\p{L}+/u.exec(rest)?.[0];
    if (rest.startsWith('_{')) {
      at += 2;
      return `_{${until('}')}}`;
    }
    if (rest.startsWith('√(')) {
      at += 2;
      return `\\sqrt{${until(')')}}`;
    }
    if (rest.startsWith('(')) {
      at++;
      return `(${until(')')})`;
    }
    if (word) {
      at += word.length;
      const hat = formula[at] === '\u0302';
      if (hat) at++;
      return hat ? `\\hat{${word}}` : nameInTex(word);
    }
    at++;
    return SIGNS[rest[0]] ?? rest[0];
  };
  let tex = '';
  while (at < formula.length) tex += next();
  return tex.replaceAll(/ {2,}/g, ' ');
}

/** A name: a letter in italics, a function upright, and so is what is longer; `dx` is one letter's cotangent. */
function nameInTex(word: string): string {
  if (LETTERS[word]) return `${LETTERS[word]} `;
  if (FUNCTIONS.has(word)) return `\\${word} `;
  if (word.length === 1) return word;
  if (/^d(.|[γβ])$/u.test(word)) return `d${nameInTex(word.slice(1))}`;
  return `\\mathrm{${word}}`;
}

/** Names that occur in a formula, Greek letters by their own names. */
export const namesIn = (formula: string): Set<string> => {
  const words = formula.match(/\p{L}+/gu) ?? [];
  const latin = Object.fromEntries(Object.entries(GREEK).map(([name, letter]) => [letter, name]));
  return new Set(words.map((word) => latin[word] ?? word));
};
