import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDevice, type Device } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { Parameter, parameterOf } from '../../engine/device/parameter.ts';
import { assign, ema } from '../../engine/ops/assign.ts';
import { input, reshape } from '../../engine/ops/leaves.ts';
import { add, exp, mul } from '../../engine/ops/pointwise.ts';
import { sum } from '../../engine/ops/reduce.ts';
import { outline } from '../../engine/program/outline.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { UserError } from '../../engine/user_error.ts';
import { uniform } from '../random.ts';

/*
 * The order in which a program changes its parameters: each after everybody who wants its old value. Nothing is
 * computed here.
 */

const COUNT = 4;

describe('the order of updates', () => {
  let device: Device;
  beforeAll(async () => {
    device = await openDevice({ gpu: openGpu({ backend: 'null' }) });
  });
  afterAll(() => device[Symbol.dispose]());

  /** The parameter that a tensor is, or looks at. */
  const parameterBehind = (t: Tensor): Parameter | undefined =>
    t.op.view ? parameterBehind(t.inputs[0]) : parameterOf(t);

  it('is after every reader of the old value, views and other updates included, or there is none', () => {
    let [ordered, refused, moved] = [0, 0, 0];
    for (let seed = 0; seed < 300; seed++) {
      const random = uniform(seed);
      const upTo = (n: number) => Math.floor(random() * n);
      const parameters = Array.from({ length: COUNT }, (_, i) => new Parameter(device, `p${i}`, [4]));
      // What reads a parameter: itself, a view of it, or something made from it.
      const made: Tensor[] = [input('x', [4])];
      const value = (): Tensor => {
        const { tensor } = parameters[upTo(COUNT)];
        const kind = random();
        if (kind < 0.25) return tensor;
        if (kind < 0.4) return reshape(reshape(tensor, [2, 2]), [4]);
        if (kind < 0.7) return exp(tensor);
        return made[upTo(made.length)];
      };
      const updates = new Map<Parameter, Tensor>();
      const outputs: Tensor[] = [];
      for (let i = 0; i < 8; i++) {
        const p = parameters[upTo(COUNT)];
        if (random() < 0.5 && !updates.has(p))
          updates.set(p, random() < 0.5 ? assign(p.tensor, value()) : ema(p.tensor, value(), 0.5));
        else made.push(add(mul(value(), 2), value()));
        if (random() < 0.3) outputs.push(sum(made[made.length - 1]));
      }
      // An update must follow another that reads its parameter's old value: in a circle that cannot be.
      const follows = (u: Tensor): Tensor[] => {
        const p = parameterBehind(u.inputs[0])!;
        return [...updates.values()].filter((other) =>
          other.inputs.some((t, i) => !other.op.mutates.includes(i) && parameterBehind(t) === p),
        );
      };
      const circular = (u: Tensor, path: readonly Tensor[]): boolean =>
        path.includes(u) || follows(u).some((other) => circular(other, [...path, u]));
      const spec = { outputs, updates: [...updates.values()] };
      if (spec.updates.some((u) => circular(u, []))) {
        refused++;
        expect(() => outline(device, spec), `seed ${seed}`).toThrow(UserError);
      } else {
        ordered++;
        const steps = outline(device, spec).lowered.steps.map(({ tensor }) => tensor);
        const place = (t: Tensor) => steps.indexOf(t);
        const changes = new Map(
          steps.filter((t) => t.op.mutates.length > 0).map((t) => [parameterBehind(t.inputs[0])!, t]),
        );
        expect(changes.size, `seed ${seed}`).toBe(updates.size);
        steps.forEach((t, i) =>
          t.inputs.forEach((read, k) => {
            const p = parameterBehind(read);
            const change = p && changes.get(p);
            if (change && !t.op.mutates.includes(k))
              expect(i, `seed ${seed}: ${t} reads ${p.name}`).toBeLessThan(place(change));
            if (!p && place(read) >= 0) expect(place(read), `seed ${seed}: ${t} reads ${read}`).toBeLessThan(i);
          }),
        );
        // Made earlier than it stands: it was moved behind a reader.
        for (const change of changes.values()) if (place(change) > place(change.inputs[1]) + 1) moved++;
      }
      for (const p of parameters) p[Symbol.dispose]();
    }
    expect([ordered > 100, refused > 20, moved > 20]).toEqual([true, true, true]);
  });
});
