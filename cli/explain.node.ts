import {
  defaultsOf,
  elementOf,
  isUpdate,
  showArithmetic,
  slicesOf,
  type Behind,
  type Explanation,
  type Result,
  type Values,
} from '../engine/explain/explanation.ts';
import { EXPLANATIONS } from '../engine/explain/explanations.ts';
import { formulaToTex } from '../engine/explain/formula.ts';
import { howMade, opsOf, work } from '../engine/explain/work.ts';
import { UserError } from '../engine/user_error.ts';
import type { GlobalOptions } from './options.ts';
import { openSession } from './session.node.ts';
import { showExplanation, showExplanations, type Explained, type WorkedElement } from './show_explanation.ts';

/** Prints the table of what can be explained. */
export function listExplanations({ json }: GlobalOptions): void {
  console.log(
    json
      ? JSON.stringify(
          EXPLANATIONS.map(({ name, says, chapter }) => ({ name, says, chapter })),
          null,
          2,
        )
      : showExplanations(EXPLANATIONS),
  );
}

/**
 * Prints an op's explanation, its example computed on the adapter. The names of gradients, and of ops that another is
 * made of, are understood too.
 * @throws UserError where there is no such op
 */
export async function explain(name: string, flags: GlobalOptions): Promise<void> {
  const explanation = find(name);
  using device = await openSession(flags);
  const settings = defaultsOf(explanation);
  const values = await work(device, explanation, settings);
  const made = howMade(device, explanation, settings);
  const explained: Explained = {
    name: explanation.name,
    says: explanation.says,
    ...(explanation.chapter !== undefined && { chapter: `docs/${explanation.chapter}.md` }),
    adapter: device.adapter.description,
    operands: explanation.operands(settings).map(({ name: operand, says, shape }) => ({ name: operand, says, shape })),
    results: explanation.results.map((result, i) => ({
      name: result.name,
      of: result.of,
      formula: result.formula,
      where: result.where,
      tex: formulaToTex(result.formula),
      made: made[i],
      element: tellingElement(result, values, explanation),
    })),
    settings,
    isUpdate: isUpdate(explanation),
    values: Object.fromEntries(
      Object.entries(values).map(([key, { shape, data }]) => [
        key,
        { shape, data: Array.from(data), grids: slicesOf(explanation, key, shape) },
      ]),
    ),
  };
  console.log(flags.json ? JSON.stringify(explained, null, 2) : showExplanation(explained));
}

/** The element of a result that is made from the most others, the first of them. */
function tellingElement(result: Result, values: Values, explanation: Explanation): WorkedElement {
  const all = slicesOf(explanation, result.name, values[result.name].shape).flatMap(({ rows }) => rows.flat());
  let best: { at: readonly number[]; behind: Behind } | undefined;
  for (const at of all) {
    const behind = result.behind(at, values, defaultsOf(explanation));
    if (!best || behind.cells.length > best.behind.cells.length) best = { at, behind };
  }
  return {
    at: best!.at,
    value: elementOf(values, { of: result.name, at: best!.at }),
    arithmetic: showArithmetic(best!.behind),
  };
}

function find(asked: string): Explanation {
  const name = asked
    .replaceAll('-', '_')
    .replaceAll(/(?<=[a-z\d])[A-Z]/g, (letter) => `_${letter}`)
    .toLowerCase();
  const found = EXPLANATIONS.find((e) => e.name === name) ?? EXPLANATIONS.find((e) => opsOf(e).includes(name));
  if (found) return found;
  const near = EXPLANATIONS.map((e) => ({
    name: e.name,
    distance: e.name.includes(name) ? 0 : editDistance(e.name, name),
  }))
    .filter(({ distance }) => distance <= Math.max(2, Math.ceil(name.length / 3)))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3);
  const hint = near.length > 0 ? `did you mean ${near.map((e) => e.name).join(' or ')}? ` : '';
  throw new UserError(`there is no op ${asked}; ${hint}\`tuningfork explain\` lists all`);
}

/** Letters to change, put in or take out to make one word of another (Levenshtein 1966). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + Number(a[i - 1] !== b[j - 1])));
    row = next;
  }
  return row[b.length];
}
