import { constantArray } from '../../../engine/ops/leaves.ts';
import { topologicalOrder, type Tensor } from '../../../engine/tensor.ts';
import { UserError } from '../../../engine/user_error.ts';

/*
 * Which lengths grow with the batch is found by describing the network for two batches: nothing is computed for it.
 * Primes, so that hardly any other length is a multiple of one; where it is, the next one is taken.
 */
const PRIMES = [61, 67, 71, 73, 79, 83, 89, 97];

/** The graph of a network for a batch whose multiples are lengths that grow with it, and no others. */
export function graphOfAnyBatch<G extends { readonly y: Tensor }>(build: (batch: number) => G): G & { batch: number } {
  for (let i = 0; i + 1 < PRIMES.length; i++) {
    const [one, other] = [build(PRIMES[i]), build(PRIMES[i + 1])];
    if (isClear(one.y, other.y, PRIMES[i], PRIMES[i + 1])) return { ...one, batch: PRIMES[i] };
  }
  throw new UserError('exportOnnx: too many lengths of the network are multiples of primes; this is no usual network');
}

/** Whether the lengths that are multiples of the batch are those that differ from one batch to the other. */
function isClear(one: Tensor, other: Tensor, batch: number, otherBatch: number): boolean {
  const [a, b] = [topologicalOrder([one]), topologicalOrder([other])];
  const fail = (t: Tensor): never => {
    throw new UserError(
      `exportOnnx: ${t} depends on the length of the batch in a way that a file for any batch cannot say`,
    );
  };
  const odd = a.findIndex((t, i) => !isAlike(t, b[i]));
  if (odd >= 0 || a.length !== b.length) fail(a[odd] ?? one);
  return a.every((t, i) =>
    t.shape.every((n, d) => {
      const m = b[i].shape[d];
      if (n === m) return n % batch !== 0;
      return (n % batch === 0 && m % otherBatch === 0 && n / batch === m / otherBatch) || fail(t);
    }),
  );
}

/** Attributes that hold no lengths: a batch must not change them. */
const NO_LENGTHS = ['stages', 'value', 'starts', 'steps', 'index', 'axis', 'axes', 'first', 'last', 'perm'];

/** Whether two tensors differ in lengths only: they are of one op, by the same numbers. */
function isAlike(t: Tensor, u: Tensor | undefined): boolean {
  if (!u || t.op.name !== u.op.name || t.shape.length !== u.shape.length) return false;
  const [p, q] = [constantArray(t), constantArray(u)];
  if (p && q && p !== q && p.length === q.length) return p.every((v, i) => Object.is(v, q[i]));
  const told = ({ attrs }: Tensor) => JSON.stringify(NO_LENGTHS.map((name) => attrs[name]));
  return typeof t.attrs['value'] === 'object' || told(t) === told(u);
}
