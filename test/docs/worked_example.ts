import type { Device } from '../../engine/device/device.ts';
import {
  defaultsOf,
  elementOf,
  showArithmetic,
  slicesOf,
  type Explanation,
  type Values,
} from '../../engine/explain/explanation.ts';
import { EXPLANATIONS } from '../../engine/explain/explanations.ts';
import { formulaToTex } from '../../engine/explain/formula.ts';
import { showNumber } from '../../engine/explain/show_number.ts';
import { work } from '../../engine/explain/work.ts';

/** Products on a line of a formula: what a phone has room for. */
const IN_A_LINE = 3;

const inTex = (text: string): string =>
  formulaToTex(text).replaceAll(/(\d)e-(\d+)/g, (_, digits: string, power: string) =>
    digits === '1' ? `10^{-${power}}` : `${digits} \\cdot 10^{-${power}}`,
  );
const nameOf = (explanation: Explanation, name: string): string =>
  /^d?(gamma|beta)$/.test(name)
    ? name.replace('gamma', '\\gamma').replace('beta', '\\beta')
    : explanation.results.length > 0 && name.replace("'", '').length > 2
      ? `\\mathrm{${name}}`
      : name;

/** Letters and digits that a line has room for. */
const ROOM = 30;

/** A value's grids in TeX, and how wide each is. */
function matrices(explanation: Explanation, values: Values, name: string): { tex: string; width: number }[] {
  return slicesOf(explanation, name, values[name].shape).map(({ title, rows }) => {
    const cells = rows.map((row) => row.map((at) => showNumber(elementOf(values, { of: name, at }))));
    const body = cells.map((row) => row.join(' & ')).join(' \\\\ ');
    const width = name.length + title.length + 3 + Math.max(...cells.map((row) => row.join('  ').length));
    const tex = `${nameOf(explanation, name)}${title ? `_{${title.replaceAll(' ', '')}}` : ''} = \\begin{bmatrix} ${body} \\end{bmatrix}`;
    return { tex, width };
  });
}

/** Side by side as far as there is room. */
function inLines(all: readonly { tex: string; width: number }[]): string[] {
  const lines: { tex: string; width: number }[] = [];
  for (const { tex, width } of all) {
    const last = lines[lines.length - 1];
    if (last && last.width + width <= ROOM)
      Object.assign(last, { tex: `${last.tex} \\quad ${tex}`, width: last.width + width });
    else lines.push({ tex, width });
  }
  return lines.map(({ tex }) => tex);
}

/** The terms of a sum; what is in parentheses stays in one piece. */
function termsOf(sum: string): string[] {
  const depth = (text: string) => text.split('(').length - text.split(')').length;
  const terms: string[] = [];
  for (const piece of sum.split(' + '))
    if (depth(terms.at(-1) ?? '') > 0) terms.push(`${terms.pop()} + ${piece}`);
    else terms.push(piece);
  return terms;
}

/** Letters and digits that a phone has room for in a line of arithmetic and the name before it. */
const OF_ARITHMETIC = 48;
/** A part of a line with less than this is not worth a line of its own. */
const SHORTEST = 10;

/** How many letters and digits a formula shows. */
const letters = (tex: string): number =>
  tex
    .replaceAll('\\cdot ', '· ')
    .replaceAll(/(\\\w+) \(/g, '$1(')
    .replaceAll(/\\sqrt|\\mathrm|[\\{}^]/g, '').length;

/** A line in lines that have room behind `before`, broken before an operator in as few parentheses as can be. */
function broken(tex: string, before: string): string[] {
  if (letters(before + tex) <= OF_ARITHMETIC) return [tex];
  const depth = (head: string) => head.replaceAll(/[^({]/g, '').length - head.replaceAll(/[^)}]/g, '').length;
  const heads = [...tex.matchAll(/ (?=(?:[-+/]|\\cdot) )/g)]
    .map(({ index }) => tex.slice(0, index))
    .filter((head) => letters(head) >= SHORTEST && letters(before + head) <= OF_ARITHMETIC && !/\{[^}]*$/.test(head));
  if (heads.length === 0) return [tex];
  const best = heads.reduce((a, b) => (depth(b) <= depth(a) ? b : a));
  return [best, ...broken(tex.slice(best.length + 1), before)];
}

function element(explanation: Explanation, values: Values, cell: string): string {
  const [, of, indices] = /^([\w']+)\[([^\]]*)\]$/.exec(cell)!;
  const at = indices.split(',').map(Number);
  const behind = explanation.results.find(({ name }) => name === of)!.behind(at, values, defaultsOf(explanation));
  const products = termsOf(showArithmetic(behind));
  const name = `${nameOf(explanation, of)}[${at.join(', ')}]`;
  const lines = Array.from({ length: Math.ceil(products.length / IN_A_LINE) }, (_, i) =>
    products
      .slice(i * IN_A_LINE, (i + 1) * IN_A_LINE)
      .map(inTex)
      .join(' + '),
  ).flatMap((line, i) => broken(i === 0 ? line : `+ ${line}`, `${name} = `));
  const total = inTex(showNumber(elementOf(values, { of, at })).replace('-', '−'));
  return `\\begin{aligned} ${name} &= ${lines.join(' \\\\ &\\quad ')} \\\\ &= ${total} \\end{aligned}`;
}

const BLOCK = /(<!-- example (\w+): ([^;]*); (.*?) -->\n)[\s\S]*?(<!-- end -->)/g;

/**
 * A chapter with its worked examples computed on the device: `<!-- example conv2d: x w y; y[0, 0, 0, 0] -->` shows
 * these values and the arithmetic behind these elements.
 */
export async function withExamples(device: Device, markdown: string): Promise<string> {
  const texts: string[] = [];
  for (const [, , op, names, cells] of markdown.matchAll(BLOCK)) {
    const explanation = EXPLANATIONS.find(({ name }) => name === op)!;
    const values = await work(device, explanation, defaultsOf(explanation));
    const formulas = [
      ...inLines(names.split(' ').flatMap((name) => matrices(explanation, values, name))),
      ...[...cells.matchAll(/[\w']+\[[^\]]*\]/g)].map(([cell]) => element(explanation, values, cell)),
    ];
    texts.push(formulas.map((tex) => `$$${tex}$$\n`).join('\n'));
  }
  let next = 0;
  return markdown.replace(
    BLOCK,
    (_, begin: string, __, ___, ____, end: string) => `${begin}\n${texts[next++]}\n${end}`,
  );
}
