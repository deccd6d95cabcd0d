import { grad } from '../../engine/autodiff.ts';
import type { Device } from '../../engine/device/device.ts';
import { Parameter } from '../../engine/device/parameter.ts';
import { adam } from '../../engine/ops/adam.ts';
import { input } from '../../engine/ops/leaves.ts';
import { add, mul, rsub, square, sub } from '../../engine/ops/pointwise.ts';
import { sum } from '../../engine/ops/reduce.ts';
import { sgd } from '../../engine/ops/sgd.ts';
import { split } from '../../engine/ops/slice.ts';
import { compile } from '../../engine/program/program.ts';
import type { Tensor } from '../../engine/tensor.ts';

/** The loss of the figure, Rosenbrock's valley (1960) made less steep: (1 − a)² + 5·(b − a²)², lowest at (1, 1). */
export const STEEPNESS = 5;
export const valley = (a: number, b: number): number => (1 - a) ** 2 + STEEPNESS * (b - a * a) ** 2;
const START = [-1.2, 1.4];

export interface Descent {
  readonly steps: number;
  readonly adamRate: number;
  readonly sgdRate: number;
  readonly momentum: number;
}

/** Where the two were after each step: a, b, a, b, ... beginning with the start. */
export interface Paths {
  readonly adam: readonly number[];
  readonly sgd: readonly number[];
}

function loss(w: Tensor): Tensor {
  const [a, b] = split(w, [1, 1], -1);
  return sum(add(square(rsub(a, 1)), mul(square(sub(b, square(a))), STEEPNESS)));
}

/** Adam and SGD on their way down the valley, both by the engine's own ops, gradients by its autodiff. */
export async function descend(device: Device, { steps, adamRate, sgdRate, momentum }: Descent): Promise<Paths> {
  const parameters = ['wa', 'm', 'v', 'ws', 'ms'].map(
    (name) => new Parameter(device, name, [2], name.startsWith('w') ? Float32Array.from(START) : undefined),
  );
  const [wa, m, v, ws, ms] = parameters;
  try {
    const [hyperA, hyperS] = [input('adam', [4]), input('sgd', [2])];
    const [lossA, lossS] = [loss(wa.tensor), loss(ws.tensor)];
    using program = await compile(device, {
      updates: [
        adam({ w: wa.tensor, m: m.tensor, v: v.tensor }, grad(lossA, [wa.tensor])[0], hyperA, lossA),
        sgd({ w: ws.tensor, m: ms.tensor }, grad(lossS, [ws.tensor])[0], hyperS, { momentum }),
      ],
    });
    const paths = { adam: [...START], sgd: [...START] };
    for (let t = 1; t <= steps; t++) {
      program.run({
        adam: Float32Array.of(adamRate, 1 - 0.9 ** t, 1 - 0.999 ** t, 1),
        sgd: Float32Array.of(sgdRate, 1),
      });
      paths.adam.push(...(await wa.read()));
      paths.sgd.push(...(await ws.read()));
    }
    return paths;
  } finally {
    for (const parameter of parameters) parameter[Symbol.dispose]();
  }
}
