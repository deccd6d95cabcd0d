import type { Graph } from './graph.ts';

/** Where nodes and arrows lie, in pixels. */
export interface Layout {
  readonly width: number;
  readonly height: number;
  /** By id. */
  readonly boxes: readonly { readonly x: number; readonly y: number; readonly width: number }[];
  readonly arrows: readonly { readonly from: number; readonly to: number; readonly path: string }[];
}

export const ROW = 44;
export const BOX = 28;
const OP = 168;
const LEAF = 104;
const GAP = 14;
const LANE = 16;

/**
 * Ops below one another in their order; what is given beside the op that takes it first; arrows that pass over others
 * go along lanes on the right.
 */
export function layoutOf({ nodes }: Graph): Layout {
  const inRow = nodes.filter(({ kind }) => kind === 'op' || kind === 'image');
  const row = new Map(inRow.map(({ id }, i) => [id, i]));
  const beside = new Map<number, number[]>();
  for (const { id } of nodes) {
    if (row.has(id)) continue;
    const user = nodes.find(({ inputs }) => inputs.includes(id))!.id;
    beside.set(user, [...(beside.get(user) ?? []), id]);
  }
  const slots = Math.max(1, ...[...beside.values()].map((all) => all.length));
  const left = slots * (LEAF + GAP);
  const boxes = nodes.map(({ id }) => {
    const own = row.get(id);
    if (own !== undefined) return { x: left, y: own * ROW, width: OP };
    const [user, all] = [...beside].find(([, ids]) => ids.includes(id))!;
    return { x: left - (all.indexOf(id) + 1) * (LEAF + GAP), y: row.get(user)! * ROW, width: LEAF };
  });
  const lanes: { first: number; last: number }[][] = [];
  const arrows = nodes.flatMap(({ id, inputs }) =>
    [...new Set(inputs)].map((from) => {
      const [a, b] = [boxes[from], boxes[id]];
      const middle = BOX / 2;
      // What is given stands beside its op: others of the row may be between, so the arrow arches over them.
      if (!row.has(from)) {
        const near = b.x - a.x - a.width <= GAP;
        const path = near
          ? `M${a.x + a.width} ${a.y + middle}H${b.x}`
          : `M${a.x + a.width / 2} ${a.y}v-5H${b.x + 12}V${b.y}`;
        return { from, to: id, path };
      }
      const [first, last] = [row.get(from)!, row.get(id)!];
      if (last === first + 1) return { from, to: id, path: `M${a.x + OP / 2} ${a.y + BOX}V${b.y}` };
      let lane = lanes.findIndex((taken) => taken.every((other) => other.last <= first || other.first >= last));
      if (lane < 0) lane = lanes.push([]) - 1;
      lanes[lane].push({ first, last });
      const x = left + OP + GAP + lane * LANE;
      return { from, to: id, path: `M${left + OP} ${a.y + middle}H${x}V${b.y + middle}H${left + OP}` };
    }),
  );
  const width = left + OP + GAP + lanes.length * LANE + 4;
  return { width, height: inRow.length * ROW, boxes, arrows };
}
