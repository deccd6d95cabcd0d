// What a thread of a wide sum owns: every DEPTH-th row of one part of one column, as indices into x. A workgroup owns
// COLUMNS neighbours along the inner dimension; one that is not needed, or beyond the last column, owns nothing.
struct Column {
  inside: bool,
  first: u32, // first, first + step, ... up to end
  end: u32,
  step: u32,
  out: u32, // where the sum goes
}

fn column_of(group: u32, lane: u32) -> Column {
  let across = (params.inner + COLUMNS - 1u) / COLUMNS;
  let i = group % across * COLUMNS + lane % COLUMNS;
  let part = group / across % params.parts;
  let o = group / across / params.parts;
  let inside = i < params.inner && o < params.outer;
  let row = params.parts * params.inner;
  let start = o * params.length * params.inner + i;
  let first = start + part * params.inner + lane / COLUMNS * row;
  var end = 0u;
  if (inside) {
    end = start + params.length * params.inner;
  }
  return Column(inside, first, end, DEPTH * row, (o * params.parts + part) * params.inner + i);
}
