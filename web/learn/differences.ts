import type { Difference } from './view.ts';

/**
 * Steps for central differences of a loss with respect to one of these numbers: from an eighth of their size downwards.
 */
export function stepsFor(values: Float32Array): number[] {
  const size = Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length) || 1;
  return [2 ** -3, 2 ** -6, 2 ** -9].map((part) => part * 2 ** Math.round(Math.log2(size)));
}

/**
 * (loss(v + h) − loss(v − h)) / 2h for the number at `offset`, where 2h is the distance of the two as f32 holds them.
 */
export async function centralDifference(
  loss: (values: Float32Array) => Promise<number>,
  values: Float32Array,
  offset: number,
  h: number,
): Promise<Difference> {
  const moved = Float32Array.from(values);
  moved[offset] = values[offset] + h;
  const above = moved[offset];
  const up = await loss(moved);
  moved[offset] = values[offset] - h;
  const down = await loss(moved);
  return { h, up, down, slope: (up - down) / (above - moved[offset]) };
}
