import { expect, it } from 'vitest';
import { ADAPTERS } from '../../gpu.ts';
import { runSpecs, type Outcome } from './specs.ts';

/** Suites of specs that fail, and how many specs of each: what this backend does otherwise, each for its reason. */
const OTHERWISE: Readonly<Record<string, number>> = {};

/** What a spec comes to: it passes, a sentence refuses what it asks for, or it fails. */
const kindOf = ({ why }: Outcome) =>
  why === undefined ? 'passed' : why.startsWith('tuningfork: ') ? 'refused' : 'failed';

it("passes tfjs's own specs", async () => {
  const outcomes = await runSpecs(ADAPTERS[0], /^(ops|optimizers)\/|^\/(gradients|variable)_test/);
  const of = (kind: string) => outcomes.filter((outcome) => kindOf(outcome) === kind);
  const failed: Record<string, number> = {};
  for (const { name } of of('failed')) {
    const suite = name.split(' \u203a ')[0];
    failed[suite] = (failed[suite] ?? 0) + 1;
  }
  console.log(of('passed').length, of('refused').length, of('failed'));
  expect(failed).toEqual(OTHERWISE);
});
