import { specialise, type Launch } from './kernel.ts';

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
      done += before;
      rest = rest.slice(end);
    } else {
      const block = rest.slice(body, end);
      // What lies behind a return is never reached, and compilers warn of it.
      const returns = /\breturn\b[^;{}]*;\s*\}$/.test(block);
      done += `${before}{`;
      rest = block + rest.slice(returns ? endOfBlock(rest, end) - 1 : end);
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
  const code = specialise(launch).replace(/\/\/.*$/gm, '');
  const values = new Map([
    ...[...code.matchAll(DECLARATION)].map(([, name, value]) => [name, Number(value)] as const),
    ...Object.entries(overrides),
  ]);
  const uses = kernel.bindings.map(({ name }) => `_ = &${name};`).join(' ');
  return decide(code, values).replace(new RegExp(`\\bfn ${kernel.entryPoint}\\([^{]*\\{`), (head) => `${head} ${uses}`);
}
