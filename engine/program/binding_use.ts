import { decidedText } from '../../kernels/decided.ts';
import { pipelineKey, type Launch } from '../../kernels/kernel.ts';

/** What a pipeline does with a buffer that is bound to it. */
export interface BindingUse {
  readonly reads: boolean;
  readonly writes: boolean;
}

/** The functions of a WGSL text: name, and everything from its parameters to its last brace. */
function functionsOf(code: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const { index, 1: name } of code.matchAll(/\bfn (\w+)\s*\(/g)) {
    let [end, depth] = [code.indexOf('{', index) + 1, 1];
    for (; depth > 0; end++) depth += code[end] === '{' ? 1 : code[end] === '}' ? -1 : 0;
    found.set(name, code.slice(index + 3 + name.length, end));
  }
  return found;
}

/** The texts of the entry point and of all functions that it comes to call. */
function reached(code: string, entryPoint: string): string[] {
  const functions = functionsOf(code);
  const seen = new Set<string>();
  const visit = (name: string): void => {
    const body = functions.get(name);
    if (body === undefined || seen.has(name)) return;
    seen.add(name);
    for (const [, called] of body.matchAll(/\b(\w+)\s*\(/g)) visit(called);
  };
  visit(entryPoint);
  return [...seen].map((name) => functions.get(name)!);
}

/** Whether a function has a variable or a parameter of this name, which hides what is declared outside. */
const hides = (text: string, variable: string): boolean =>
  new RegExp(`(?:\\b(?:var|let|const)\\s+|[(,]\\s*)${variable}\\s*[:=]`).test(text);

/** Where the brackets end, behind the last, that open at `from`. */
function endOfIndex(code: string, from: number): number {
  let [end, depth] = [from + 1, 1];
  for (; depth > 0; end++) depth += code[end] === '[' ? 1 : code[end] === ']' ? -1 : 0;
  return end;
}

/** How functions use a variable: assigning an element writes it, `+=` does both, all else reads. */
function useOf(functions: readonly string[], variable: string): BindingUse {
  const code = functions.filter((text) => !hides(text, variable)).join('\n');
  let [reads, writes] = [false, false];
  for (const { index } of code.matchAll(new RegExp(`(?<![.\\w])${variable}\\b`, 'g'))) {
    const behind = index + variable.length;
    const end = code[behind] === '[' ? endOfIndex(code, behind) : behind;
    const [, operator, equals] = /^(?:\.\w+)?\s*([-+*/%&|^]|<<|>>)?(=(?!=))?/.exec(code.slice(end))!;
    writes ||= equals !== undefined;
    reads ||= equals === undefined || operator !== undefined;
  }
  return { reads, writes };
}

const known = new Map<string, ReadonlyMap<string, BindingUse>>();

/**
 * What a launch's pipeline does with each of its storage buffers, by their names in the WGSL, read from the text that
 * the driver gets: an operand that no stage of an epilogue takes is bound and not read.
 */
export function bindingUses(launch: Launch): ReadonlyMap<string, BindingUse> {
  const key = pipelineKey(launch);
  let uses = known.get(key);
  if (!uses) {
    const { bindings, entryPoint } = launch.kernel;
    // `decidedText` names every binding once, as `_ = &name;`, for the layout's sake.
    const functions = reached(decidedText(launch).replace(/_ = &\w+;/g, ''), entryPoint);
    uses = new Map(
      bindings.filter(({ kind }) => kind !== 'uniform').map(({ name }) => [name, useOf(functions, name)] as const),
    );
    known.set(key, uses);
  }
  return uses;
}

/** Threads of a workgroup of a launch, by what its WGSL and its overrides say. @throws Error where neither says it */
export function threadsOf(launch: Launch): number {
  const code = decidedText(launch);
  const size = /@workgroup_size\(([^)]*)\)/.exec(code)?.[1];
  if (size === undefined) throw new Error(`kernel ${launch.kernel.name} says no @workgroup_size`);
  return size
    .split(',')
    .map((text) => {
      const name = text.trim();
      const declared = new RegExp(`\\b(?:override|const) ${name}\\b[^=;]*=\\s*(\\d+)u?\\s*;`).exec(code)?.[1];
      const threads = Number(/^\d+u?$/.test(name) ? name.replace('u', '') : (launch.overrides?.[name] ?? declared));
      if (!(threads > 0)) throw new Error(`kernel ${launch.kernel.name}: nothing says how many ${name} are`);
      return threads;
    })
    .reduce((a, b) => a * b, 1);
}
