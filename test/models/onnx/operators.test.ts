import { describe, it } from 'vitest';
import { checkCase, titleOf, type OperatorCase } from './operator_case.ts';
import * as cases from './operator_cases.ts';
import * as more from './specified_cases.ts';
import * as moves from './specified_moves.ts';

// Graphs of one node, computed in float64 by the references, which the GPU is held against elsewhere.
describe.each(Object.entries({ ...cases, ...more, ...moves }) as [string, readonly OperatorCase[]][])(
  '%s',
  (_, all) => {
    it.each(all.map((plan) => [titleOf(plan), plan] as const))('%s', (_, plan) => checkCase(plan));
  },
);
