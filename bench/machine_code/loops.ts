import type { Block } from './listing.ts';

/** Blocks that run again and again, without those of the loops inside them. */
interface Loop {
  own: readonly number[];
  readonly around: Loop | null;
}

/** The blocks among `within` that can be reached from one of them, by the allowed edges. */
function reachable(from: number, edges: readonly (readonly number[])[], within: ReadonlySet<number>): Set<number> {
  const [found, open] = [new Set<number>(), [from]];
  while (open.length > 0)
    for (const to of edges[open.pop()!])
      if (within.has(to) && !found.has(to)) {
        found.add(to);
        open.push(to);
      }
  return found;
}

/**
 * The loops among some blocks, outer ones before what is inside them. A loop is a set of blocks each of which leads to
 * every other; without the edges to where it is entered, what is left of it are the loops inside.
 */
function loopsOf(
  edges: readonly (readonly number[])[],
  within: ReadonlySet<number>,
  around: Loop | null = null,
): Loop[] {
  const after = new Map([...within].map((block) => [block, reachable(block, edges, within)]));
  const [loops, seen] = [[] as Loop[], new Set<number>()];
  for (const block of within) {
    if (seen.has(block) || !after.get(block)!.has(block)) continue;
    const body = new Set([...after.get(block)!].filter((other) => after.get(other)!.has(block)));
    for (const each of body) seen.add(each);
    const entered = new Set([...within].filter((from) => !body.has(from)).flatMap((from) => edges[from]));
    // A loop that nothing outside leads to begins with the first block.
    if (![...body].some((each) => entered.has(each))) entered.add(Math.min(...body));
    const inside = edges.map((to) => to.filter((each) => !(body.has(each) && entered.has(each))));
    const loop: Loop = { own: [], around };
    const inner = loopsOf(inside, body, loop);
    const taken = new Set(inner.flatMap(({ own }) => own));
    loop.own = [...body].filter((each) => !taken.has(each));
    loops.push(loop, ...inner);
  }
  return loops;
}

interface Count {
  readonly multiplyAdds: number;
  readonly vector: number;
}

function count(blocks: readonly Block[], numbers: readonly number[]): Count {
  const kinds = numbers.flatMap((n) => blocks[n].kinds);
  const multiplyAdds = kinds.filter((kind) => kind === 'multiply-add').length;
  return { multiplyAdds, vector: multiplyAdds + kinds.filter((kind) => kind === 'vector').length };
}

/**
 * Multiply-adds over all vector instructions, of the loop that has most of them and of the loop around it, in a round
 * of which it runs `trips` times; of the whole text where no loop multiplies. No GPU that issues a vector instruction a
 * clock does more of its peak.
 */
export function multiplyAddShare(blocks: readonly Block[], trips: number): number {
  const all = blocks.map((_, i) => i);
  const edges = blocks.map(({ next }) => next);
  let [hot, most]: [Loop | null, Count] = [null, { multiplyAdds: 0, vector: 0 }];
  for (const loop of loopsOf(edges, new Set(all))) {
    const own = count(blocks, loop.own);
    if (own.multiplyAdds > most.multiplyAdds) [hot, most] = [loop, own];
  }
  if (!hot) most = count(blocks, all);
  const outer = hot?.around ? count(blocks, hot.around.own) : { multiplyAdds: 0, vector: 0 };
  const vector = outer.vector + trips * most.vector;
  return vector === 0 ? 0 : (outer.multiplyAdds + trips * most.multiplyAdds) / vector;
}
