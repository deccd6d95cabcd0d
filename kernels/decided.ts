import { specialise, type KernelSource, type Launch } from './kernel.ts';

/** What decides a branch when a pipeline is made: an override, or a const, compared with a whole number. */
const BRANCH = /\bif \(([A-Z]\w*) (==|!=) (\d+)u?\) \{/;

const DECLARATION = /^(?:override|const) (\w+)(?:\s*:\s*\w+)?\s*=\s*(\d+)u?;/gm;

/** Where the block ends, behind its brace, in which `from` lies. */
function endOfBlock(code: string, from: number): number {
  for (let [i, depth] = [from, 1]; i < code.length; i++) {
    if (code[i] === '{') depth++;
    else if (code[i] === '}' && --depth === 0) return i + 1;
  }
  throw new Error('a brace is not closed');
}

/** What is left out keeps its lines, so that those of an error are found in the file (`placeOf`). */
const emptied = (text: string): string => text.replace(/[^\n]/g, '');

/** The text with the branches decided that depend on `values` alone. Those with an `else` stay. */
function decide(code: string, values: ReadonlyMap<string, number>): string {
  let [done, rest] = ['', code];
  for (let found = BRANCH.exec(rest); found; found = BRANCH.exec(rest)) {
    const [whole, name, comparison, number] = found;
    const [before, body] = [rest.slice(0, found.index), found.index + whole.length];
    const end = endOfBlock(rest, body);
    const value = values.get(name);
    if (value === undefined || before.endsWith('else ') || /^\s*else\b/.test(rest.slice(end))) {
      done += rest.slice(0, body);
      rest = rest.slice(body);
    } else if ((value === Number(number)) !== (comparison === '==')) {
      done += before + emptied(rest.slice(found.index, end));
      rest = rest.slice(end);
    } else {
      const block = rest.slice(body, end);
      // What lies behind a return is never reached, and compilers warn of it.
      const returns = /\breturn\b[^;{}]*;\s*\}$/.test(block);
      done += `${before}{`;
      const next = returns ? endOfBlock(rest, end) - 1 : end;
      rest = block + emptied(rest.slice(end, next)) + rest.slice(next);
    }
  }
  return done + rest;
}

/**
 * The launch's text without the branches that its overrides and consts leave out. A driver finds them as well, but only
 * once each call of a function has become a copy of it: 64 copies of an epilogue with all its stages are most of what
 * it has to compile for a product that has none. Every binding remains part of the pipeline's layout.
 */
export function decidedText(launch: Pick<Launch, 'kernel' | 'overrides' | 'consts' | 'aliases'>): string {
  const { kernel, overrides = {} } = launch;
  const code = specialise(launch).replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, emptied);
  const values = new Map([
    ...[...code.matchAll(DECLARATION)].map(([, name, value]) => [name, Number(value)] as const),
    ...Object.entries(overrides),
  ]);
  const uses = kernel.bindings.map(({ name }) => `_ = &${name};`).join(' ');
  return decide(code, values).replace(new RegExp(`\\bfn ${kernel.entryPoint}\\([^{]*\\{`), (head) => `${head} ${uses}`);
}

/** Where a line of a kernel's text lies, as `file:line`: in its own file, or in one that it includes. */
export function placeOf({ file, code }: Pick<KernelSource, 'file' | 'code'>, line: number): string {
  const within: { name: string; line: number }[] = [{ name: file, line: 0 }];
  for (const text of code.split('\n').slice(0, line)) {
    const [, begun] = /^\/\/!begin (\S+)$/.exec(text) ?? [];
    if (text === '//!end') within.pop();
    else within.at(-1)!.line++;
    if (begun !== undefined) within.push({ name: besides(within.at(-1)!.name, begun), line: 0 });
  }
  const { name, line: own } = within.at(-1)!;
  return `${name}:${own}`;
}

/** A path that is relative to the folder of another file. */
function besides(file: string, path: string): string {
  const parts = file.split('/').slice(0, -1);
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else parts.push(part);
  }
  return parts.join('/');
}
