import { expect, it } from 'vitest';
import { grad } from '../../engine/autodiff.ts';
import { defaultsOf, isUpdate, type Explanation, type Operand } from '../../engine/explain/explanation.ts';
import { EXPLANATIONS } from '../../engine/explain/explanations.ts';
import { work } from '../../engine/explain/work.ts';
import { offsetOf, upTo } from '../../engine/explain/terms.ts';
import { input } from '../../engine/ops/leaves.ts';
import { compile } from '../../engine/program/program.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { describeAdapters } from '../gpu.ts';

/*
 * One number of an op's example becomes NaN. What the op says each of its results is made from (`behind` of
 * engine/explain) then says which of them must be NaN, and that no other may be. The list of the explained ops is that
 * of all ops with a gradient (explain.test.ts), so a new op is covered without being asked.
 */

const OPS = EXPLANATIONS.filter((explanation) => !isUpdate(explanation));
const isFloat = ({ dtype }: Operand) => dtype !== 'u32';

/** All indices of a shape. */
const indicesOf = (shape: readonly number[]): number[][] =>
  shape.reduce<number[][]>((found, d) => found.flatMap((index) => upTo(d).map((i) => [...index, i])), [[]]);

/** The op's example as graph: its operands, its output, and its gradients from the cotangent `dy`. */
function exampleOf(explanation: Explanation) {
  const settings = defaultsOf(explanation);
  const operands = explanation.operands(settings);
  const tensors = Object.fromEntries(operands.map(({ name, shape, dtype }) => [name, input(name, shape, dtype)]));
  const y = explanation.apply(tensors, settings);
  const dy = input('dy', y.shape);
  const [first, ...gradients] = explanation.results;
  const wrt = gradients.map(({ of }) => tensors[of!]);
  const outputs = new Map<string, Tensor>([[first.name, y]]);
  grad(y, wrt, dy).forEach((dx, i) => outputs.set(gradients[i].name, dx));
  return { settings, operands, y, dy, outputs };
}

describeAdapters('a NaN', (device) => {
  it.each(OPS.map(({ name }) => name))('goes through %s, forwards', async (name) => {
    const explanation = OPS.find((e) => e.name === name)!;
    const { settings, operands, y, outputs } = exampleOf(explanation);
    const [result] = explanation.results;
    using program = await compile(device(), { outputs: [y] });
    const values = await work(device(), explanation, settings);
    const feeds = (spoilt: string, at: number) =>
      Object.fromEntries(
        operands
          .filter((operand) => program.hasInput(operand.name))
          .map((operand) => {
            const data = isFloat(operand) ? Float32Array.from(operand.data) : Uint32Array.from(operand.data);
            if (operand.name === spoilt) data[at] = NaN;
            return [operand.name, data];
          }),
      );
    expect(outputs.size).toBe(explanation.results.length);
    for (const operand of operands.filter(isFloat)) {
      for (const index of indicesOf(operand.shape)) {
        const at = offsetOf(operand.shape, index);
        program.run(feeds(operand.name, at));
        const got = await program.read(y);
        for (const place of indicesOf(y.shape)) {
          const { cells } = result.behind(place, values, settings);
          const made = cells.some((cell) => cell.of === operand.name && offsetOf(operand.shape, cell.at) === at);
          const value = got[offsetOf(y.shape, place)];
          expect(Number.isNaN(value), `${operand.name}[${index}] is NaN, ${result.name}[${place}] is ${value}`).toBe(
            made,
          );
        }
      }
    }
  });

  it.each(OPS.map(({ name }) => name))('goes through %s, backwards', async (name) => {
    const explanation = OPS.find((e) => e.name === name)!;
    const { operands, y, dy, outputs } = exampleOf(explanation);
    const gradients = [...outputs.values()].slice(1);
    using program = await compile(device(), { outputs: gradients });
    const cotangent = new Float32Array(y.size).fill(1);
    const base = Object.fromEntries(
      operands
        .filter((operand) => program.hasInput(operand.name))
        .map((operand) => [
          operand.name,
          isFloat(operand) ? Float32Array.from(operand.data) : Uint32Array.from(operand.data),
        ]),
    );
    const run = async () => {
      program.run({ ...base, ...(program.hasInput(dy.name!) && { dy: cotangent }) });
      return Promise.all(gradients.map((g) => program.read(g)));
    };
    const before = await run();
    for (let at = 0; at < y.size; at++) {
      // What follows the cotangent at a place when it is doubled is made from it.
      cotangent[at] = 2;
      const doubled = await run();
      cotangent[at] = NaN;
      const got = await run();
      cotangent[at] = 1;
      gradients.forEach((_, k) =>
        got[k].forEach((value, i) => {
          if (doubled[k][i] === before[k][i]) return;
          expect(value, `dy[${at}] is NaN, element ${i} of gradient ${k} follows it`).toBeNaN();
        }),
      );
      expect(
        got.some((g) => g.some(Number.isNaN)) || doubled.every((d, k) => d.every((v, i) => v === before[k][i])),
      ).toBe(true);
    }
  });
});
