import { expect, it } from 'vitest';
import { pollPatiently } from '../../engine/device/patient_polling.node.ts';

pollPatiently();

/**
 * As the binding asks: a native function without a name, which puts itself off again until `done` says so. The times at
 * which it was called.
 */
async function polls(done: () => boolean): Promise<number[]> {
  const times: number[] = [];
  await new Promise<void>((resolve) => {
    const poll: () => void = Object.defineProperty(
      (() => {
        times.push(performance.now());
        if (done()) resolve();
        else setImmediate(poll);
      }).bind(undefined),
      'name',
      { value: '' },
    );
    setImmediate(poll);
  });
  return times;
}

it('asks at every turn at first, then once a millisecond', async () => {
  let begun: number | undefined;
  // From the first question on: what comes before it is the machine's affair, and the wait has begun by then.
  const waited = () => performance.now() - (begun ??= performance.now());
  const times = await polls(() => waited() > 80);
  const late = times.filter((t) => t - times[0] > 20);
  expect(late.length).toBeGreaterThan(0);
  // A timer never comes early by more than the millisecond that it is measured in; at every turn there would be
  // hundreds in each.
  expect(late.length).toBeLessThan(2 * (waited() - 20));
});

it('begins anew with what is waited for next', async () => {
  await polls(() => true);
  let left = 50;
  expect(await polls(() => --left === 0)).toHaveLength(50);
});

it('leaves other work as it was: in order, with its values, and cancelled', async () => {
  const seen: unknown[] = [];
  const cancelled = setImmediate(() => seen.push('cancelled'));
  clearImmediate(cancelled);
  setImmediate((a: number, b: string) => seen.push(a, b), 1, 'two');
  await new Promise<void>((resolve) =>
    setImmediate(() => {
      seen.push('last');
      resolve();
    }),
  );
  expect(seen).toEqual([1, 'two', 'last']);
});
